using System.Text;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Handshakes;

/// <summary>An edge behind a balancer that speaks the PROXY protocol.</summary>
public sealed class ProxyProtocolEdge : IAsyncLifetime
{
    public EdgeProcess Process { get; private set; } = null!;

    /// <summary>An edge that trusts another balancer only.</summary>
    public EdgeProcess Distrusting { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Process = await EdgeProcess.StartAsync(["Edge:ProxyProtocol=required", "Edge:TrustedProxies:0=127.0.0.1"]);
        Distrusting = await EdgeProcess.StartAsync(["Edge:ProxyProtocol=required", "Edge:TrustedProxies:0=10.9.9.9"]);
        await Process.Admin.PutTenantAsync(AdminClient.Tenant);
    }

    public async Task DisposeAsync()
    {
        await Process.DisposeAsync();
        await Distrusting.DisposeAsync();
    }
}

/// <summary>PROXY protocol v1 and v2 before HTTP and before TLS.</summary>
public sealed class ProxyProtocol(ProxyProtocolEdge edge) : IClassFixture<ProxyProtocolEdge>
{
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";

    private static readonly Dictionary<string, (byte[] Header, string Client)> Good = new(StringComparer.Ordinal)
    {
        ["v1 TCP4"] = (Ascii("PROXY TCP4 203.0.113.7 192.0.2.1 5555 80\r\n"), "203.0.113.7:5555"),
        ["v1 TCP6"] = (Ascii("PROXY TCP6 2001:db8::7 2001:db8::1 5555 443\r\n"), "[2001:db8::7]:5555"),
        ["v1 UNKNOWN"] = (Ascii("PROXY UNKNOWN\r\n"), "127.0.0.1:"),
        ["v1 UNKNOWN with a rest"] = (Ascii("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), "127.0.0.1:"),
        ["v2 TCP4"] = (V2(0x21, 0x11, [203, 0, 113, 7, 192, 0, 2, 1, 0x15, 0xb3, 0, 80]), "203.0.113.7:5555"),
        ["v2 TCP4 with TLVs"] = (
            V2(0x21, 0x11, [203, 0, 113, 7, 192, 0, 2, 1, 0x15, 0xb3, 0, 80, 4, 0, 3, 1, 2, 3, 0xea, 0, 1, 9]), "203.0.113.7:5555"),
        ["v2 TCP6"] = (
            V2(0x21, 0x21, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x15, 0xb3, 1, 0xbb]),
            "[2001:db8::7]:5555"),
        ["v2 LOCAL"] = (V2(0x20, 0x00, []), "127.0.0.1:"),
        ["v2 LOCAL with addresses"] = (V2(0x20, 0x11, [203, 0, 113, 7, 192, 0, 2, 1, 0x15, 0xb3, 0, 80]), "127.0.0.1:"),
        ["v2 UNSPEC"] = (V2(0x21, 0x00, [1, 2, 3]), "127.0.0.1:"),
    };

    private static readonly Dictionary<string, byte[]> Bad = new(StringComparer.Ordinal)
    {
        ["none"] = Ascii("GET / HTTP/1.1\r\nHost: x.test\r\n\r\n"),
        ["v1 without addresses"] = Ascii("PROXY TCP4\r\n"),
        ["v1 with a name"] = Ascii("PROXY TCP4 client.test 192.0.2.1 5555 80\r\n"),
        ["v1 with a port too high"] = Ascii("PROXY TCP4 203.0.113.7 192.0.2.1 65536 80\r\n"),
        ["v1 with the wrong family"] = Ascii("PROXY TCP4 2001:db8::7 2001:db8::1 5555 80\r\n"),
        ["v1 without an end"] = Ascii("PROXY TCP4 203.0.113.7 192.0.2.1 5555 80" + new string(' ', 200)),
        ["v2 of version 1"] = V2(0x11, 0x11, [203, 0, 113, 7, 192, 0, 2, 1, 0x15, 0xb3, 0, 80]),
        ["v2 with an unknown command"] = V2(0x22, 0x11, [203, 0, 113, 7, 192, 0, 2, 1, 0x15, 0xb3, 0, 80]),
        ["v2 too short for its family"] = V2(0x21, 0x11, [203, 0, 113, 7]),
    };

    public static TheoryData<string, Way> GoodNames
    {
        get
        {
            var data = new TheoryData<string, Way>();
            foreach (var name in Good.Keys)
            {
                data.Add(name, Way.Http1);
                data.Add(name, Way.Tls);
            }

            return data;
        }
    }

    public static TheoryData<string> BadNames => [.. Bad.Keys];

    [Theory]
    [MemberData(nameof(GoodNames))]
    public async Task HeaderOfATrustedBalancer_ClientIsWhoItSays(string name, Way way)
    {
        var (header, client) = Good[name];
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Process.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port));
        var accepting = origin.AcceptWebSocketAsync();
        await using var wire = way == Way.Tls
            ? await StreamWire.ConnectTlsAsync(edge.Process.EdgeTls, EdgeProcess.ServerName, preamble: header)
            : await StreamWire.ConnectAsync(edge.Process.Edge, preamble: header);
        await wire.SendAsync(new Handshake(domain).ToHttp1());
        Assert.Equal(101, (await wire.ReadResponseAsync()).Status);
        var (_, request) = await accepting;
        var listed = (await edge.Process.OnlySessionAsync(domain));
        Assert.StartsWith(client, listed.GetProperty("client").GetString(), StringComparison.Ordinal);
        Assert.Equal(client[..client.LastIndexOf(':')].Trim('[', ']'), request.Headers["x-forwarded-for"]);
    }

    [Fact]
    public async Task HeaderByteByByteWithTheHandshakeBehind_IsRead()
    {
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start();
        await edge.Process.Admin.PutDomainAsync(new DomainDocument(domain, origin.Port));
        var accepting = origin.AcceptWebSocketAsync();
        await using var wire = await StreamWire.ConnectAsync(edge.Process.Edge);
        await wire.SendSlowlyAsync(
            [.. Ascii("PROXY TCP4 203.0.113.7 192.0.2.1 5555 80\r\n"), .. Encoding.Latin1.GetBytes(new Handshake(domain).ToHttp1())]);
        Assert.Equal(101, (await wire.ReadResponseAsync()).Status);
        await accepting;
    }

    [Theory]
    [MemberData(nameof(BadNames))]
    public async Task HeaderMissingOrMalformed_ConnectionIsClosedWithoutAnAnswer(string name)
    {
        await using var wire = await StreamWire.ConnectAsync(edge.Process.Edge, preamble: Bad[name]);
        await wire.ExpectEndAsync(TimeSpan.FromSeconds(2.5));
    }

    [Theory]
    [InlineData("")]
    [InlineData("PROXY TCP4 203.0.")]
    public async Task HeaderDoesNotArrive_ConnectionIsClosedAfterThreeSeconds(string part)
    {
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        await using var wire = await StreamWire.ConnectAsync(edge.Process.Edge, preamble: Ascii(part));
        await wire.ExpectEndAsync(TimeSpan.FromSeconds(6));
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds, 2.9, 6);
    }

    [Fact]
    public async Task PeerIsNoTrustedBalancer_ConnectionIsClosed()
    {
        await using var wire = await StreamWire.ConnectAsync(edge.Distrusting.Edge, preamble: Good["v1 TCP4"].Header);
        await wire.ExpectEndAsync(TimeSpan.FromSeconds(2));
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static byte[] V2(byte command, byte family, byte[] body)
        => [.. Ascii(Signature), command, family, (byte)(body.Length >> 8), (byte)body.Length, .. body];
}
