using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Refusals;

/// <summary>Ways in that are none: CONNECT to anything, and other protocols of extended CONNECT.</summary>
public sealed class OtherMethods
{
    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    public async Task ConnectOverHttp1_Is501(Way way)
    {
        var edge = await SharedEdge.GetAsync();
        await using var session = await Session.OpenAsync(way);
        await using var wire = await ScriptedClient.ConnectAsync(edge, way);
        await wire.SendAsync($"CONNECT {session.Domain}:443 HTTP/1.1\r\nHost: {session.Domain}:443\r\n\r\n");
        var answer = await wire.ReadResponseAsync();
        RefusalAnswer.AssertProblem(answer, 501, "method_unsupported", "http_request_error");
    }

    [Fact]
    public async Task ConnectOverHttp2_Is501()
    {
        await using var session = await Session.OpenAsync(Way.Http2);
        await using var connection = await Http2Client.ConnectAsync(session.Edge.EdgeTls, EdgeProcess.ServerName);
        var stream = await connection.OpenAsync([(":method", "CONNECT"), (":authority", session.Domain + ":443")]);
        var answer = await stream.ReadAnswerAsync(body: true);
        RefusalAnswer.AssertProblem(answer, 501, "method_unsupported", "http_request_error");
    }

    [Theory]
    [InlineData("connect-udp")]
    [InlineData("webtransport")]
    [InlineData("websocketx")]
    public async Task OtherProtocolOverHttp2_Is501(string protocol)
    {
        await using var session = await Session.OpenAsync(Way.Http2);
        var (wire, answer) = await ScriptedClient.HandshakeAsync(session.Edge, Way.Http2, new Handshake(session.Domain) { Protocol = protocol });
        await wire.DisposeAsync();
        RefusalAnswer.AssertProblem(answer, 501, "method_unsupported", "http_request_error");
    }

    [Fact]
    public async Task Http2Connection_AnnouncesExtendedConnect()
    {
        var edge = await SharedEdge.GetAsync();
        await using var connection = await Http2Client.ConnectAsync(edge.EdgeTls, EdgeProcess.ServerName);
        Assert.Equal(1u, connection.Setting(8));
    }

    [Fact]
    public async Task RefusedHttp2Stream_LeavesTheConnectionUsable()
    {
        var edge = await SharedEdge.GetAsync();
        await using var session = await Session.OpenAsync(Way.Http2);
        await using var connection = await Http2Client.ConnectAsync(edge.EdgeTls, EdgeProcess.ServerName);
        var refused = await connection.OpenAsync(new Handshake(EdgeProcess.NewDomain()).ToHttp2());
        Assert.Equal("domain_unknown", (await refused.ReadAnswerAsync(body: true)).Code);
        var accepting = session.Listener.AcceptWebSocketAsync();
        var accepted = await connection.OpenAsync(new Handshake(session.Domain).ToHttp2());
        Assert.Equal(200, (await accepted.ReadAnswerAsync(body: false)).Status);
        var (origin, _) = await accepting;
        await accepted.SendAsync(WsFrame.Text("up", WsFrame.ClientKey));
        await origin.ExpectAsync(WsFrame.Text("up", WsFrame.ClientKey));
    }
}
