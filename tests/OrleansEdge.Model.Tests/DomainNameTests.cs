namespace OrleansEdge.Model.Tests;

public class DomainNameTests
{
    [Theory]
    [InlineData("chat.example.com", "chat.example.com")]
    [InlineData("Chat.EXAMPLE.com.", "chat.example.com")]
    [InlineData("*.Example.com", "*.example.com")]
    [InlineData("bücher.example", "xn--bcher-kva.example")]
    [InlineData("BÜCHER.example.", "xn--bcher-kva.example")]
    [InlineData("*.bücher.example", "*.xn--bcher-kva.example")]
    [InlineData("例え.jp", "xn--r8jz45g.jp")]
    [InlineData("LOCALHOST", "localhost")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("[::1]", "::1")]
    [InlineData("2001:DB8:0:0::1", "2001:db8::1")]
    [InlineData("", "")]
    [InlineData(".", "")]
    [InlineData("a..b", "a..b")]
    [InlineData("A:B", "a:b")]
    public void Host_HasOneForm(string host, string normal) => Assert.Equal(normal, DomainName.Normalize(host));

    [Fact]
    public void HostInNormalForm_IsReturnedAsItIs()
    {
        var host = new string("chat.example.com");
        DomainName.Normalize(host);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var normal = DomainName.Normalize(host);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Same(host, normal);
    }

    [Fact]
    public void NonsenseOfAnyLength_IsNormalisedWithoutFailing()
    {
        string[] nonsense = ["ü..", "\ud800", "xn--\u00fc", new('ü', 5000), new('.', 300), "[", "]", "[]", ":", "%", "\0"];

        Assert.All(nonsense, host => Assert.NotNull(DomainName.Normalize(host)));
    }

    [Theory]
    [InlineData("chat.example.com")]
    [InlineData("Chat.Example.com.")]
    [InlineData("*.example.com")]
    [InlineData("*.localhost")]
    [InlineData("localhost")]
    [InlineData("my_service")]
    [InlineData("a-1.b")]
    [InlineData("3com.example")]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("bücher.example")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("[2001:db8::1]")]
    public void NameThatCanBeServed_HasNoFault(string name) => Assert.Null(DomainName.Validate(name));

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("*", "a wildcard covers the names below a domain: write *.example.com")]
    [InlineData("*.", "is empty")]
    [InlineData("*.127.0.0.1", "\"*.127.0.0.1\": nothing is below an IP address")]
    [InlineData("a.*.example.com", "\"a.*.example.com\" is not a host name: it holds '*'")]
    [InlineData("*.*.example.com", "\"*.example.com\" is not a host name: it holds '*'")]
    [InlineData("https://example.com", "\"https://example.com\" is not a host name: leave out the scheme")]
    [InlineData("example.com/chat", "\"example.com/chat\" is not a host name: leave out the path")]
    [InlineData("example.com:443", "\"example.com:443\" is not a host name: leave out the port")]
    [InlineData("[::1]:443", "\"[::1]:443\" is not a host name: leave out the port")]
    [InlineData("example..com", "\"example..com\" is not a host name: a label between two dots is empty")]
    [InlineData("-a.example", "\"-a.example\" is not a host name: a label begins and ends with a letter or a digit")]
    [InlineData("_.example", "\"_.example\" is not a host name: a label begins and ends with a letter or a digit")]
    [InlineData("a b.example", "\"a b.example\" is not a host name: it holds ' '")]
    [InlineData("a\nb", "\"a\nb\" is not a host name: it holds a control character")]
    [InlineData("../../etc", "\"../../etc\" is not a host name: leave out the path")]
    [InlineData("1.2.3", "\"1.2.3\" is neither an IPv4 address nor a host name")]
    [InlineData("256.1.1.1", "\"256.1.1.1\" is neither an IPv4 address nor a host name")]
    [InlineData("127.0.0.01", "\"127.0.0.01\" is neither an IPv4 address nor a host name")]
    [InlineData("fe80::1%eth0", "\"fe80::1%eth0\" is not a host name: it holds ':'")]
    [InlineData("bu\u0308cher.example", "\"bu\u0308cher.example\" holds U+0308, which has no single form in a host name: write the name in punycode (xn--)")]
    [InlineData("ＡＢ.example", "\"ＡＢ.example\" holds U+FF21, which has no single form in a host name: write the name in punycode (xn--)")]
    public void NameThatCannotBeServed_FaultSaysWhatToDo(string name, string fault) => Assert.Equal(fault, DomainName.Validate(name));

    [Fact]
    public void Lengths_AreBounded()
    {
        var label63 = new string('a', 63);
        var longest = $"{label63}.{label63}.{label63}.{new string('a', 61)}";

        Assert.Null(DomainName.Validate(longest));
        Assert.Equal("has 254 characters, 253 is the most", DomainName.Validate(longest + "a"));
        Assert.EndsWith("a label is longer than 63 characters", DomainName.Validate(label63 + "a")!, StringComparison.Ordinal);
    }
}
