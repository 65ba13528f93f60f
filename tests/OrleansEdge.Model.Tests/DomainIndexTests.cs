namespace OrleansEdge.Model.Tests;

public class DomainIndexTests
{
    [Theory]
    [InlineData("example.com", "exact")]
    [InlineData("chat.example.com", "chat")]
    [InlineData("a.example.com", "*")]
    [InlineData("a.b.example.com", "*")]
    [InlineData("x.deep.example.com", "*.deep")]
    [InlineData("y.x.deep.example.com", "*.deep")]
    [InlineData("deep.example.com", "*")]
    [InlineData("below.chat.example.com", "*")]
    [InlineData("only.wild.example", "*.wild")]
    [InlineData("wild.example", null)]
    [InlineData(".wild.example", null)]
    [InlineData("notexample.com", null)]
    [InlineData("com", null)]
    [InlineData("", null)]
    [InlineData("*.example.com", "*")]
    public void Host_ExactThenLongestSuffix(string host, string? found) => Assert.Equal(found, Filled().Find(host));

    [Fact]
    public void NameTakenAway_NextBestServes()
    {
        var index = Filled();

        Assert.True(index.Remove("chat.example.com"));
        Assert.Equal("*", index.Find("chat.example.com"));
        Assert.True(index.Remove("*.example.com"));
        Assert.Null(index.Find("chat.example.com"));
        Assert.False(index.Remove("*.example.com"));
    }

    [Fact]
    public void NameAsItIsWritten_IsNotThatOfAHost()
    {
        var index = Filled();

        Assert.True(index.TryGet("*.example.com", out var wildcard));
        Assert.Equal("*", wildcard);
        Assert.False(index.TryGet("a.example.com", out _));
    }

    [Fact]
    public void Finding_AllocatesNothing()
    {
        var index = Filled();
        string[] hosts = ["chat.example.com", "a.b.c.example.com", "nowhere.invalid"];
        _ = Array.ConvertAll(hosts, index.Find);

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var host in hosts)
        {
            index.Find(host);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void HostLongerThanAName_IsNotSearchedFor()
    {
        var index = new DomainIndex<string>();
        index.Set("*.com", "com");

        Assert.Equal("com", index.Find(new string('a', 249) + ".com"));
        Assert.Null(index.Find(new string('a', 250) + ".com"));
    }

    private static DomainIndex<string> Filled()
    {
        var index = new DomainIndex<string>();
        index.Set("example.com", "exact");
        index.Set("chat.example.com", "chat");
        index.Set("*.example.com", "*");
        index.Set("*.deep.example.com", "*.deep");
        index.Set("*.wild.example", "*.wild");
        return index;
    }
}
