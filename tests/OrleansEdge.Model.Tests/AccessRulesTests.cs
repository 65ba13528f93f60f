using System.Collections.Immutable;
using System.Net;

namespace OrleansEdge.Model.Tests;

public class AccessRulesTests
{
    [Theory]
    [InlineData("https://app.example.com", true)]
    [InlineData("HTTPS://App.Example.com", true)]
    [InlineData("https://app.example.com:443", true)]
    [InlineData("https://app.example.com:8443", false)]
    [InlineData("http://app.example.com", false)]
    [InlineData("http://dev.example.com:3000", true)]
    [InlineData("http://dev.example.com", false)]
    [InlineData("http://plain.example.com", true)]
    [InlineData("http://plain.example.com:80", true)]
    [InlineData("https://a.wild.example", true)]
    [InlineData("https://b.a.WILD.example:443", true)]
    [InlineData("https://wild.example", false)]
    [InlineData("https://notwild.example", false)]
    [InlineData("http://a.wild.example", false)]
    [InlineData("https://a.wild.example:444", false)]
    [InlineData("https://xn--bcher-kva.example", true)]
    [InlineData("http://[::1]:5000", true)]
    [InlineData("chrome-extension://abcdefgh", true)]
    [InlineData("null", true)]
    [InlineData("file://", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("https://app.example.com/", false)]
    [InlineData("https://app.example.com https://evil.example", false)]
    [InlineData("https://evil.example/.wild.example", false)]
    [InlineData("https://evil.example?a.wild.example", false)]
    [InlineData("https://evil@a.wild.example", false)]
    [InlineData("https://.wild.example", false)]
    [InlineData("https://", false)]
    [InlineData("://app.example.com", false)]
    public void Origin_IsLetInByScheme_HostAndPort(string? header, bool allowed)
    {
        var rules = Compile(
            origins:
            [
                "https://app.example.com", "http://dev.example.com:3000", "http://Plain.example.com:80", "https://*.wild.example",
                "https://bücher.example", "http://[::1]:5000", "chrome-extension://abcdefgh", "null", "file://",
            ]);

        Assert.Equal(allowed, rules.AllowsOrigin(header));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("https://anything.example")]
    [InlineData("rubbish")]
    public void NoAllowedOrigins_EveryOriginIsLetIn(string? header) => Assert.True(Compile().AllowsOrigin(header));

    [Theory]
    [InlineData("10.1.2.3", true)]
    [InlineData("::ffff:10.1.2.3", true)]
    [InlineData("10.66.0.1", false)]
    [InlineData("::ffff:10.66.0.1", false)]
    [InlineData("10.1.2.4", false)]
    [InlineData("11.0.0.0", false)]
    [InlineData("9.255.255.255", false)]
    [InlineData("192.0.2.7", true)]
    [InlineData("192.0.2.8", false)]
    [InlineData("2001:db8::1", true)]
    [InlineData("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db9::", false)]
    [InlineData("::1", true)]
    [InlineData("::2", false)]
    [InlineData("172.16.5.5", true)]
    public void Address_DeniedWinsOverAllowed(string address, bool allowed)
    {
        var rules = Compile(
            addresses: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1", "::ffff:172.16.0.0/108"],
            denied: ["10.66.0.0/16", "10.1.2.4"]);

        Assert.Equal(allowed, rules.AllowsAddress(IPAddress.Parse(address)));
    }

    [Fact]
    public void OnlyDenied_AllOthersAreLetIn()
    {
        var rules = Compile(denied: ["0.0.0.0/0"]);

        Assert.False(rules.AllowsAddress(IPAddress.Loopback));
        Assert.False(rules.AllowsAddress(IPAddress.Broadcast));
        Assert.True(rules.AllowsAddress(IPAddress.IPv6Loopback));
    }

    [Fact]
    public void EverythingOfVersion6_IsOneNetwork()
    {
        var rules = Compile(denied: ["::/0"]);

        Assert.False(rules.AllowsAddress(IPAddress.IPv6Any));
        Assert.False(rules.AllowsAddress(IPAddress.Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
        Assert.True(rules.AllowsAddress(IPAddress.Loopback));
    }

    [Fact]
    public void BitsBeyondThePrefix_DoNotCount()
        => Assert.True(Compile(addresses: ["10.9.9.9/8"]).AllowsAddress(IPAddress.Parse("10.0.0.1")));

    [Fact]
    public void RandomNetworks_AgreeWithTheFramework()
    {
        var random = new Random(20260131);
        for (var round = 0; round < 200; round++)
        {
            var networks = Enumerable.Range(0, 12).Select(_ => RandomNetwork(random)).ToArray();
            var rules = Compile(addresses: [.. networks.Select(network => network.ToString())]);
            for (var probe = 0; probe < 50; probe++)
            {
                var address = RandomAddress(random, networks[random.Next(networks.Length)].BaseAddress);
                Assert.Equal(networks.Any(network => network.Contains(address)), rules.AllowsAddress(address));
            }
        }
    }

    [Fact]
    public void Checking_AllocatesNothing()
    {
        var rules = Compile(origins: ["https://app.example.com", "https://*.wild.example"], addresses: ["10.0.0.0/8", "2001:db8::/32"]);
        var v4 = IPAddress.Parse("10.1.2.3");
        var v6 = IPAddress.Parse("2001:db8::1");
        bool CheckAll() => rules.AllowsOrigin("https://app.example.com") & rules.AllowsOrigin("https://a.b.wild.example:443")
            & rules.AllowsAddress(v4) & rules.AllowsAddress(v6);
        Assert.True(CheckAll());

        var before = GC.GetAllocatedBytesForCurrentThread();
        CheckAll();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("https://a.example/path")]
    [InlineData("https://a.example/")]
    [InlineData("a.example")]
    [InlineData("https://")]
    [InlineData("https://a.example:0")]
    [InlineData("https://a.example:99999")]
    [InlineData("https://a b.example")]
    [InlineData("1https://a.example")]
    [InlineData("https://a.*.example")]
    [InlineData("https://user@a.example")]
    [InlineData("*")]
    [InlineData("")]
    public void EntryThatIsNoOrigin_IsAFault(string entry)
    {
        Assert.NotNull(OriginPattern.Validate(entry));
        Assert.Throws<ArgumentException>(() => Compile(origins: [entry]));
    }

    [Theory]
    [InlineData("10.0.0")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("::/129")]
    [InlineData("[::1]")]
    [InlineData("fe80::1%1")]
    [InlineData("::ffff:0.0.0.0/90")]
    [InlineData("")]
    public void EntryThatIsNoNetwork_IsAFault(string entry)
    {
        Assert.NotNull(AddressSet.Validate(entry));
        Assert.Throws<ArgumentException>(() => Compile(addresses: [entry]));
    }

    private static AccessRules Compile(ImmutableArray<string>? origins = null, ImmutableArray<string>? addresses = null, ImmutableArray<string>? denied = null)
        => AccessRules.Compile(new() { AllowedOrigins = origins ?? [], AllowedAddresses = addresses ?? [], DeniedAddresses = denied ?? [] });

    private static IPNetwork RandomNetwork(Random random)
    {
        var bytes = new byte[random.Next(2) == 0 ? 4 : 16];
        random.NextBytes(bytes);
        var prefix = random.Next((bytes.Length * 8) + 1);
        for (var bit = prefix; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new(new IPAddress(bytes), prefix);
    }

    private static IPAddress RandomAddress(Random random, IPAddress near)
    {
        var bytes = near.GetAddressBytes();
        for (var flips = random.Next(3); flips >= 0; flips--)
        {
            bytes[random.Next(bytes.Length)] ^= (byte)random.Next(256);
        }

        return new(bytes);
    }
}
