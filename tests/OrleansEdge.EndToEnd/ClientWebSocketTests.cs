using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>.NET's own client, which speaks WebSocket over HTTP/1.1 and HTTP/2 (RFC 8441); the origin is Node's <c>ws</c>.</summary>
[Collection(SharedEdgeCollection.Name)]
public sealed class ClientWebSocketTests(SharedEdge edge)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Every way and HTTP version that goes there.</summary>
    public static TheoryData<Via, string> Ways { get; } = new()
    {
        { Via.Nothing, "1.1" },
        { Via.Edge, "1.1" },
        { Via.EdgeTls, "1.1" },
        { Via.EdgeTls, "2.0" },
    };

    [PeerTheory("npm:ws")]
    [MemberData(nameof(Ways))]
    public async Task MessagesOfAllSizes_ArriveUnchangedBothWays(Via via, string version)
    {
        await using var connection = await OpenAsync(via, version);
        foreach (var length in (int[])[0, 1, 126, 65_536, 1 << 20])
        {
            var bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            await connection.Client.SendAsync(bytes, WebSocketMessageType.Binary, endOfMessage: true, Timeout());
            await connection.Origin.AssertBinaryAsync(bytes);
            Array.Reverse(bytes);
            await connection.Origin.SendBinaryAsync(bytes);
            Assert.Equal(bytes, await ReceiveAsync(connection.Client));
        }

        foreach (var part in (string[])["one, ", "two, ", "three"])
        {
            await connection.Client.SendAsync(Encoding.UTF8.GetBytes(part), WebSocketMessageType.Text, part == "three", Timeout());
        }

        await connection.Origin.AssertTextAsync("one, two, three");
        Assert.Equal("chat.v2", connection.Client.SubProtocol);
        if (via != Via.Nothing)
        {
            var session = Assert.Single(await connection.Route.Edge!.Admin.ListSessionsAsync(connection.Route.Domain));
            Assert.Equal(version == "2.0" ? "h2" : "http/1.1", session.GetProperty("protocol").GetString());
        }
    }

    [PeerTheory("npm:ws")]
    [MemberData(nameof(Ways))]
    public async Task Compression_IsUsedBothWays(Via via, string version)
    {
        await using var connection = await OpenAsync(via, version, deflate: true);
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("All work and no play makes Jack a dull boy. ", 5_000)));
        await connection.Client.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, Timeout());
        await connection.Origin.AssertTextAsync(Encoding.UTF8.GetString(text));
        await connection.Origin.SendTextAsync(Encoding.UTF8.GetString(text));
        Assert.Equal(text, await ReceiveAsync(connection.Client));
        await connection.Client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", Timeout());
        Assert.InRange((await connection.Origin.AssertClosedAsync(1000, "")).GetProperty("bytesRead").GetInt64(), 100, 10_000);
        await connection.Route.AssertEndAsync("client", "client_close", 1000, 1000);
    }

    [PeerTheory("npm:ws")]
    [MemberData(nameof(Ways))]
    public async Task ClientCloses_OriginSeesCodeAndReason(Via via, string version)
    {
        await using var connection = await OpenAsync(via, version);
        await connection.Client.CloseAsync((WebSocketCloseStatus)4001, "schönen Tag", Timeout());
        await connection.Origin.AssertClosedAsync(4001, "schönen Tag");
        await connection.Route.AssertEndAsync("client", "client_close", 4001, 4001);
    }

    [PeerTheory("npm:ws")]
    [MemberData(nameof(Ways))]
    public async Task OriginCloses_ClientSeesCodeAndReason(Via via, string version)
    {
        await using var connection = await OpenAsync(via, version);
        await connection.Origin.CloseAsync(3999, "maintenance");
        await AssertClosedAsync(connection.Client, 3999, "maintenance");
        await connection.Route.AssertEndAsync("origin", "origin_close", 3999, 3999);
    }

    [PeerTheory("npm:ws")]
    [InlineData(Via.Edge, "1.1")]
    [InlineData(Via.EdgeTls, "1.1")]
    [InlineData(Via.EdgeTls, "2.0")]
    public async Task OperatorEndsTheSession_BothSeeIt(Via via, string version)
    {
        await using var connection = await OpenAsync(via, version);
        var admin = connection.Route.Edge!.Admin;
        var session = Assert.Single(await admin.ListSessionsAsync(connection.Route.Domain));
        using var answer = await admin.Http.DeleteAsync($"sessions/{session.GetProperty("id").GetString()}");
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await AssertClosedAsync(connection.Client, 1008, "closed by operator");
        await connection.Origin.AssertClosedAsync(1001, "closed by operator");
        await connection.Route.AssertEndAsync("operator", "closed_by_operator", 1008, 1001);
    }

    [PeerTheory("npm:ws")]
    [InlineData(Via.Edge, "1.1")]
    [InlineData(Via.EdgeTls, "1.1")]
    [InlineData(Via.EdgeTls, "2.0")]
    public async Task OriginVanishes_ClientGets1014(Via via, string version)
    {
        await using var connection = await OpenAsync(via, version);
        await connection.Origin.TerminateAsync();
        await AssertClosedAsync(connection.Client, 1014, "origin lost");
        await connection.Route.AssertEndAsync("origin", "origin_lost", 1014, 0);
    }

    private static CancellationToken Timeout() => new CancellationTokenSource(Deadline).Token;

    private static async Task<byte[]> ReceiveAsync(ClientWebSocket client)
    {
        var message = new MemoryStream();
        var buffer = new byte[16 * 1024];
        ValueWebSocketReceiveResult result;
        do
        {
            result = await client.ReceiveAsync(buffer.AsMemory(), Timeout());
            Assert.NotEqual(WebSocketMessageType.Close, result.MessageType);
            message.Write(buffer, 0, result.Count);
        }
        while (!result.EndOfMessage);
        return message.ToArray();
    }

    private static async Task AssertClosedAsync(ClientWebSocket client, int code, string reason)
    {
        var result = await client.ReceiveAsync(new byte[16].AsMemory(), Timeout());
        Assert.Equal(WebSocketMessageType.Close, result.MessageType);
        Assert.Equal((code, reason), ((int)client.CloseStatus!.Value, client.CloseStatusDescription));
        await client.CloseOutputAsync(client.CloseStatus.Value, null, Timeout());
    }

    private async Task<Connection> OpenAsync(Via via, string version, bool deflate = false)
    {
        var (peer, port) = await WebSocketPair.StartAsync(Library.Ws, "server", edge.Certificates, deflate);
        var route = await edge.RouteAsync(via, port);
        var client = new ClientWebSocket();
        client.Options.HttpVersion = new(version);
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        client.Options.AddSubProtocol("chat.v1");
        client.Options.AddSubProtocol("chat.v2");
        client.Options.DangerousDeflateOptions = deflate ? new() : null;
        var handler = TrustingHandler();
        await client.ConnectAsync(new(route.WebSocket("/chat")), handler, Timeout());
        await peer.WaitForAsync("connection");
        return new(client, handler, peer, route);
    }

    /// <summary>A handler that finds the tests' domains on this machine and trusts the tests' authority alone.</summary>
    private HttpMessageInvoker TrustingHandler()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(edge.Certificates.Authority);
        return new(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, context.DnsEndPoint.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
    }

    private sealed record Connection(ClientWebSocket Client, HttpMessageInvoker Handler, ProcessPeer Peer, Route Route) : IAsyncDisposable
    {
        public WebSocketEnd Origin { get; } = new(Peer, 0);

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            Handler.Dispose();
            await Peer.DisposeAsync();
        }
    }
}
