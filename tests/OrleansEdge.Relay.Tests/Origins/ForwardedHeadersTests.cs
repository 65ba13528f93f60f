using System.Net;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Relay.Origins;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

public sealed class ForwardedHeadersTests
{
    private static readonly (string, string)[] FromBefore =
    [
        ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shown.example.com"), ("X-Forwarded-Port", "443"),
        ("Forwarded", "for=203.0.113.9"), ("Via", "1.0 fred"), ("CDN-Loop", "other; v=\"1, 2\""),
    ];

    [Fact]
    public void UntrustedPeer_ItsWordIsReplaced()
    {
        var fields = Apply(Given.Request(FromBefore), isTrusted: false);
        Assert.Equal("192.0.2.7", fields["X-Forwarded-For"]);
        Assert.Equal("http", fields["X-Forwarded-Proto"]);
        Assert.Equal("chat.example.com:81", fields["X-Forwarded-Host"]);
        Assert.Equal("for=192.0.2.7;host=\"chat.example.com:81\";proto=http", fields["Forwarded"]);
        Assert.Equal("1.0 fred, 1.1 OrleansEdge", fields["Via"]);
        Assert.Equal("other; v=\"1, 2\", edge-under-test", fields["CDN-Loop"]);
    }

    [Fact]
    public void TrustedPeer_ItsWordIsExtended()
    {
        var fields = Apply(Given.Request(FromBefore), isTrusted: true);
        Assert.Equal("203.0.113.9, 192.0.2.7", fields["X-Forwarded-For"]);
        Assert.Equal("https", fields["X-Forwarded-Proto"]);
        Assert.Equal("shown.example.com", fields["X-Forwarded-Host"]);
        Assert.Equal("for=203.0.113.9, for=192.0.2.7;host=\"chat.example.com:81\";proto=http", fields["Forwarded"]);
    }

    [Fact]
    public void IPv6Peer_IsQuotedInForwarded()
    {
        var context = Given.Request();
        context.Connection.RemoteIpAddress = IPAddress.Parse("2001:db8::1");
        var fields = Apply(context, isTrusted: false);
        Assert.Equal("2001:db8::1", fields["X-Forwarded-For"]);
        Assert.StartsWith("for=\"[2001:db8::1]\";", fields["Forwarded"], StringComparison.Ordinal);
    }

    [Fact]
    public void IPv4InIPv6_IsIPv4()
    {
        var context = Given.Request();
        context.Connection.RemoteIpAddress = IPAddress.Parse("::ffff:192.0.2.8");
        Assert.Equal("192.0.2.8", Apply(context, isTrusted: false)["X-Forwarded-For"]);
    }

    [Theory]
    [InlineData("X-Forwarded-Port", false, true)]
    [InlineData("X-Forwarded-Port", true, false)]
    [InlineData("x-forwarded-for", true, true)]
    [InlineData("via", true, true)]
    [InlineData("X-Real", false, false)]
    public void Replaces_KnowsItsFields(string name, bool isTrusted, bool expected)
        => Assert.Equal(expected, new ForwardedHeaders("t", _ => isTrusted).Replaces(name, Given.Request()));

    [Theory]
    [InlineData("198.51.100.1", "203.0.113.9", "https", "198.51.100.1:5000", null)]
    [InlineData("10.0.0.1", "", "https", "10.0.0.1:5000", "https")]
    [InlineData("10.0.0.1", "203.0.113.9", "https", "203.0.113.9:0", "https")]
    [InlineData("10.0.0.1", "203.0.113.9:444", "", "203.0.113.9:444", null)]
    [InlineData("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "http", "203.0.113.9:0", "http")]
    [InlineData("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "http, https, http", "203.0.113.9:0", "https")]
    [InlineData("10.0.0.1", "10.0.0.3, 10.0.0.2", "wss", "10.0.0.3:0", "https")]
    [InlineData("10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "ftp", "10.0.0.2:0", null)]
    [InlineData("10.0.0.1", "[2001:db8::1]:444", "", "[2001:db8::1]:444", null)]
    [InlineData("10.0.0.1", "2001:db8::1", "", "[2001:db8::1]:0", null)]
    [InlineData("::ffff:10.0.0.1", "::ffff:203.0.113.9", "", "203.0.113.9:0", null)]
    public void Client_IsTheRightmostUntrustedAddress(string peer, string forwardedFor, string proto, string client, string? scheme)
    {
        var headers = new HeaderDictionary { ["X-Forwarded-For"] = forwardedFor, ["X-Forwarded-Proto"] = proto };
        var found = ClientIdentity.Resolve(
            new IPEndPoint(IPAddress.Parse(peer), 5000), headers, address => address.ToString().StartsWith("10.", StringComparison.Ordinal));
        Assert.Equal(client, found.Client.ToString());
        Assert.Equal(scheme, found.Scheme);
    }

    private static Dictionary<string, string> Apply(HttpContext context, bool isTrusted)
        => new(new ForwardedHeaders(Given.LoopToken, _ => isTrusted).Apply(context, "chat.example.com:81"), StringComparer.Ordinal);
}
