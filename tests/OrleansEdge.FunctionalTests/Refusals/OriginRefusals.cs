using System.Net;
using System.Net.Sockets;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Refusals;

/// <summary>Refusals that an origin causes. Each origin is scripted; the client comes each way.</summary>
public abstract class OriginRefusals(Way way)
{
    /// <summary>Answers of an origin that are no acceptance, as raw heads; <c>{accept}</c> stands for the right accept value.</summary>
    private static readonly Dictionary<string, string> BadAnswers = new(StringComparer.Ordinal)
    {
        ["wrong accept value"] = Switching("Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ["accept value of another case"] = Switching("Sec-WebSocket-Accept: {ACCEPT}"),
        ["no accept value"] = Switching("X-Nothing: 1"),
        ["two accept values"] = Switching("Sec-WebSocket-Accept: {accept}", "Sec-WebSocket-Accept: {accept}"),
        ["no Upgrade"] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
        ["Upgrade to something else"] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
        ["no Connection"] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
        ["extension that was not offered"] = Switching("Sec-WebSocket-Accept: {accept}", "Sec-WebSocket-Extensions: x-unheard-of"),
        ["subprotocol that was not offered"] = Switching("Sec-WebSocket-Accept: {accept}", "Sec-WebSocket-Protocol: mqtt"),
        ["subprotocol in another case"] = Switching("Sec-WebSocket-Accept: {accept}", "Sec-WebSocket-Protocol: CHAT"),
        ["two subprotocols"] = Switching("Sec-WebSocket-Accept: {accept}", "Sec-WebSocket-Protocol: chat, superchat"),
        ["no HTTP at all"] = "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        ["head line without a colon"] = Switching("Sec-WebSocket-Accept: {accept}", "not a field"),
        ["status of two digits"] = "HTTP/1.1 10 Odd\r\n\r\n",
        ["head without an end"] = Switching("Sec-WebSocket-Accept: {accept}", "X-Big: " + new string('x', 100_000)),
        ["200"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ["200 without length"] = "HTTP/1.1 200 OK\r\n\r\nhi",
        ["204"] = "HTTP/1.1 204 No Content\r\n\r\n",
        ["201 with the right accept value"] = "HTTP/1.1 201 Created\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nContent-Length: 0\r\n\r\n",
    };

    public static TheoryData<string> BadAnswerNames => [.. BadAnswers.Keys];

    [Theory]
    [MemberData(nameof(BadAnswerNames))]
    public async Task OriginAnswersBadly_ClientGetsOriginHandshakeInvalid(string name)
    {
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var playing = PlayAsync();
        var answer = await HandshakeAsync(Session.Document(way, EdgeProcess.NewDomain(), origin.Port));
        RefusalAnswer.AssertProblem(answer, 502, "origin_handshake_invalid", "http_upgrade_failed");
        await (await playing).ExpectEndAsync();

        async Task<StreamWire> PlayAsync()
        {
            var (wire, request) = await origin.AcceptRequestAsync();
            var accept = Handshake.Accept(request.Headers["sec-websocket-key"]!);
            try
            {
                await wire.SendAsync(BadAnswers[name].Replace("{accept}", accept, StringComparison.Ordinal)
                    .Replace("{ACCEPT}", accept.ToUpperInvariant(), StringComparison.Ordinal));
            }
            catch (WireCutException)
            {
                // The edge need not read an endless head to its end.
            }

            return wire;
        }
    }

    [Fact]
    public async Task OriginClosesInsteadOfAnswering_ClientGetsOriginHandshakeInvalid()
    {
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var playing = PlayAsync();
        var answer = await HandshakeAsync(Session.Document(way, EdgeProcess.NewDomain(), origin.Port));
        RefusalAnswer.AssertProblem(answer, 502, "origin_handshake_invalid", "http_upgrade_failed");
        await playing;

        async Task PlayAsync()
        {
            var (wire, _) = await origin.AcceptRequestAsync();
            await wire.SendAsync("HTTP/1.1 101 Switching Proto");
            await wire.FinishAsync();
        }
    }

    [Fact]
    public async Task OriginRefusesTcp_ClientGetsOriginRefused()
    {
        var answer = await HandshakeAsync(Session.Document(way, EdgeProcess.NewDomain(), ScriptedOrigin.RefusedPort()));
        RefusalAnswer.AssertProblem(answer, 502, "origin_refused", "connection_refused");
    }

    [Fact]
    public async Task OriginNameUnknown_ClientGetsOriginDns()
    {
        var document = Session.Document(way, EdgeProcess.NewDomain()).WithOrigin("nobody.invalid", 80);
        RefusalAnswer.AssertProblem(await HandshakeAsync(document), 502, "origin_dns", "dns_error");
    }

    [Fact]
    public async Task OriginCertificateNotTrusted_ClientGetsOriginTlsCertificate()
    {
        await using var origin = ScriptedOrigin.Start(tls: true);
        var accepting = AcceptBrokenTlsAsync(origin);
        var document = Session.Document(way, EdgeProcess.NewDomain(), origin.Port).Set("originProtocol", "https").At("originTls.verify", true);
        RefusalAnswer.AssertProblem(await HandshakeAsync(document), 502, "origin_tls", "tls_certificate_error");
        await accepting;
    }

    [Fact]
    public async Task OriginSpeaksNoTls_ClientGetsOriginTlsProtocol()
    {
        await using var origin = ScriptedOrigin.Start();
        var playing = PlayAsync();
        var document = Session.Document(way, EdgeProcess.NewDomain(), origin.Port).Set("originProtocol", "https");
        RefusalAnswer.AssertProblem(await HandshakeAsync(document), 502, "origin_tls", "tls_protocol_error");
        await playing;

        async Task PlayAsync()
        {
            var wire = await origin.AcceptAsync();
            await wire.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    }

    [Fact]
    public async Task OriginDoesNotAnswer_ClientGetsOriginTimeout()
    {
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var accepting = origin.AcceptRequestAsync();
        var deadline = new Deadline(TimeSpan.FromSeconds(2));
        var answer = await HandshakeAsync(Session.Document(way, EdgeProcess.NewDomain(), origin.Port));
        RefusalAnswer.AssertProblem(answer, 504, "origin_timeout", "http_response_timeout");
        Assert.True(deadline.Left <= TimeSpan.FromMilliseconds(50), "the edge gave up before Edge:Origin:HandshakeTimeout");
        await (await accepting).Wire.ExpectEndAsync();
    }

    [Fact]
    public async Task OriginSendsItsAnswerByteByByteForever_ClientGetsOriginTimeout()
    {
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var playing = PlayAsync();
        var answer = await HandshakeAsync(Session.Document(way, EdgeProcess.NewDomain(), origin.Port));
        RefusalAnswer.AssertProblem(answer, 504, "origin_timeout", "http_response_timeout");
        await playing;

        async Task PlayAsync()
        {
            var (wire, _) = await origin.AcceptRequestAsync();
            await wire.SendAsync("HTTP/1.1 101 Switching Protocols\r\nX-Slow: ");
            try
            {
                while (!await wire.AnythingAsync(TimeSpan.FromMilliseconds(100)))
                {
                    await wire.SendAsync("x");
                }
            }
            catch (WireCutException)
            {
                // The edge has given up: that is what this origin waits for.
            }
        }
    }

    [Fact]
    public async Task OriginDoesNotAcceptTcp_ClientGetsOriginTimeout()
    {
        using var full = new FullBacklog();
        var answer = await HandshakeAsync(Session.Document(way, EdgeProcess.NewDomain(), full.Port));
        RefusalAnswer.AssertProblem(answer, 504, "origin_timeout", "connection_timeout");
    }

    [Theory]
    [InlineData(301, "Location: https://elsewhere.test/chat\r\nContent-Length: 0\r\n", "", "location", "https://elsewhere.test/chat", "")]
    [InlineData(401, "WWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 4\r\n", "nope", "www-authenticate", "Basic realm=\"x\"", "nope")]
    [InlineData(403, "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "content-type", "text/html", "abcde")]
    [InlineData(404, "X-Reason: none\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n", "until the end", "x-reason", "none", "until the end")]
    [InlineData(426, "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n", "", "sec-websocket-version", "13", "")]
    [InlineData(503, "Retry-After: 7\r\nContent-Length: 6\r\n", "down\r\n", "retry-after", "7", "down\r\n")]
    public async Task OriginAnswersWithAnError_ClientGetsItAsItIs(
        int status, string fields, string body, string name, string value, string received)
    {
        ArgumentNullException.ThrowIfNull(fields);
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var playing = PlayAsync();
        var answer = await HandshakeAsync(Session.Document(way, EdgeProcess.NewDomain(), origin.Port));
        Assert.Equal(status, answer.Status);
        Assert.Equal(value, answer.Headers[name]);
        Assert.Equal(["a=1", "b=2"], answer.Headers.All("set-cookie"));
        Assert.Equal(received, answer.Text);
        Assert.Null(answer.Headers["x-hop"]);
        Assert.Null(answer.Headers["keep-alive"]);
        var parts = (answer.Headers["proxy-status"] ?? "").Split(';', StringSplitOptions.TrimEntries);
        Assert.Equal("OrleansEdge", parts[0]);
        Assert.Contains($"received-status={status}", parts);
        Assert.DoesNotContain(parts, part => part.StartsWith("error=", StringComparison.Ordinal));
        await playing;

        async Task PlayAsync()
        {
            var (wire, _) = await origin.AcceptRequestAsync();
            await wire.SendAsync($"HTTP/1.1 {status} Because\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n{fields}\r\n{body}");
            if (fields.Contains("close", StringComparison.Ordinal))
            {
                await wire.FinishAsync();
            }
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnope")]
    [InlineData("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nuntil the end")]
    [InlineData("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    public async Task OriginRefusesAHandshake_ClientsConnectionStaysUsable(string answer)
    {
        if (way == Way.Http2)
        {
            return;
        }

        var edge = await SharedEdge.GetAsync();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var domain = EdgeProcess.NewDomain();
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port));
        var playing = PlayAsync();
        var (wire, refused) = await ScriptedClient.HandshakeAsync(edge, way, new Handshake(domain));
        await using var _ = wire;
        Assert.NotEqual(101, refused.Status);
        await playing;
        await RefusalAnswer.AssertUsableAsync(wire);

        async Task PlayAsync()
        {
            var (peer, _) = await origin.AcceptRequestAsync();
            await peer.SendAsync(answer);
            await peer.FinishAsync();
        }
    }

    [Fact]
    public async Task FirstOriginRefuses_SecondIsTaken()
    {
        var edge = await SharedEdge.GetAsync();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var domain = EdgeProcess.NewDomain();
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, ScriptedOrigin.RefusedPort(), origin.Port, ScriptedOrigin.RefusedPort()));
        for (var i = 0; i < 4; i++)
        {
            await using var session = await Session.OpenAsync(edge, way, origin, domain);
            await session.GreetAsync();
            await session.Client.DisposeAsync();
        }
    }

    private static string Switching(params string[] fields)
        => $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{string.Join("\r\n", fields)}\r\n\r\n";

    private static async Task AcceptBrokenTlsAsync(ScriptedOrigin origin)
    {
        try
        {
            var wire = await origin.AcceptAsync();
            await wire.ExpectEndAsync();
        }
        catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The edge breaks TLS off, on either side of the handshake's end.
            _ = error;
        }
    }

    private async Task<ScriptedResponse> HandshakeAsync(DomainDocument document)
    {
        var edge = await SharedEdge.GetAsync();
        await edge.Admin.PutDomainAsync(document);
        var handshake = new Handshake(document.Name).With("Sec-WebSocket-Protocol", "chat, superchat");
        var (wire, answer) = await ScriptedClient.HandshakeAsync(edge, way, handshake);
        await wire.DisposeAsync();
        return answer;
    }

    /// <summary>A listening socket whose queue is full, so that a further connection is neither accepted nor refused.</summary>
    private sealed class FullBacklog : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _waiting = [];

        public FullBacklog()
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(1);
            for (var i = 0; i < 8; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                _waiting.Add(socket);
                if (!socket.ConnectAsync(_listener.LocalEndPoint!).Wait(TimeSpan.FromMilliseconds(200)))
                {
                    break;
                }
            }
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public void Dispose()
        {
            foreach (var socket in _waiting)
            {
                socket.Dispose();
            }

            _listener.Dispose();
        }
    }
}

public sealed class OriginRefusalsOverHttp1() : OriginRefusals(Way.Http1);

public sealed class OriginRefusalsOverTls() : OriginRefusals(Way.Tls);

public sealed class OriginRefusalsOverHttp2() : OriginRefusals(Way.Http2);
