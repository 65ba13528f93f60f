using System.Text;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Hostile;

/// <summary>Heads that are no HTTP, and shapes by which one request is smuggled behind another.</summary>
public sealed class MalformedRequests(HostileEdge edge) : IClassFixture<HostileEdge>
{
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n";

    /// <summary>What the HTTP parser itself refuses: the bare status.</summary>
    private static readonly Dictionary<string, (int Status, string Head)> Bare = new(StringComparer.Ordinal)
    {
        ["field without a colon"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nnonsense\r\n\r\n"),
        ["space before the colon"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Y : 1\r\n\r\n"),
        ["empty field name"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\n: 1\r\n\r\n"),
        ["NUL in a field value"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Y: a\0b\r\n\r\n"),
        ["bare CR in a field value"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Y: a\rb\r\n\r\n"),
        ["obsolete folding"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Y: a\r\n b\r\n\r\n"),
        ["obsolete folding with a tab"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Y: a\r\n\tb\r\n\r\n"),
        ["bare LF after the request line"] = (400, "GET / HTTP/1.1\nHost: {host}\r\n\r\n"),
        ["bare LF after a field"] = (400, "GET / HTTP/1.1\r\nHost: {host}\nX-Y: 1\r\n\r\n"),
        ["bare LF everywhere"] = (400, "GET / HTTP/1.1\nHost: {host}\n\n"),
        ["no Host"] = (400, "GET / HTTP/1.1\r\nX-Y: 1\r\n\r\n"),
        ["two Hosts"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nHost: other.test\r\n\r\n"),
        ["the same Host twice"] = (400, "GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n"),
        ["Host with a path"] = (400, "GET / HTTP/1.1\r\nHost: {host}/x\r\n\r\n"),
        ["Host with a blank"] = (400, "GET / HTTP/1.1\r\nHost: {host} x\r\n\r\n"),
        ["request line of one word"] = (400, "GET\r\nHost: {host}\r\n\r\n"),
        ["no version"] = (400, "GET /\r\nHost: {host}\r\n\r\n"),
        ["method with a blank character"] = (400, "G(T / HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        ["target not a path"] = (405, "GET chat HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        ["version 2.0"] = (505, "GET / HTTP/2.0\r\nHost: {host}\r\n\r\n"),
        ["version 9.9"] = (505, "GET / HTTP/9.9\r\nHost: {host}\r\n\r\n"),
        ["no HTTP"] = (400, "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\r\n\r\n"),
        ["head of 40 KiB"] = (431, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Big: {40960}\r\n\r\n"),
        ["thousands of fields"] = (431, "GET / HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n"),
        ["target of 40 KiB"] = (414, "GET /{40960} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        ["length not a number"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: five\r\n\r\nhello"),
        ["negative length"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: -5\r\n\r\nhello"),
        ["length too long"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999999999999999999\r\n\r\nhello"),
        ["two lengths"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        ["two lengths in one field"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5, 6\r\n\r\nhello!"),
        ["unknown transfer coding"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ["chunked not last"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ["Transfer-Encoding with a blank before the colon"] = (400, "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    };

    /// <summary>Two framings in one request. What hides behind may never become a request of its own at the origin.</summary>
    private static readonly Dictionary<string, string> Smuggling = new(StringComparer.Ordinal)
    {
        ["Content-Length and Transfer-Encoding"] =
            "POST /outer HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Smuggled,
        ["Transfer-Encoding and short Content-Length"] =
            "POST /outer HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2c\r\n" + Smuggled + "\r\n0\r\n\r\n",
        ["same length twice"] = "POST /outer HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        ["chunked twice"] = "POST /outer HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Smuggled,
        ["chunk size with a sign"] = "POST /outer HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + Smuggled,
        ["chunk size with 0x"] = "POST /outer HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + Smuggled,
        ["chunk size too long"] = "POST /outer HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000000\r\n\r\n" + Smuggled,
        ["chunk ends with a bare LF"] = "POST /outer HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n" + Smuggled,
        ["length with a sign"] = "POST /outer HTTP/1.1\r\nHost: {host}\r\nContent-Length: +5\r\n\r\nhello",
        ["control character in a field name"] =
            "POST /outer HTTP/1.1\r\nHost: {host}\r\nContent-Length\u0001: {length}\r\nContent-Length: 0\r\n\r\n",
        ["handshake with a length"] =
            "GET /outer HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: {length}\r\n\r\n" + Smuggled,
        ["refused handshake with a request behind"] =
            "GET /outer HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}\r\n" + Smuggled + "\r\n0\r\n\r\n",
    };

    public static TheoryData<string> BareNames => [.. Bare.Keys];

    public static TheoryData<string> SmugglingNames => [.. Smuggling.Keys];

    [Theory]
    [MemberData(nameof(BareNames))]
    public async Task MalformedHead_GetsTheBareStatusAndTheConnectionEnds(string name)
    {
        var (status, head) = Bare[name];
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start();
        await edge.Process.Admin.PutDomainAsync(new DomainDocument(domain, origin.Port));
        await using var wire = await StreamWire.ConnectAsync(edge.Process.Edge);
        try
        {
            await wire.SendAsync(Fill(head, domain));
        }
        catch (WireCutException)
        {
            // The edge may have answered and closed before the whole head was sent.
        }

        var answer = await wire.ReadResponseAsync();
        Assert.Equal(status, answer.Status);
        Assert.Null(answer.Headers["proxy-status"]);
        Assert.Empty(answer.Body);
        await wire.ExpectEndAsync();
    }

    [Theory]
    [MemberData(nameof(SmugglingNames))]
    public async Task TwoFramingsInOneRequest_NothingIsSmuggledToTheOrigin(string name)
    {
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start();
        await edge.Process.Admin.PutDomainAsync(new DomainDocument(domain, origin.Port));
        var requests = new List<string>();
        var serving = ServeAsync(origin, requests);
        await using var wire = await StreamWire.ConnectAsync(edge.Process.Edge);
        await wire.SendAsync(Fill(Smuggling[name], domain));
        var answer = await wire.ReadResponseAsync();
        Assert.Contains(answer.Status, (int[])[200, 400]);

        // Nothing of what hides behind is answered: the connection idles or ends.
        if (await wire.AnythingAsync(TimeSpan.FromSeconds(1)))
        {
            await wire.ExpectEndAsync();
        }

        await origin.DisposeAsync();
        await serving;
        Assert.All(requests, request =>
        {
            Assert.DoesNotContain("+5", request, StringComparison.Ordinal);
            Assert.DoesNotContain('\u0001', request);
            Assert.False(
                request.Contains("content-length:", StringComparison.OrdinalIgnoreCase) && request.Contains("transfer-encoding:", StringComparison.OrdinalIgnoreCase),
                $"both framings reached the origin: {request}");
            Assert.DoesNotContain("GET /smuggled", request, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task HeadOf30KiB_Passes()
    {
        await using var session = await Session.OpenAsync(
            Way.Http1, edge.Process, handshake: handshake => handshake.With("X-Big", new string('x', 30 * 1024)));
        Assert.Equal(30 * 1024, session.Request.Headers["x-big"]!.Length);
        await session.GreetAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TruncatedHeads_LeaveNothingBehind(bool reset)
    {
        var head = Encoding.Latin1.GetBytes(new Handshake(EdgeProcess.NewDomain()).ToHttp1());
        for (var length = 0; length < head.Length; length += 3)
        {
            await using var wire = await StreamWire.ConnectAsync(edge.Process.Edge);
            await wire.SendAsync(head[..length]);
            if (reset)
            {
                wire.Cut();
            }
            else
            {
                await wire.FinishAsync();
                await wire.ReadToEndAsync();
            }
        }

        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task RandomBytesOnEveryEndpoint_LeaveNothingBehind()
    {
        var random = new Random(11);
        foreach (var endPoint in (System.Net.IPEndPoint[])[edge.Process.Edge, edge.Process.EdgeTls])
        {
            for (var i = 0; i < 100; i++)
            {
                var noise = new byte[random.Next(1, 3000)];
                random.NextBytes(noise);
                await using var wire = await StreamWire.ConnectAsync(endPoint);
                try
                {
                    await wire.SendAsync(noise);
                    await wire.FinishAsync();
                }
                catch (Exception error) when (error is WireCutException or System.Net.Sockets.SocketException)
                {
                    // The edge has seen enough.
                }

                await wire.ReadToEndAsync();
            }
        }

        await edge.AssertRecoveredAsync();
    }

    private static async Task ServeAsync(ScriptedOrigin origin, List<string> requests)
    {
        try
        {
            while (true)
            {
                var wire = await origin.AcceptAsync(TimeSpan.FromSeconds(60));
                _ = AnswerAsync(wire, requests);
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or System.Net.Sockets.SocketException or WireException)
        {
            // The test is over.
        }
    }

    private static async Task AnswerAsync(StreamWire wire, List<string> requests)
    {
        try
        {
            while (true)
            {
                var request = new OriginRequest(await wire.ReadHeadAsync());
                lock (requests)
                {
                    requests.Add(request.Raw);
                }

                if (request.Headers["transfer-encoding"] is not null || request.Headers["content-length"] is not null)
                {
                    await wire.ReadBodyAsync(request.Headers);
                }

                await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        }
        catch (Exception error) when (error is WireException or WireCutException or FormatException)
        {
            // No further request.
        }
    }

    private static string Fill(string head, string domain)
    {
        var smuggled = Smuggled.Replace("{host}", domain, StringComparison.Ordinal);
        return head.Replace("{host}", domain, StringComparison.Ordinal)
            .Replace("{40960}", new string('a', 40960), StringComparison.Ordinal)
            .Replace("{length}", (smuggled.Length + 5).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{chunk}", smuggled.Length.ToString("x", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{fields}", string.Concat(Enumerable.Range(0, 3000).Select(i => $"X-{i}: {i}\r\n")), StringComparison.Ordinal);
    }
}
