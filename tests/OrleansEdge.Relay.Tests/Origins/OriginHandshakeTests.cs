using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Tests.Metering;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

public sealed class OriginHandshakeTests
{
    private const string Good = $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Given.Accept}\r\n";

    private readonly ManualTimeProvider _time = new();

    public static TheoryData<string> InvalidAnswers =>
    [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/2 101\r\n\r\n",
        "HTTP/1.1 1O1 x\r\n\r\n",
        "HTTP/1.1  101 x\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n",
        "\r\nHTTP/1.1 101 x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n",
        Good.Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal) + "\r\n",
        Good.Replace("Upgrade: websocket\r\n", "", StringComparison.Ordinal) + "\r\n",
        Good.Replace("Upgrade: websocket", "Upgrade: websocket2", StringComparison.Ordinal) + "\r\n",
        Good.Replace("Connection: Upgrade", "Connection: keep-alive", StringComparison.Ordinal) + "\r\n",
        Good.Replace(Given.Accept, "x", StringComparison.Ordinal) + "\r\n",
        Good.Replace(Given.Accept, Given.Accept.ToUpperInvariant(), StringComparison.Ordinal) + "\r\n",
        Good.Replace($"Sec-WebSocket-Accept: {Given.Accept}\r\n", "", StringComparison.Ordinal) + "\r\n",
        Good + $"Sec-WebSocket-Accept: {Given.Accept}\r\n\r\n",
        Good + "Sec-WebSocket-Protocol: other\r\n\r\n",
        Good + "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n",
        Good + "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat\r\n\r\n",
        Good + "Sec-WebSocket-Protocol:\r\n\r\n",
        Good + "Sec-WebSocket-Extensions: x-unheard-of\r\n\r\n",
        Good + "Sec-WebSocket-Extensions: permessage-deflate, x-unheard-of; a=\"b\"\r\n\r\n",
        Good + "Sec-WebSocket-Extensions:\r\n\r\n",
        Good + "Folded: a\r\n b\r\n\r\n",
        Good + " Early: a\r\n\r\n",
        Good + "Space : a\r\n\r\n",
        Good + "NoColon\r\n\r\n",
        Good + ": empty\r\n\r\n",
        Good + "Bad\u00E9: a\r\n\r\n",
        Good + "A: b\0c\r\n\r\n",
        Good + "A: b\rc\r\n\r\n",
        Good + "A: b\n\r\n",
        Good + "\n",
        Good + "Long: " + new string('x', 33 * 1024) + "\r\n\r\n",
        string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 17)) + Good + "\r\n",
        "HTTP/1.1 404 No\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 404 No\r\nContent-Length: 1, 1\r\n\r\nx",
        "HTTP/1.1 404 No\r\nContent-Length: +1\r\n\r\nx",
        "HTTP/1.1 404 No\r\nContent-Length: 99999999999999999999\r\n\r\nx",
        "HTTP/1.1 404 No\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 404 No\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 404 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ];

    public static TheoryData<string, string> Answers => new()
    {
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello", "404 Not Found|Content-Length=5,X-A=1|True|hello" },
        { "HTTP/1.1 403\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\nx-a: 2\r\n\r\n3\r\nhel\r\n02;ext=\"1\"\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", "403 |X-A=1,x-a=2|True|hello" },
        { "HTTP/1.0 500 Oh\r\nServer: old\r\n\r\nhello", "500 Oh|Server=old|True|hello" },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"1\"\r\n\r\n", "304 Not Modified|Content-Length=5,ETag=\"1\"|True|" },
        { "HTTP/1.1 302 Found\r\nLocation: /x\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: y\r\nUpgrade: z\r\nContent-Length: 0\r\n\r\n", "302 Found|Location=/x,Content-Length=0|True|" },
        { "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nhel", "404 No|Content-Length=5|False|hel" },
        { "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", "404 No||False|hel" },
        { "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhelX\r\n0\r\n\r\n", "404 No||False|hel" },
        { "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nhel\r\n0\r\n\r\n", "404 No||False|" },
        { "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\nhel\n0\n\n", "404 No||False|" },
        { "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhel", "404 No||False|" },
        { "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhel", "404 No||False|" },
    };

    [Fact]
    public async Task GoodAnswer_UpgradesAtEverySplitPoint()
    {
        const string answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + Good
            + "Sec-WebSocket-Protocol: superchat\r\nSec-WebSocket-Extensions: permessage-deflate; a=\"x,y\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
            + "Keep-Alive: 1\r\nContent-Length: 0\r\nX-Hop: 1\r\nConnection: X-Hop, Sec-WebSocket-Protocol\r\nX-Empty:\r\n\r\nfirst";
        var bytes = Encoding.Latin1.GetBytes(answer);
        for (var split = 1; split <= bytes.Length; split++)
        {
            var result = await PerformAsync(new SplitStream(bytes, split));
            Assert.Null(result.Refusal);
            Assert.Null(result.Answer);
            Assert.Equal("superchat", result.Subprotocol);
            Assert.Equal("permessage-deflate; a=\"x,y\"", result.Extensions);
            Assert.Equal(
                "Sec-WebSocket-Protocol=superchat|Sec-WebSocket-Extensions=permessage-deflate; a=\"x,y\"|Set-Cookie=a=1|Set-Cookie=b=2|X-Empty=",
                string.Join('|', result.ResponseHeaders.Select(field => $"{field.Key}={field.Value}")));
            var head = Encoding.Latin1.GetBytes("\r\n\r\nfirst");
            var headEnd = bytes.Length - head.Length + 4;
            Assert.Equal(split < headEnd ? "first" : answer[headEnd..Math.Max(split, headEnd)], Encoding.ASCII.GetString(result.Leftover.Span));
        }
    }

    [Theory]
    [MemberData(nameof(InvalidAnswers))]
    public async Task InvalidAnswer_IsRefusedAtEverySplitPoint(string answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var bytes = Encoding.Latin1.GetBytes(answer);
        foreach (var split in Splits(bytes.Length))
        {
            var result = await PerformAsync(new SplitStream(bytes, split));
            Assert.True(result.Refusal == Refusal.OriginHandshakeInvalid, $"split at {split}: {result.Refusal?.Code} {result.Detail}");
            Assert.NotEmpty(result.Detail);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 101 Switch")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    public async Task OriginEndsBeforeItsAnswer_IsRefused(string answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var result = await PerformAsync(new SplitStream(Encoding.Latin1.GetBytes(answer), 1));
        Assert.Same(Refusal.OriginHandshakeInvalid, result.Refusal);
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task OtherAnswer_IsPassedOnAtEverySplitPoint(string answer, string expected)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var bytes = Encoding.Latin1.GetBytes(answer);
        for (var split = 1; split <= bytes.Length; split++)
        {
            var result = await PerformAsync(new SplitStream(bytes, split));
            Assert.Null(result.Refusal);
            using var passed = result.Answer!;
            using var body = new MemoryStream();
            var isWhole = await passed.CopyBodyAsync(body, CancellationToken.None);
            var fields = string.Join(',', passed.Headers.Select(field => $"{field.Key}={field.Value}"));
            Assert.Equal(expected, $"{passed.Status} {passed.ReasonPhrase}|{fields}|{isWhole}|{Encoding.ASCII.GetString(body.ToArray())}");
        }
    }

    [Fact]
    public async Task ErrorOfTheOrigin_IsWrittenToTheClient()
    {
        using var answer = (await PerformAsync(new SplitStream("HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nnope"u8.ToArray(), 70))).Answer!;
        var context = new DefaultHttpContext();
        using var body = new MemoryStream();
        context.Response.Body = body;
        using var spool = new TestSpool();
        var meter = spool.Spool.MeterOf("acme", "chat.example.com", UsageKind.Http);
        await answer.WriteAsync(context, new HttpMeter(context, meter), CancellationToken.None, CancellationToken.None);
        Assert.Equal(401, context.Response.StatusCode);
        Assert.Equal("OrleansEdge; received-status=401", context.Response.Headers["Proxy-Status"]);
        Assert.Equal("Basic", context.Response.Headers.WWWAuthenticate);
        Assert.Equal("nope", Encoding.ASCII.GetString(body.ToArray()));
        Assert.Equal(new UsageCounts { MessagesUp = 1, MessagesDown = 1, OriginBytesDown = 4, BytesDown = 4 }, TestSpool.SumFiles(spool.Folder)[meter.Account]);
    }

    [Fact]
    public async Task NoAnswer_IsOriginResponseTimeoutAndTheOriginIsTriedLast()
    {
        using var origin = new ScriptedOrigin();
        var connector = Given.Connector(_time);
        var domain = Given.Domain(Given.Origin(origin.Port, weight: 1000), Given.Origin(9));
        using var connection = (await connector.ConnectAsync(domain, false, "chat.example.com", CancellationToken.None)).Connection!;
        var performing = OriginHandshake.PerformAsync(
            connection, Given.Handshake(), Given.Request(), Given.Forwarded, _time, TimeSpan.FromSeconds(10), CancellationToken.None);
        using var peer = await origin.AcceptAsync();
        await peer.ReadHeadAsync();
        await peer.SendAsync("HTTP/1.1 101 Swit");
        _time.Advance(TimeSpan.FromSeconds(9.999));
        Assert.False(performing.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Same(Refusal.OriginResponseTimeout, (await performing).Refusal);
        Assert.Equal(9, connector.Order(domain, false, "h")[0].Port);
    }

    [Fact]
    public async Task BodySilent_IsNotWhole()
    {
        using var origin = new ScriptedOrigin();
        using var connection = (await Given.Connector().ConnectAsync(Given.Domain(Given.Origin(origin.Port)), false, "h", CancellationToken.None)).Connection!;
        var performing = OriginHandshake.PerformAsync(
            connection, Given.Handshake(), Given.Request(), Given.Forwarded, _time, TimeSpan.FromSeconds(10), CancellationToken.None);
        var (peer, _) = await origin.AnswerAsync("HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nhel");
        using var answer = (await performing).Answer!;
        using var body = new MemoryStream();
        var copying = answer.CopyBodyAsync(body, CancellationToken.None);
        await _time.WhenArmedAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(await copying);
        peer.Dispose();
    }

    [Fact]
    public async Task OriginResets_IsRefused()
    {
        using var origin = new ScriptedOrigin();
        using var connection = (await Given.Connector().ConnectAsync(Given.Domain(Given.Origin(origin.Port)), false, "h", CancellationToken.None)).Connection!;
        var performing = OriginHandshake.PerformAsync(
            connection, Given.Handshake(), Given.Request(), Given.Forwarded, TimeProvider.System, TimeSpan.FromSeconds(20), CancellationToken.None);
        using var peer = await origin.AcceptAsync();
        await peer.ReadHeadAsync();
        peer.Reset();
        Assert.Same(Refusal.OriginHandshakeInvalid, (await performing).Refusal);
    }

    [Fact]
    public async Task ClientLeaves_IsCancelled()
    {
        using var origin = new ScriptedOrigin();
        using var client = new CancellationTokenSource();
        using var connection = (await Given.Connector().ConnectAsync(Given.Domain(Given.Origin(origin.Port)), false, "h", CancellationToken.None)).Connection!;
        var performing = OriginHandshake.PerformAsync(
            connection, Given.Handshake(), Given.Request(), Given.Forwarded, TimeProvider.System, TimeSpan.FromSeconds(20), client.Token);
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => performing);
    }

    private static IEnumerable<int> Splits(int length)
        => length < 2048 ? Enumerable.Range(1, length) : [1, 2, 100, 4095, 4096, 4097, 8192, 32767, 32768, 32769, length];

    private static Task<OriginHandshakeResult> PerformAsync(SplitStream stream)
    {
        var target = new OriginTarget(Given.Origin(80), "127.0.0.1", 80, null, true);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var connection = new OriginConnection(target, socket, new IPEndPoint(IPAddress.Loopback, 80), stream, new OriginHealth(TimeProvider.System));
        socket.Dispose();
        return OriginHandshake.PerformAsync(
            connection, Given.Handshake(), Given.Request(), Given.Forwarded, TimeProvider.System, TimeSpan.FromSeconds(20), CancellationToken.None);
    }

    /// <summary>Gives its bytes in two reads, then ends.</summary>
    private sealed class SplitStream(byte[] bytes, int split) : MemoryStream
    {
        private int _read;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var end = _read < split ? Math.Min(split, bytes.Length) : bytes.Length;
            var count = Math.Min(buffer.Length, end - _read);
            bytes.AsSpan(_read, count).CopyTo(buffer.Span);
            _read += count;
            return ValueTask.FromResult(count);
        }
    }
}
