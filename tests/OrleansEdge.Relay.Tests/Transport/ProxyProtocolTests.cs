using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>PROXY protocol in front of HTTP and TLS.</summary>
public sealed class ProxyProtocolTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    public static TheoryData<string, byte[], string> Headers => new()
    {
        { "v1", ProxyHeaderTests.V1("TCP4 192.0.2.1 192.0.2.2 56324 443"), "<192.0.2.1:56324>" },
        { "v2", ProxyHeaderTests.V2(0x21, 0x11, [.. ProxyHeaderTests.V4("192.0.2.7", 77), 4, 0, 1, 9]), "<192.0.2.7:77>" },
        { "v2 of 65551 bytes", ProxyHeaderTests.V2(0x21, 0x11, [.. ProxyHeaderTests.V4("192.0.2.7", 77), .. new byte[65523]]), "<192.0.2.7:77>" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task HeaderAndRequestInOneSegment_ClientIsTheOneNamed(string name, byte[] header, string client)
    {
        Assert.NotEmpty(name);
        await using var server = await StartAsync();
        using var proxy = await server.ConnectAsync();

        await proxy.SendAsync((byte[])[.. header, .. System.Text.Encoding.ASCII.GetBytes(Request)]);

        Assert.Contains(client, await proxy.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OneByteAtATime_ClientIsTheOneNamed(bool isV2)
    {
        await using var server = await StartAsync();
        using var proxy = await server.ConnectAsync();
        var header = isV2
            ? ProxyHeaderTests.V2(0x21, 0x11, ProxyHeaderTests.V4("192.0.2.1", 56324))
            : ProxyHeaderTests.V1("TCP4 192.0.2.1 192.0.2.2 56324 443");
        foreach (var octet in header)
        {
            await proxy.SendAsync(new[] { octet });
            await Task.Delay(1);
        }

        await proxy.SendAsync(Request);

        Assert.Contains("<192.0.2.1:56324>", await proxy.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PROXY UNKNOWN\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")]
    public async Task HeaderWithoutAddress_ClientIsThePeer(string header)
    {
        await using var server = await StartAsync();
        using var proxy = await server.ConnectAsync();

        await proxy.SendAsync(header + Request);

        Assert.Contains($"<{proxy.Socket.LocalEndPoint}>", await proxy.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BeforeTls_ClientIsTheOneNamed()
    {
        using var certificates = new CertificateDirectory();
        certificates.Write("default", "localhost");
        await using var server = await StartAsync(certificates.Use);
        using var proxy = await server.ConnectAsync(EdgeEndpoints.EdgeTls);
        await proxy.SendAsync(ProxyHeaderTests.V1("TCP6 2001:db8::5 ::1 5 6"));
        await using var tls = new SslStream(new NetworkStream(proxy.Socket), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("localhost").WaitAsync(TimeSpan.FromSeconds(20));
        await tls.WriteAsync(System.Text.Encoding.ASCII.GetBytes(Request));

        Assert.Contains("<[2001:db8::5]:5>", await new StreamReader(tls).ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("PROXY TCP4 1.1.1.1 x 1 1\r\n")]
    public async Task NoValidHeader_ClosedWithoutAByte(string bytes)
    {
        await using var server = await StartAsync();
        using var proxy = await server.ConnectAsync();

        await proxy.SendAsync(bytes);

        Assert.Empty(await proxy.ReadToEndAsync());
        Assert.Single(server.Log.Of(1011));
    }

    [Fact]
    public async Task PeerIsNotTrusted_ClosedWithoutAByte()
    {
        await using var server = await StartAsync(settings => settings["Edge:TrustedProxies:0"] = "10.0.0.0/8");
        using var proxy = await server.ConnectAsync();

        await proxy.SendAsync("PROXY UNKNOWN\r\n" + Request);

        Assert.Empty(await proxy.ReadToEndAsync());
        Assert.Single(server.Log.Of(1010));
    }

    [Theory]
    [InlineData("")]
    [InlineData("PROXY UNKNOWN")]
    public async Task HeaderDoesNotArriveInThreeSeconds_Closed(string begun)
    {
        var time = new ManualTimeProvider();
        await using var server = await StartAsync(services: services => services.AddSingleton<TimeProvider>(time));
        using var proxy = await server.ConnectAsync();
        await proxy.SendAsync(begun);
        await time.WhenArmedAsync(ProxyProtocolMiddleware.Patience);
        var end = proxy.ReadToEndAsync();
        time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(end.IsCompleted);

        time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Empty(await end);
        Assert.Single(server.Log.Of(1011));
    }

    [Fact]
    public async Task AdminEndpoint_NeedsNoHeader()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync(EdgeEndpoints.Admin);

        await client.SendAsync(Request);

        Assert.Contains("<127.0.0.1", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("maybe", "10.0.0.1", "Edge:ProxyProtocol is 'maybe'")]
    [InlineData("required", null, "Edge:TrustedProxies names no proxy")]
    [InlineData("off", "10.0.0.0/33", "'10.0.0.0/33'")]
    [InlineData("off", "proxy.example.com", "'proxy.example.com'")]
    public async Task BadSetting_StartFailsAndNamesIt(string mode, string? proxies, string sentence)
    {
        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => EdgeServer.StartAsync(_ => Task.CompletedTask, settings =>
        {
            settings["Edge:ProxyProtocol"] = mode;
            settings["Edge:TrustedProxies"] = proxies;
        }));

        Assert.Contains(sentence, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.1.2.3", "10.1.2.3", true)]
    [InlineData("10.1.2.3", "10.1.2.4", false)]
    [InlineData("10.1.2.3/8", "10.200.0.1", true)]
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("fd00::/8", "fd12::1", true)]
    [InlineData("::1", "::1", true)]
    public void TrustedProxies_HoldsAddressesAndNetworks(string proxy, string address, bool isTrusted)
    {
        var proxies = new TrustedProxies(Options.Create(new ClientAddressOptions { TrustedProxies = [proxy] }));

        Assert.Equal(isTrusted, proxies.Contains(IPAddress.Parse(address)));
    }

    private static Task<EdgeServer> StartAsync(Action<IDictionary<string, string?>>? settings = null, Action<IServiceCollection>? services = null) =>
        EdgeServer.StartAsync(
            context => context.Response.WriteAsync($"<{context.Features.Get<IEdgeConnection>()!.Client}>"),
            values =>
            {
                values["Edge:ProxyProtocol"] = "required";
                values["Edge:TrustedProxies:0"] = "127.0.0.0/8";
                settings?.Invoke(values);
            },
            services);
}
