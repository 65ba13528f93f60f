using System.Text;
using System.Text.Json.Nodes;
using OrleansEdge.FunctionalTests.Refusals;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Http;

/// <summary>Requests of a known domain that are no WebSocket handshakes.</summary>
public abstract class Forwarding(Way way)
{
    [Fact]
    public async Task Get_PassesWithItsFieldsAndAnswer()
    {
        await using var exchange = await StartAsync();
        await exchange.SendAsync("GET", "/a%20b/?q=1&q=2", "Cookie: a=1\r\nX-Hop: 1\r\nConnection: X-Hop\r\nAccept-Encoding: gzip\r\nRange: bytes=0-5\r\n");
        var (origin, request) = await exchange.Listener.AcceptRequestAsync();
        Assert.Equal("GET /a%20b/?q=1&q=2 HTTP/1.1", request.RequestLine);
        Assert.Equal(exchange.Domain, request.Headers["host"]);
        Assert.Equal("a=1", request.Headers["cookie"]);
        Assert.Equal("gzip", request.Headers["accept-encoding"]);
        Assert.Equal("bytes=0-5", request.Headers["range"]);
        Assert.Null(request.Headers["x-hop"]);
        Assert.Null(request.Headers["upgrade"]);
        Assert.Equal("127.0.0.1", request.Headers["x-forwarded-for"]);
        Assert.Equal(way == Way.Http1 ? "http" : "https", request.Headers["x-forwarded-proto"]);
        Assert.Equal(EdgeProcess.LoopToken, request.Headers["cdn-loop"]);
        Assert.NotNull(request.Headers["via"]);
        await origin.SendAsync(
            "HTTP/1.1 206 Partial\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-5/9\r\nETag: \"x\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
            + "Connection: X-Gone\r\nX-Gone: 1\r\nContent-Length: 6\r\n\r\nnogzip");
        var answer = await exchange.AnswerAsync();
        Assert.Equal(206, answer.Status);
        Assert.Equal("nogzip", answer.Text);
        Assert.Equal("gzip", answer.Headers["content-encoding"]);
        Assert.Equal("\"x\"", answer.Headers["etag"]);
        Assert.Equal(["a=1", "b=2"], answer.Headers.All("set-cookie"));
        Assert.Null(answer.Headers["x-gone"]);
    }

    [Fact]
    public async Task Head_PassesWithTheLengthOfABodyThatDoesNotCome()
    {
        await using var exchange = await StartAsync();
        await exchange.SendAsync("HEAD", "/");
        var (origin, request) = await exchange.Listener.AcceptRequestAsync();
        Assert.StartsWith("HEAD / ", request.RequestLine, StringComparison.Ordinal);
        await origin.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
        var answer = await exchange.AnswerAsync(bodyless: true);
        Assert.Equal("12345", answer.Headers["content-length"]);
        Assert.Empty(answer.Body);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PROPFIND")]
    [InlineData("OPTIONS")]
    public async Task MethodWithABody_PassesBothWays(string method)
    {
        await using var exchange = await StartAsync();
        var body = WsFrame.Pattern(100_000);
        await exchange.SendAsync(method, "/form", "Content-Type: application/octet-stream\r\n", body);
        var (origin, request) = await exchange.Listener.AcceptRequestAsync();
        Assert.Equal($"{method} /form HTTP/1.1", request.RequestLine);
        Assert.Equal(body, await origin.ReadBodyAsync(request.Headers));
        await origin.SendAsync($"HTTP/1.1 201 Created\r\nContent-Length: {body.Length}\r\n\r\n");
        await origin.SendAsync(body);
        Assert.Equal(body, (await exchange.AnswerAsync()).Body);
    }

    [Fact]
    public async Task LargeBodies_PassBothWays()
    {
        await using var exchange = await StartAsync();
        var body = WsFrame.Pattern(24 * 1024 * 1024);
        var sending = exchange.SendAsync("POST", "/large", "", body);
        var (origin, request) = await exchange.Listener.AcceptRequestAsync();
        Assert.Equal($"{body.Length}", request.Headers["content-length"]);
        Assert.Equal(body, await origin.ReadAsync(body.Length, within: TimeSpan.FromSeconds(60)));
        await sending;
        await origin.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n");
        var answering = origin.SendAsync(body);
        Assert.Equal(body, (await exchange.AnswerAsync(within: TimeSpan.FromSeconds(60))).Body);
        await answering;
    }

    [Fact]
    public async Task AnswerInPieces_EachPieceReachesTheClientAtOnce()
    {
        await using var exchange = await StartAsync();
        await exchange.SendAsync("GET", "/events");
        var (origin, _) = await exchange.Listener.AcceptRequestAsync();
        await origin.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        await exchange.HeadAsync();
        for (var i = 0; i < 3; i++)
        {
            await origin.SendAsync("9\r\ndata: x\n\n\r\n");
            await exchange.ExpectPieceAsync("data: x\n\n");
        }

        await origin.SendAsync("0\r\n\r\n");
        await exchange.ExpectEndOfBodyAsync();
    }

    [Fact]
    public async Task OriginRefuses_ClientGets502()
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, ScriptedOrigin.RefusedPort()));
        await using var exchange = await Exchange.StartAsync(way, domain, ScriptedOrigin.Start());
        await exchange.SendAsync("GET", "/");
        RefusalAnswer.AssertProblem(await exchange.AnswerAsync(), 502, "origin_refused", "connection_refused");
    }

    [Fact]
    public async Task UnknownDomain_Is404()
    {
        await using var exchange = await Exchange.StartAsync(way, EdgeProcess.NewDomain(), ScriptedOrigin.Start());
        await exchange.SendAsync("GET", "/");
        RefusalAnswer.AssertProblem(await exchange.AnswerAsync(), 404, "domain_unknown", "destination_not_found");
    }

    [Fact]
    public async Task OwnTokenInCdnLoop_Is508()
    {
        await using var exchange = await StartAsync();
        await exchange.SendAsync("GET", "/", $"CDN-Loop: {EdgeProcess.LoopToken}\r\n");
        RefusalAnswer.AssertProblem(await exchange.AnswerAsync(), 508, "loop_detected", "proxy_loop_detected");
    }

    [Fact]
    public async Task AddressDenied_Is403()
    {
        await using var exchange = await StartAsync(document => document.At("access.deniedAddresses", new JsonArray("127.0.0.1")));
        await exchange.SendAsync("GET", "/");
        RefusalAnswer.AssertProblem(await exchange.AnswerAsync(), 403, "address_denied", "http_request_denied");
    }

    [Fact]
    public async Task TenantBlocked_Is403()
    {
        var edge = await SharedEdge.GetAsync();
        await edge.Admin.PutTenantAsync("blocked-http", blocked: true);
        await using var exchange = await StartAsync(document => document.At("tenant", "blocked-http"));
        await exchange.SendAsync("GET", "/");
        RefusalAnswer.AssertProblem(await exchange.AnswerAsync(), 403, "tenant_blocked", "http_request_denied");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WebSocketOffOrStatic_HttpPasses(bool isStatic)
    {
        await using var exchange = await StartAsync(document =>
        {
            if (isStatic)
            {
                document.At("acceleration", "static");
            }
            else
            {
                document.Set("enabled", false).At("access.allowedOrigins", new JsonArray("https://a.test"));
            }
        });
        await exchange.SendAsync("GET", "/");
        var (origin, _) = await exchange.Listener.AcceptRequestAsync();
        await origin.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        Assert.Equal("ok", (await exchange.AnswerAsync()).Text);
    }

    private async Task<Exchange> StartAsync(Action<DomainDocument>? change = null)
    {
        var edge = await SharedEdge.GetAsync();
        var listener = ScriptedOrigin.Start(tls: way == Way.Tls);
        var domain = EdgeProcess.NewDomain();
        var document = Session.Document(way, domain, listener.Port);
        change?.Invoke(document);
        await edge.Admin.PutDomainAsync(document);
        return await Exchange.StartAsync(way, domain, listener);
    }
}

/// <summary>One request and its answer, over HTTP/1.1 or HTTP/2.</summary>
internal sealed class Exchange : IAsyncDisposable
{
    private readonly StreamWire? _wire;
    private readonly Http2Client? _connection;
    private Http2Stream? _stream;

    private Exchange(string domain, ScriptedOrigin listener, StreamWire? wire, Http2Client? connection)
    {
        Domain = domain;
        Listener = listener;
        _wire = wire;
        _connection = connection;
    }

    public string Domain { get; }

    public ScriptedOrigin Listener { get; }

    /// <summary>Carries the bodies: the connection, or with HTTP/2 the stream of the request.</summary>
    public Wire Body => (Wire?)_wire ?? _stream!;

    public static async Task<Exchange> StartAsync(Way way, string domain, ScriptedOrigin listener)
        => await StartAsync(await SharedEdge.GetAsync(), way, domain, listener);

    public static async Task<Exchange> StartAsync(EdgeProcess edge, Way way, string domain, ScriptedOrigin listener) => way == Way.Http2
        ? new Exchange(domain, listener, null, await Http2Client.ConnectAsync(edge.EdgeTls, EdgeProcess.ServerName))
        : new Exchange(domain, listener, await ScriptedClient.ConnectAsync(edge, way), null);

    public async Task SendAsync(string method, string target, string fields = "", byte[]? body = null)
    {
        var length = body is null ? "" : $"Content-Length: {body.Length}\r\n";
        await SendHeadAsync(method, target, fields + length, isWhole: body is null);
        if (body is not null)
        {
            await Body.SendAsync(body);
            await FinishAsync();
        }
    }

    /// <summary>Sends the head alone. What follows goes over <see cref="Body"/>, and then <see cref="FinishAsync"/>.</summary>
    /// <param name="method">Method of the request.</param>
    /// <param name="target">Path and query.</param>
    /// <param name="fields">Lines of the head, each with its CRLF.</param>
    /// <param name="isWhole">No body follows.</param>
    public async Task SendHeadAsync(string method, string target, string fields, bool isWhole)
    {
        if (_wire is not null)
        {
            await _wire.SendAsync($"{method} {target} HTTP/1.1\r\nHost: {Domain}\r\n{fields}\r\n");
            return;
        }

        var list = new List<(string, string)> { (":method", method), (":scheme", "https"), (":path", target), (":authority", Domain) };
        foreach (var line in fields.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (line[..line.IndexOf(':', StringComparison.Ordinal)], line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..]);
            if (name is not ("Connection" or "X-Hop"))
            {
                list.Add((name.ToLowerInvariant(), value));
            }
        }

        _stream = await _connection!.OpenAsync(list, endStream: isWhole);
    }

    /// <summary>Ends the body of the request.</summary>
    public Task FinishAsync() => _stream?.FinishAsync() ?? Task.CompletedTask;

    public Task<ScriptedResponse> AnswerAsync(bool bodyless = false, TimeSpan? within = null)
        => _wire is not null ? _wire.ReadResponseAsync(bodyless, within) : _stream!.ReadAnswerAsync(body: !bodyless, within);

    public async Task HeadAsync()
    {
        if (_wire is not null)
        {
            await _wire.ReadHeadAsync();
        }
        else
        {
            await _stream!.ReadAnswerAsync(body: false);
        }
    }

    public async Task ExpectPieceAsync(string text)
    {
        if (_wire is not null)
        {
            await _wire.ExpectAsync($"{text.Length:x}\r\n{text}\r\n");
        }
        else
        {
            await _stream!.ExpectAsync(text);
        }
    }

    public async Task ExpectEndOfBodyAsync()
    {
        if (_wire is not null)
        {
            await _wire.ExpectAsync("0\r\n\r\n");
        }
        else
        {
            await _stream!.ExpectEofAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await (_wire?.DisposeAsync() ?? _connection!.DisposeAsync());
        await Listener.DisposeAsync();
    }
}

public sealed class ForwardingOverHttp1() : Forwarding(Way.Http1);

public sealed class ForwardingOverTls() : Forwarding(Way.Tls);

public sealed class ForwardingOverHttp2() : Forwarding(Way.Http2);

/// <summary>What only HTTP/1.1 has.</summary>
public sealed class Http1Forwarding
{
    [Fact]
    public async Task ChunkedRequest_EachChunkReachesTheOriginAtOnce()
    {
        await using var session = await Session.OpenAsync(Way.Http1);
        await using var wire = await ScriptedClient.ConnectAsync(session.Edge, Way.Http1);
        await wire.SendAsync($"POST /up HTTP/1.1\r\nHost: {session.Domain}\r\nTransfer-Encoding: chunked\r\n\r\n");
        await wire.SendAsync("5\r\nfirst\r\n");
        var (origin, request) = await session.Listener.AcceptRequestAsync();
        Assert.Equal("chunked", request.Headers["transfer-encoding"]);
        await origin.ExpectAsync("5\r\nfirst\r\n");
        await wire.SendAsync("6\r\nsecond\r\n");
        await origin.ExpectAsync("6\r\nsecond\r\n");
        await wire.SendAsync("0\r\n\r\n");
        await origin.ExpectAsync("0\r\n\r\n");
        await origin.SendAsync("HTTP/1.1 204 No Content\r\n\r\n");
        Assert.Equal(204, (await wire.ReadResponseAsync()).Status);
        await RefusalAnswer.AssertUsableAsync(wire);
    }

    [Fact]
    public async Task ExpectContinue_ClientIsToldToGoOn()
    {
        await using var session = await Session.OpenAsync(Way.Http1);
        await using var wire = await ScriptedClient.ConnectAsync(session.Edge, Way.Http1);
        await wire.SendAsync($"POST /up HTTP/1.1\r\nHost: {session.Domain}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        var accepting = AnswerAsync(session.Listener);
        Assert.Equal(100, (await wire.ReadResponseAsync()).Status);
        await wire.SendAsync("body");
        var final = await wire.ReadResponseAsync();
        Assert.Equal("body", final.Text);
        await accepting;

        static async Task AnswerAsync(ScriptedOrigin listener)
        {
            var (origin, request) = await listener.AcceptRequestAsync();
            if (request.Headers["expect"] is not null)
            {
                await origin.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
            }

            var body = await origin.ReadBodyAsync(request.Headers);
            await origin.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n");
            await origin.SendAsync(body);
        }
    }

    [Fact]
    public async Task ExpectContinueAndOriginRefuses_ClientGetsTheRefusal()
    {
        await using var session = await Session.OpenAsync(Way.Http1);
        await using var wire = await ScriptedClient.ConnectAsync(session.Edge, Way.Http1);
        await wire.SendAsync($"POST /up HTTP/1.1\r\nHost: {session.Domain}\r\nExpect: 100-continue\r\nContent-Length: 400000\r\n\r\n");
        var (origin, _) = await session.Listener.AcceptRequestAsync();
        await origin.SendAsync("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
        await origin.FinishAsync();
        var answer = await wire.ReadResponseAsync();
        answer = answer.Status == 100 ? await wire.ReadResponseAsync() : answer;
        Assert.Equal("413 big", $"{answer.Status} {answer.Text}");
    }

    [Fact]
    public async Task SeveralRequestsOnOneConnection_AreAnsweredInOrder()
    {
        await using var session = await Session.OpenAsync(Way.Http1);
        await using var wire = await ScriptedClient.ConnectAsync(session.Edge, Way.Http1);
        var requests = new StringBuilder();
        for (var i = 0; i < 3; i++)
        {
            requests.Append(System.Globalization.CultureInfo.InvariantCulture, $"GET /{i} HTTP/1.1\r\nHost: {session.Domain}\r\n\r\n");
        }

        await wire.SendAsync(requests.ToString());
        var (origin, request) = await session.Listener.AcceptRequestAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal($"GET /{i} HTTP/1.1", request.RequestLine);
            await origin.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{i}");
            Assert.Equal(i.ToString(System.Globalization.CultureInfo.InvariantCulture), (await wire.ReadResponseAsync()).Text);
            request = i < 2 ? await NextAsync() : request;
        }

        async Task<OriginRequest> NextAsync()
        {
            // The edge may keep its connection to the origin or open another.
            var again = origin.ReadHeadAsync();
            var other = session.Listener.AcceptRequestAsync();
            if (await Task.WhenAny(again, other) == again && again.IsCompletedSuccessfully)
            {
                return new OriginRequest(await again);
            }

            (origin, var head) = await other;
            return head;
        }
    }

    [Fact]
    public async Task OriginVanishesInsideItsAnswer_ClientSeesTheBreak()
    {
        await using var session = await Session.OpenAsync(Way.Http1);
        await using var wire = await ScriptedClient.ConnectAsync(session.Edge, Way.Http1);
        await wire.SendAsync($"GET / HTTP/1.1\r\nHost: {session.Domain}\r\n\r\n");
        var (origin, _) = await session.Listener.AcceptRequestAsync();
        await origin.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
        await wire.ReadHeadAsync();
        await wire.ExpectAsync("4\r\npart\r\n");
        origin.Cut();
        await wire.ExpectEndAsync();
    }
}
