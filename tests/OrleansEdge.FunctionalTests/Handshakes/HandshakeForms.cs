using System.Net;
using System.Text;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Handshakes;

/// <summary>Handshakes that are right though they look odd, and what is sent before, between and with them.</summary>
public sealed class HandshakeForms
{
    [Theory]
    [InlineData("WebSocket", "Upgrade")]
    [InlineData("WEBSOCKET", "upgrade")]
    [InlineData("websocket", "UPGRADE")]
    [InlineData("h2c, websocket", "Upgrade")]
    [InlineData("websocket, h2c", "keep-alive, Upgrade")]
    [InlineData("  websocket  ", "Upgrade,keep-alive")]
    [InlineData("h2c ,\twebsocket", ", Upgrade ,")]
    public async Task UpgradeInAnyForm_IsAccepted(string upgrade, string connection)
    {
        await using var session = await Session.OpenAsync(
            Way.Http1, handshake: handshake => handshake with { Upgrade = upgrade, Connection = connection });
        Assert.Equal(["websocket"], session.Request.Headers.All("upgrade"));
        Assert.Equal(["Upgrade"], session.Request.Headers.All("connection"));
        await session.GreetAsync();
    }

    [Fact]
    public async Task UpgradeAndConnectionInSeveralFields_AreAccepted()
    {
        await using var session = await Session.OpenAsync(
            Way.Http1,
            handshake: handshake => (handshake with { Upgrade = "h2c", Connection = "keep-alive" }).With("Upgrade", "websocket").With("Connection", "Upgrade"));
        Assert.Equal(["websocket"], session.Request.Headers.All("upgrade"));
        Assert.Equal(["Upgrade"], session.Request.Headers.All("connection"));
        await session.GreetAsync();
    }

    [Theory]
    [InlineData("websocketx")]
    [InlineData("xwebsocket")]
    [InlineData("h2c")]
    [InlineData("\"websocket\"")]
    public async Task UpgradeToSomethingElse_IsForwardedWithoutUpgrade(string upgrade)
    {
        await using var open = await Session.OpenAsync(Way.Http1);
        var answering = AnswerAsync(open.Listener);
        await using var wire = await ScriptedClient.ConnectAsync(open.Edge, Way.Http1);
        await wire.SendAsync((new Handshake(open.Domain) with { Upgrade = upgrade, Connection = "Upgrade" }).ToHttp1());
        Assert.Equal(200, (await wire.ReadResponseAsync()).Status);
        var request = await answering;
        Assert.Null(request.Headers["upgrade"]);
        Assert.DoesNotContain("upgrade", request.Headers["connection"] ?? "", StringComparison.OrdinalIgnoreCase);

        static async Task<OriginRequest> AnswerAsync(ScriptedOrigin origin)
        {
            var (wire, request) = await origin.AcceptRequestAsync();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            return request;
        }
    }

    [Fact]
    public async Task AbsoluteFormTarget_OverridesHost()
    {
        var domain = EdgeProcess.NewDomain();
        await using var session = await Session.OpenAsync(
            Way.Http1, domain: domain, handshake: _ => new Handshake("something-else.test") { Target = $"http://{domain}/chat?room=2" });
        Assert.Equal("GET /chat?room=2 HTTP/1.1", session.Request.RequestLine);
        Assert.Equal(domain, session.Request.Headers["host"]);
        await session.GreetAsync();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/a/b%2Fc/%C3%A4?x=%20&y=a+b&&z")]
    [InlineData("/%7Euser/;v=1?q=%3F")]
    [InlineData("//double//slash?")]
    [InlineData("/a|b{c}^`?q=\"x\"&<y>")]
    [InlineData("/./a/../b/%2e%2e/c")]
    public async Task Target_ReachesTheOriginUnaltered(string target)
    {
        await using var session = await Session.OpenAsync(Way.Http1, handshake: handshake => handshake with { Target = target });
        Assert.Equal($"GET {target} HTTP/1.1", session.Request.RequestLine);
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task HostInUpperCaseWithDotAndPort_FindsTheDomain(Way way)
    {
        var domain = EdgeProcess.NewDomain();
        await using var session = await Session.OpenAsync(
            way, domain: domain, handshake: _ => new Handshake(domain.ToUpperInvariant() + ".:8080"));
        await session.GreetAsync();
        Assert.Equal(domain, (await session.Edge.OnlySessionAsync(domain)).GetProperty("domain").GetString());
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task FramesSentWithTheHandshake_AreDeliveredAfterThe101(Way way)
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port));
        byte[] early = [.. WsFrame.Text("first", WsFrame.ClientKey), .. WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(3000), WsFrame.ClientKey)];
        var playing = PlayAsync();
        var (client, answer) = await ScriptedClient.HandshakeAsync(edge, way, new Handshake(domain), early);
        await using var _ = client;
        Assert.Equal(ScriptedClient.Accepted(way), answer.Status);
        await client.SendAsync(WsFrame.Text("then", WsFrame.ClientKey));
        var wire = await playing;
        await wire.ExpectAsync(early);
        await wire.ExpectAsync(WsFrame.Text("then", WsFrame.ClientKey));

        async Task<StreamWire> PlayAsync()
        {
            var (wire, request) = await origin.AcceptRequestAsync();
            await wire.ExpectSilenceAsync(TimeSpan.FromMilliseconds(200));
            await wire.SendAsync(ScriptedOrigin.SwitchingProtocols(request));
            return wire;
        }
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task MuchSentBeforeTheAnswer_IsHeldBackAndDelivered(Way way)
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port));
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(16 * 1024 * 1024), WsFrame.ClientKey);
        var handshake = new Handshake(domain);
        Wire client;
        Task sending;
        if (way == Way.Http2)
        {
            client = await (await Http2Client.ConnectAsync(edge.EdgeTls, EdgeProcess.ServerName)).OpenAsync(handshake.ToHttp2());
            sending = client.SendAsync(frame);
        }
        else
        {
            client = await ScriptedClient.ConnectAsync(edge, way);
            sending = client.SendAsync((byte[])[.. Encoding.Latin1.GetBytes(handshake.ToHttp1()), .. frame]);
        }

        await using var _ = client;
        var (wire, request) = await origin.AcceptRequestAsync();
        await wire.ExpectSilenceAsync(TimeSpan.FromMilliseconds(300));
        Assert.False(sending.IsCompleted, "all was taken before the origin answered");
        await wire.SendAsync(ScriptedOrigin.SwitchingProtocols(request));
        await wire.ExpectAsync(frame, TimeSpan.FromSeconds(30));
        await sending;
    }

    [Fact]
    public async Task OriginOverIPv6_IsReached()
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(address: IPAddress.IPv6Loopback);
        await edge.Admin.PutDomainAsync(new DomainDocument(domain).WithOrigin("::1", origin.Port));
        await using var session = await Session.OpenAsync(edge, Way.Http1, origin, domain);
        await session.GreetAsync();
        var listed = await edge.OnlySessionAsync(domain);
        Assert.Equal($"[::1]:{origin.Port}", listed.GetProperty("origin").GetString());
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task FramesSentWithARefusedHandshake_AreDropped(Way way)
    {
        var edge = await SharedEdge.GetAsync();
        var (wire, answer) = await ScriptedClient.HandshakeAsync(
            edge, way, new Handshake(EdgeProcess.NewDomain()), WsFrame.Text("first", WsFrame.ClientKey));
        await using var _ = wire;
        Assert.Equal("domain_unknown", answer.Code);
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task FramesInOnePieceWithThe101_AreDelivered(Way way)
    {
        byte[] early = [.. WsFrame.Text("first"), .. WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(70_000))];
        await using var session = await Session.OpenAsync(way, early: early);
        await session.Client.ExpectAsync(early);
        await session.GreetAsync();
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task CloseInOnePieceWithThe101_IsRelayed(Way way)
    {
        await using var session = await Session.OpenAsync(way, early: WsFrame.Close(4001, "full"));
        await session.Client.ExpectAsync(WsFrame.Close(4001, "full"));
        await session.Client.SendAsync(WsFrame.Close(4001, "full", WsFrame.ClientKey));
        await session.Origin.ExpectAsync(WsFrame.Close(4001, "full", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync();
        await session.ExpectEndAsync("origin", "origin_close", 4001, 4001);
    }

    [Theory]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")]
    public async Task InformationalAnswersBeforeThe101_AreSkipped(string before)
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start();
        await edge.Admin.PutDomainAsync(new DomainDocument(domain, origin.Port));
        var playing = PlayAsync();
        var (client, answer) = await ScriptedClient.HandshakeAsync(edge, Way.Http1, new Handshake(domain));
        await using var _ = client;
        Assert.Equal(101, answer.Status);
        Assert.Null(answer.Headers["link"]);
        await playing;

        async Task PlayAsync()
        {
            var (wire, request) = await origin.AcceptRequestAsync();
            await wire.SendAsync(before);
            await wire.SendSlowlyAsync(Encoding.Latin1.GetBytes(ScriptedOrigin.SwitchingProtocols(request)));
        }
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    public async Task HandshakeByteByByte_IsAccepted(Way way)
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port));
        var accepting = origin.AcceptWebSocketAsync();
        await using var wire = await ScriptedClient.ConnectAsync(edge, way);
        await wire.SendSlowlyAsync(Encoding.Latin1.GetBytes(new Handshake(domain).ToHttp1()));
        Assert.Equal(101, (await wire.ReadResponseAsync()).Status);
        var (peer, _) = await accepting;
        await wire.SendSlowlyAsync(WsFrame.Text("bit by bit", WsFrame.ClientKey));
        await peer.ExpectAsync(WsFrame.Text("bit by bit", WsFrame.ClientKey));
        await peer.SendSlowlyAsync(WsFrame.Text("and back"));
        await wire.ExpectAsync(WsFrame.Text("and back"));
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    public async Task HandshakeAfterAnHttpRequestOnOneConnection_IsAccepted(Way way)
    {
        var edge = await SharedEdge.GetAsync();
        await using var session = await Session.OpenAsync(way);
        await using var wire = await ScriptedClient.ConnectAsync(edge, way);
        await Refusals.RefusalAnswer.AssertUsableAsync(wire);
        var accepting = session.Listener.AcceptWebSocketAsync();
        await wire.SendAsync(new Handshake(session.Domain).ToHttp1());
        Assert.Equal(101, (await wire.ReadResponseAsync()).Status);
        var (origin, _) = await accepting;
        await wire.SendAsync(WsFrame.Text("late", WsFrame.ClientKey));
        await origin.ExpectAsync(WsFrame.Text("late", WsFrame.ClientKey));
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task ClientVanishesBeforeThe101_OriginConnectionIsGivenUp(Way way)
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port));
        Wire client;
        if (way == Way.Http2)
        {
            client = await (await Http2Client.ConnectAsync(edge.EdgeTls, EdgeProcess.ServerName)).OpenAsync(new Handshake(domain).ToHttp2());
        }
        else
        {
            client = await ScriptedClient.ConnectAsync(edge, way);
            await client.SendAsync(new Handshake(domain).ToHttp1());
        }

        var (wire, _) = await origin.AcceptRequestAsync();
        client.Cut();
        await wire.ExpectEndAsync(TimeSpan.FromSeconds(1.5));
        await client.DisposeAsync();
    }
}
