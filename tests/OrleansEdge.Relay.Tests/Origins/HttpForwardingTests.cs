using System.Net.Sockets;
using System.Text.Json;
using OrleansEdge.Model;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Tests.Metering;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

/// <summary>HTTP requests through a real server to origins of bytes.</summary>
public sealed class HttpForwardingTests : IDisposable
{
    private readonly ScriptedOrigin _origin = new();

    public void Dispose() => _origin.Dispose();

    [Fact]
    public async Task Request_GoesOnAsItCameWithThisHopMadeAnew()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync(
            """
            GET /%2e%2E/a%2fb//c/../d?x=%7e HTTP/1.1
            Host: chat.example.com
            Connection: Upgrade, X-Hop, HTTP2-Settings
            Upgrade: h2c
            HTTP2-Settings: AAMAAABkAAQAAP__
            X-Hop: 1
            Keep-Alive: 5
            TE: trailers
            Proxy-Authorization: secret
            X-Forwarded-For: 203.0.113.9
            Forwarded: for=203.0.113.9
            Upgrade-Insecure-Requests: 1
            Accept: text/html, */*;q=0.8
            User-Agent: weird (((agent
            Content-Type: text/odd; x
            X-Bytes: café


            """.ReplaceLineEndings("\r\n").Replace("é", "\u00C3\u00A9", StringComparison.Ordinal));
        var (peer, head) = await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        using var _ = peer;
        var lines = head.Split("\r\n");
        Assert.Equal("GET /%2e%2E/a%2fb//c/../d?x=%7e HTTP/1.1", lines[0]);
        Assert.Equal(
            [
                "Accept: text/html, */*;q=0.8", "CDN-Loop: edge-under-test", "Content-Type: text/odd; x",
                "Forwarded: for=127.0.0.1;host=chat.example.com;proto=http", "Host: chat.example.com", "Upgrade-Insecure-Requests: 1",
                "User-Agent: weird (((agent", "Via: 1.1 OrleansEdge", "X-Bytes: caf\u00C3\u00A9", "X-Forwarded-For: 127.0.0.1",
                "X-Forwarded-Host: chat.example.com", "X-Forwarded-Proto: http",
            ],
            lines[1..].Where(line => line.Length > 0).Order(StringComparer.OrdinalIgnoreCase));
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadToAsync("\r\n\r\nok"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UpgradeWasDropped_TheConnectionTakesTheNextRequest()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
        var (peer, first) = await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
        using var _ = peer;
        Assert.DoesNotContain("pgrade", first, StringComparison.Ordinal);
        await client.ReadToAsync("\r\n\r\n1");
        var second = await peer.ReadHeadAsync();
        Assert.StartsWith("GET /2 ", second, StringComparison.Ordinal);
        await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
        await client.ReadToAsync("\r\n\r\n2");
    }

    [Fact]
    public async Task HostHeader_OverridesTheClients()
    {
        await using var edge = await StartAsync(config => config with { HostHeader = "inner.example.com" });
        using var client = await edge.ConnectAsync();
        await client.SendAsync("GET http://asked.example.com:81/x HTTP/1.1\r\nHost: asked.example.com:81\r\n\r\n");
        var (peer, head) = await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        using var _ = peer;
        Assert.StartsWith("GET /x HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nHost: inner.example.com\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Host: asked.example.com:81\r\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_ComesBackWithoutWhatIsOfTheHop()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        using var peer = (await _origin.AnswerAsync(
            "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\n"
            + "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nAlt-Svc: clear\r\nX-Bytes: caf\u00C3\u00A9\r\nLast-Modified: nonsense\r\nServer: s\r\n\r\nok")).Peer;
        var head = await client.ReadHeadAsync();
        Assert.Equal(
            ["HTTP/1.1 299 Odd", "Alt-Svc: clear", "Content-Length: 2", "Last-Modified: nonsense", "Server: s", "Set-Cookie: a=1", "Set-Cookie: b=2", "X-Bytes: caf\u00C3\u00A9"],
            head.Split("\r\n").Where(line => line.Length > 0 && !line.StartsWith("Date:", StringComparison.Ordinal)).OrderBy(line => line.StartsWith("HTTP", StringComparison.Ordinal) ? "" : line, StringComparer.Ordinal));
        await client.ReadToAsync("ok");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EventStream_HeadAndEventsComeAtOnce(bool http2)
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient(http2);
        var answering = client.GetAsync(new Uri("/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        var (peer, _) = await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        using var answer = await answering;
        await using var body = await answer.Content.ReadAsStreamAsync();
        using var events = new ScriptedPeer(body);
        await peer.SendAsync("9\r\ndata: 1\n\n\r\n");
        Assert.Equal("data: 1\n\n", await events.ReadToAsync("\n\n"));
        await peer.SendAsync("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
        Assert.Equal("data: 2\n\n", await events.ReadToEndAsync());
        peer.Dispose();
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked", "3\r\none\r\n", "3\r\ntwo\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 6", "one", "two")]
    public async Task Upload_ReachesTheOriginPieceByPiece(string framing, string first, string second)
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync($"POST /up HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{first}");
        using var peer = await _origin.AcceptAsync();
        Assert.Contains($"\r\n{framing}\r\n", await peer.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.EndsWith("one", await peer.ReadToAsync("one"), StringComparison.Ordinal);
        await client.SendAsync(second);
        await peer.ReadToAsync("two");
        if (framing.StartsWith('T'))
        {
            await peer.ReadToAsync("0\r\n\r\n");
        }
        await peer.SendAsync("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 201 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Expect100_ClientIsAskedOnlyWhenTheOriginAsks()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        using var peer = await _origin.AcceptAsync();
        Assert.Contains("\r\nExpect: 100-continue\r\n", await peer.ReadHeadAsync(), StringComparison.Ordinal);
        await peer.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", await client.ReadHeadAsync());
        await client.SendAsync("body");
        await peer.ReadToAsync("body");
        await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("401 Unauthorized")]
    [InlineData("417 Expectation Failed")]
    public async Task Expect100_OriginDeclines_TheBodyIsNotAskedFor(string status)
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        using var peer = (await _origin.AnswerAsync($"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno")).Peer;
        Assert.StartsWith($"HTTP/1.1 {status}\r\n", await client.ReadToAsync("\r\n\r\nno"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OriginAnswersDuringTheUpload_TheAnswerReachesTheClient()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nbegin");
        using (var peer = await _origin.AcceptAsync())
        {
            await peer.ReadToAsync("begin");
            await peer.SendAsync("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
        }
        Assert.StartsWith("HTTP/1.1 413 ", await client.ReadToAsync("big"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BothSidesStream_PiecesPassBothWays()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
        using var peer = await _origin.AcceptAsync();
        await peer.ReadToAsync("one");
        await peer.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nONE\r\n");
        await client.ReadToAsync("ONE");
        await client.SendAsync("3\r\ntwo\r\n0\r\n\r\n");
        await peer.ReadToAsync("two");
        await peer.SendAsync("3\r\nTWO\r\n0\r\n\r\n");
        Assert.Contains("TWO", await client.ReadToAsync("0\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trailers_ReachAnHttp2Client()
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient(http2: true);
        var answering = client.GetAsync(new Uri("/", UriKind.Relative));
        using var peer = (await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\nConnection: close\r\nContent-Length: 9\r\n\r\n")).Peer;
        using var answer = await answering;
        Assert.Equal("ok", await answer.Content.ReadAsStringAsync());
        var (name, values) = Assert.Single(answer.TrailingHeaders.NonValidated);
        Assert.Equal("x-sum: 42", $"{name}: {values}", ignoreCase: true);
    }

    [Theory]
    [InlineData("HEAD", "200 OK\r\nContent-Length: 1234\r\n", "Content-Length: 1234")]
    [InlineData("GET", "304 Not Modified\r\nETag: \"1\"\r\n", "ETag: \"1\"")]
    [InlineData("DELETE", "204 No Content\r\nX-A: 1\r\n", "X-A: 1")]
    public async Task BodylessAnswer_EndsWithItsHead(string method, string answer, string field)
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync($"{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
        var (peer, _) = await _origin.AnswerAsync($"HTTP/1.1 {answer}\r\n");
        using var _1 = peer;
        Assert.Contains($"\r\n{field}\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
        await client.SendAsync("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.StartsWith("GET /next ", await peer.ReadHeadAsync(), StringComparison.Ordinal);
        await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadToAsync("\r\n\r\nnext"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http10Client_GetsTheBodyUntilTheEnd()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
        using var peer = (await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")).Peer;
        var answer = await client.ReadToEndAsync();
        Assert.EndsWith("\r\n\r\nhello", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("chunked", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)]
    public async Task OriginBreaksOff_TheAnswerNeverLooksComplete(string part, bool http2)
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient(http2);
        var answering = client.GetAsync(new Uri("/", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        (await _origin.AnswerAsync(part)).Peer.Dispose();
        var broken = await Record.ExceptionAsync(async () =>
        {
            using var answer = await answering;
            await answer.Content.ReadAsByteArrayAsync();
        });
        Assert.IsType<HttpRequestException>(broken, exactMatch: false);
    }

    [Theory]
    [InlineData("", "http_response_incomplete")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le", "http_response_incomplete")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n\r\n", "http_protocol_error")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "http_protocol_error")]
    public async Task NoValidAnswer_IsOriginResponseInvalid(string answer, string proxyError)
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient();
        var answering = client.PostAsync(new Uri("/", UriKind.Relative), new StringContent("body"));
        using var peer = await _origin.AcceptAsync();
        await peer.ReadToAsync("body");
        await peer.SendAsync(answer);
        peer.Dispose();
        await AssertProblemAsync(await answering, 502, "origin_response_invalid", proxyError);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OriginRefuses_IsAProblem(bool http2)
    {
        await using var edge = await ForwardingEdge.StartAsync(Given.Domain(Given.Origin(ScriptedOrigin.DeadPort())));
        using var client = edge.NewClient(http2);
        await AssertProblemAsync(await client.GetAsync(new Uri("/", UriKind.Relative)), 502, "origin_refused", "connection_refused");
        using var head = new HttpRequestMessage(HttpMethod.Head, "/") { Version = client.DefaultRequestVersion, VersionPolicy = client.DefaultVersionPolicy };
        using var answer = await client.SendAsync(head);
        Assert.Equal("OrleansEdge; error=connection_refused", Assert.Single(answer.Headers.GetValues("Proxy-Status")));
        Assert.Equal(502, (int)answer.StatusCode);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task NameWithoutAddress_IsAProblem()
    {
        var connector = Given.Connector(lookUp: _ => throw new SocketException((int)SocketError.HostNotFound));
        await using var edge = await ForwardingEdge.StartAsync(Given.Domain(Given.Origin(80, "nobody.invalid")), connector: connector);
        using var client = edge.NewClient();
        await AssertProblemAsync(await client.GetAsync(new Uri("/", UriKind.Relative)), 502, "origin_dns", "dns_error");
    }

    [Fact]
    public async Task TlsFails_IsAProblem()
    {
        await using var edge = await StartAsync(config => config with { WebSocket = config.WebSocket with { OriginProtocol = OriginProtocol.Https } });
        using var client = edge.NewClient();
        var answering = client.GetAsync(new Uri("/", UriKind.Relative));
        using var peer = await _origin.AcceptAsync();
        await peer.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n");
        await AssertProblemAsync(await answering, 502, "origin_tls", "tls_protocol_error");
    }

    [Fact]
    public async Task OriginSilent_IsOriginTimeout()
    {
        var options = new OriginOptions { ActivityTimeout = TimeSpan.FromMilliseconds(200) };
        await using var edge = await ForwardingEdge.StartAsync(Given.Domain(Given.Origin(_origin.Port)), options);
        using var client = edge.NewClient();
        var answering = client.GetAsync(new Uri("/", UriKind.Relative));
        using var peer = await _origin.AcceptAsync();
        await AssertProblemAsync(await answering, 504, "origin_timeout", "http_response_timeout");
    }

    [Fact]
    public async Task FirstChoiceDown_TheWholeRequestGoesToTheNext()
    {
        var domain = Given.Domain(Given.Origin(ScriptedOrigin.DeadPort(), weight: 1000), Given.Origin(_origin.Port));
        await using var edge = await ForwardingEdge.StartAsync(domain);
        using var client = edge.NewClient();
        var answering = client.PostAsync(new Uri("/", UriKind.Relative), new StringContent("body"));
        using var peer = await _origin.AcceptAsync();
        await peer.ReadToAsync("body");
        await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        Assert.Equal("ok", await (await answering).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task OriginClosedAnIdleConnection_TheNextRequestGetsANewOne()
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient();
        for (var i = 0; i < 3; i++)
        {
            var answering = client.PostAsync(new Uri("/", UriKind.Relative), new StringContent("body"));
            using (var peer = await _origin.AcceptAsync())
            {
                await peer.ReadToAsync("body");
                await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
            Assert.Equal("ok", await (await answering).Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData("HTTP/1.1", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")]
    [InlineData("HTTP/1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")]
    [InlineData("HTTP/1.0", "Transfer-Encoding: chunked\r\n")]
    public async Task LengthTwice_Is400AndTheConnectionCloses(string version, string fields)
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync($"POST / {version}\r\nHost: a\r\n{fields}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        var answer = await client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Equal(answer.IndexOf("HTTP/1.1 ", StringComparison.Ordinal), answer.LastIndexOf("HTTP/1.1 ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("zz\r\n", "400")]
    [InlineData("5\r\nab", "")]
    public async Task ClientBreaksItsBodyOff_TheOriginNeverSeesTheEnd(string part, string status)
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
        using var peer = await _origin.AcceptAsync();
        await peer.ReadToAsync("2\r\nok\r\n");
        await client.SendAsync(part);
        if (status.Length > 0)
        {
            Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        }
        else
        {
            client.Dispose();
        }
        string? rest = null;
        var ended = await Record.ExceptionAsync(async () => rest = await peer.ReadToEndAsync());
        Assert.True(ended is null or IOException, ended?.ToString());
        Assert.DoesNotContain("0\r\n\r\n", rest ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task OriginLeavesDuringTheUpload_IsAProblem()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nbegin");
        using (var peer = await _origin.AcceptAsync())
        {
            await peer.ReadToAsync("begin");
        }
        Assert.StartsWith("HTTP/1.1 502 ", await client.ReadToAsync("origin_response_invalid"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connection_ServesSeveralRequests()
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient();
        ScriptedPeer? peer = null;
        for (var i = 0; i < 5; i++)
        {
            var answering = i % 2 == 0 ? client.GetAsync(new Uri("/", UriKind.Relative)) : client.PostAsync(new Uri("/", UriKind.Relative), new StringContent("body"));
            peer ??= await _origin.AcceptAsync();
            await peer.ReadToAsync(i % 2 == 0 ? "\r\n\r\n" : "body");
            await peer.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
            Assert.Equal("ok", await (await answering).Content.ReadAsStringAsync());
        }
        peer!.Dispose();
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    public async Task ConnectionThatMayNotBeUsedAgain_IsNot(string answer)
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient();
        var first = client.GetAsync(new Uri("/1", UriKind.Relative));
        using var peer = (await _origin.AnswerAsync(answer)).Peer;
        Assert.Equal("ok", await (await first).Content.ReadAsStringAsync());
        var second = client.GetAsync(new Uri("/2", UriKind.Relative));
        using var next = (await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh")).Peer;
        Assert.Equal("fresh", await (await second).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task OriginClosesAsTheNextRequestComes_AGetIsSentAgainAndCountedOnce()
    {
        await using var edge = await StartAsync();
        using var client = edge.NewClient();
        var first = client.GetAsync(new Uri("/1", UriKind.Relative));
        using (var peer = (await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")).Peer)
        {
            Assert.Equal("ok", await (await first).Content.ReadAsStringAsync());
            var second = client.GetAsync(new Uri("/2", UriKind.Relative));
            await peer.ReadHeadAsync();
            peer.Dispose();
            using var next = (await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")).Peer;
            Assert.Equal("again", await (await second).Content.ReadAsStringAsync());
        }

        var usage = Assert.Single(TestSpool.SumFiles(edge.SpoolFolder)).Value;
        Assert.Equal((2, 2), (usage.MessagesUp, usage.MessagesDown));
    }

    [Theory]
    [InlineData("OPTIONS * HTTP/1.1", "", "204")]
    [InlineData("OPTIONS /a HTTP/1.1", "Max-Forwards: 0\r\n", "204")]
    [InlineData("TRACE /a HTTP/1.1", "Max-Forwards: 0\r\n", "405")]
    public async Task RequestThatMayGoNoFurther_IsAnsweredByTheEdge(string line, string fields, string status)
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync($"{line}\r\nHost: a\r\n{fields}\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MaxForwards_IsDecrementedForOptions()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n");
        using var peer = await _origin.AcceptAsync();
        Assert.Contains("\r\nMax-Forwards: 2\r\n", await peer.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientLeaves_TheOriginsConnectionEnds()
    {
        await using var edge = await StartAsync();
        using var client = await edge.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        using var peer = (await _origin.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")).Peer;
        await client.ReadToAsync("hello");
        client.Reset();
        var ended = await Record.ExceptionAsync(peer.ReadToEndAsync);
        Assert.True(ended is null or IOException, ended?.ToString());
    }

    private Task<ForwardingEdge> StartAsync(Func<DomainConfig, DomainConfig>? change = null)
        => ForwardingEdge.StartAsync(Given.Domain(change ?? (config => config), Given.Origin(_origin.Port)));

    private static async Task AssertProblemAsync(HttpResponseMessage answer, int status, string code, string proxyError)
    {
        using var received = answer;
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(status == (int)answer.StatusCode, $"{(int)answer.StatusCode}: {body}");
        Assert.Equal($"OrleansEdge; error={proxyError}", Assert.Single(answer.Headers.GetValues("Proxy-Status")));
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        using var json = JsonDocument.Parse(body);
        Assert.Equal(code, json.RootElement.GetProperty("code").GetString());
    }
}
