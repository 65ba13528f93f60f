using System.Text;
using OrleansEdge.FunctionalTests.Refusals;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>Requests that are no WebSocket: the bytes of their bodies are billed, however they are framed, and nothing else.</summary>
public abstract class HttpUsage(Way way)
{
    private const string Kind = "http";
    private const int ClientBuffer = 64 * 1024;

    /// <summary>What the HTTP server and the forwarding hold of one answer between the origin and the kernel.</summary>
    private const long InProcess = 256 * 1024;

    /// <summary>One copy of the forwarding: it counts when the answer's stream has taken it, which the client may have had before.</summary>
    private const long Copy = 64 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>One exchange.</summary>
    /// <param name="Method">Method of the request.</param>
    /// <param name="Up">Bodies sent: one with a length, or pieces without.</param>
    /// <param name="Answer">The origin's answer as it goes over the wire.</param>
    /// <param name="Down">Bytes of its body.</param>
    private sealed record Row(string Method, byte[][]? Up, byte[] Answer, long Down)
    {
        public bool InPieces { get; init; }

        public long UpBytes => Up?.Sum(piece => (long)piece.Length) ?? 0;
    }

    private static readonly Row[] Rows =
    [
        new("GET", null, Answer("200 OK", "Content-Length: 70000\r\n", WsFrame.Pattern(70_000)), 70_000),
        new("POST", [WsFrame.Pattern(100_000)], Answer("200 OK", "Transfer-Encoding: chunked\r\n", "5\r\nfirst\r\n6;x=1\r\nsecond\r\n0\r\n\r\n"u8), 11),
        new("POST", [WsFrame.Pattern(10), WsFrame.Pattern(2000), [1]], Answer("204 No Content", "", []), 0) { InPieces = true },
        new("HEAD", null, Answer("200 OK", "Content-Length: 12345\r\n", []), 0),
        new("GET", null, Answer("304 Not Modified", "ETag: \"x\"\r\n", []), 0),
        new("GET", null, Answer("200 OK", "", WsFrame.Pattern(3333)), 3333),
        new("PUT", [[]], Answer("200 OK", "Content-Length: 0\r\n", []), 0),
        new("POST", [WsFrame.Pattern(50_000)], Answer("404 Not Found", "Content-Length: 9\r\n", "not there"u8), 9),
    ];

    [Fact]
    public async Task BodiesOfManyFramings_AreBilledByTheirLength()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        var expected = default(Tally);
        foreach (var row in Rows)
        {
            await PassAsync(domain, row);
            expected += new Tally(row.UpBytes, row.Down, 1, 1, 0, 0);
        }

        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, expected, MeteredEdge.Eventually, Kind);
        Assert.Equal([(domain.Name, Kind)], (await edge.Admin.UsageAsync(tenant)).Keys);
    }

    [Fact]
    public async Task AnswerOfTheOriginToAHandshake_IsBilledLikeAnyOther()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        Assert.Equal(403, (await domain.RefusedByOriginAsync("403 Forbidden", 300_000))?.Status);

        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, new(0, 300_000, 1, 1, 0, 0), MeteredEdge.Eventually, Kind);
        Assert.Equal([(domain.Name, Kind)], (await edge.Admin.UsageAsync(tenant)).Keys);
    }

    [Fact]
    public async Task AnswersOfTheEdge_AreNotBilled()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(
            edge, way, tenant, document => document.At("access.deniedAddresses", new System.Text.Json.Nodes.JsonArray("127.0.0.1")));
        await using (var denied = await HttpExchange.StartAsync(edge, way, domain.Name))
        {
            await denied.SendAsync("GET", "/");
            RefusalAnswer.AssertProblem(await denied.AnswerAsync(), 403, "address_denied", "http_request_denied");
        }

        await edge.Admin.PutDomainAsync(domain.Document.At("access.deniedAddresses", new System.Text.Json.Nodes.JsonArray()));
        await PassAsync(domain, Rows[0]);
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, new(0, Rows[0].Down, 1, 1, 0, 0), MeteredEdge.Eventually, Kind);
    }

    [Fact]
    public async Task OriginIsAway_TheEdgesAnswerIsNotBilled()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await edge.Admin.PutDomainAsync(Session.Document(way, domain.Name, ScriptedOrigin.RefusedPort()).At("tenant", tenant));
        await using (var refused = await HttpExchange.StartAsync(edge, way, domain.Name))
        {
            await refused.SendAsync("GET", "/");
            RefusalAnswer.AssertProblem(await refused.AnswerAsync(), 502, "origin_refused", "connection_refused");
        }

        await edge.Admin.PutDomainAsync(domain.Document);
        await PassAsync(domain, Rows[0]);
        var usage = await edge.Admin.WaitForUsageAsync(
            tenant, domain.Name, $"{Rows[0].Down} B down", tally => tally.BytesDown >= Rows[0].Down, MeteredEdge.Eventually, Kind);
        Assert.Equal((0L, Rows[0].Down, 1L), (usage.BytesUp, usage.BytesDown, usage.MessagesDown));
    }

    [Fact]
    public async Task SessionAndRequestsOfOneDomain_AreBilledApart()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await using var session = await domain.OpenAsync(new Random(1));
        await session.GreetAsync();
        await PassAsync(domain, Rows[0]);
        await session.CloseAsync();
        var billed = Tally.Of(await session.CloseLineAsync());
        Assert.Equal(session.Sent, billed with { Milliseconds = 0 });
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, billed, MeteredEdge.Eventually);
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, new(0, Rows[0].Down, 1, 1, 0, 0), MeteredEdge.Eventually, Kind);
    }

    [Fact]
    public async Task LongAnswerUnderWay_IsBilledWhileItComes()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await using var exchange = await HttpExchange.StartAsync(edge, way, domain.Name);
        await exchange.SendAsync("GET", "/events");
        var (origin, _) = await domain.Listener.AcceptRequestAsync();
        await origin.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        await origin.SendAsync(WsFrame.Pattern(1000));
        await exchange.HeadAsync();
        await exchange.Wire.ReadAsync(1000);
        await edge.Admin.WaitForUsageAsync(tenant, domain.Name, "1000 B down", tally => tally.BytesDown == 1000, MeteredEdge.Soon, Kind);
    }

    [Fact]
    public async Task ClientVanishesAmidADownload_BilledIsWithinItsBounds()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await using var exchange = await HttpExchange.StartAsync(edge, way, domain.Name, ClientBuffer);
        await exchange.SendAsync("GET", "/large");
        var (origin, _) = await domain.Listener.AcceptRequestAsync();
        await origin.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n");
        var sending = SendUntilCutAsync(origin);
        var head = await exchange.HeadAsync();
        await exchange.Wire.ReadAsync(Random.Shared.Next(50_000, 500_000), Patience);
        exchange.Wire.Cut();
        var got = exchange.Wire.Received - head;
        await sending;
        var most = got + (2 * ClientBuffer) + KernelQueues.MaxSendBuffer + InProcess;
        var usage = await edge.Admin.WaitForUsageAsync(
            tenant, domain.Name, $"a request and {got - Copy} B down", tally => tally.MessagesUp > 0 && tally.BytesDown >= got - Copy, MeteredEdge.Eventually, Kind);
        Assert.True(usage.BytesDown <= most, $"the client got {got} B, so at most {most} B went down; billed is {usage}");
        Assert.Equal((0L, 1L), (usage.BytesUp, usage.MessagesUp));
    }

    [Fact]
    public async Task ClientVanishesAmidAnUpload_BilledIsWithinItsBounds()
    {
        var (edge, tenant) = await TenantAsync();
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await using var exchange = await HttpExchange.StartAsync(edge, way, domain.Name);
        await exchange.SendHeadAsync("POST", "/large", 500_000_000);
        var sending = SendUntilCutAsync(exchange.Wire);
        var (origin, request) = await domain.Listener.AcceptRequestAsync();
        await origin.ReadAsync(Random.Shared.Next(50_000, 500_000), Patience);
        exchange.Wire.Cut();
        await origin.ReadToEndAsync();
        var got = origin.Received - request.Raw.Length;
        var usage = await edge.Admin.WaitForUsageAsync(tenant, domain.Name, $"{got} B up", tally => tally.BytesUp >= got, MeteredEdge.Eventually, Kind);
        await exchange.DisposeAsync();
        Assert.True(usage.BytesUp <= await sending, $"{await sending} B were sent, billed is {usage}");
        Assert.Equal(1, usage.MessagesUp);
    }

    private static byte[] Answer(string status, string fields, ReadOnlySpan<byte> body)
        => [.. Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nConnection: close\r\n{fields}\r\n"), .. body];

    private static async Task<(EdgeProcess Edge, string Tenant)> TenantAsync()
    {
        var edge = await MeteredEdge.GetAsync();
        return (edge, await MeteredEdge.NewTenantAsync(edge));
    }

    /// <summary>Bytes that were handed to a connection until it was cut.</summary>
    private static async Task<long> SendUntilCutAsync(Wire wire)
    {
        var block = WsFrame.Pattern(50_000);
        for (var sent = 0L; ; sent += block.Length)
        {
            try
            {
                await wire.SendAsync(block);
            }
            catch (Exception end) when (end is WireCutException or ObjectDisposedException or InvalidOperationException)
            {
                return sent + block.Length;
            }
        }
    }

    private async Task PassAsync(MeteredDomain domain, Row row)
    {
        await using var exchange = await HttpExchange.StartAsync(domain.Edge, way, domain.Name);
        await (row.InPieces ? exchange.SendPiecesAsync(row.Method, "/", row.Up!) : exchange.SendAsync(row.Method, "/", row.Up?[0]));
        var (origin, request) = await domain.Listener.AcceptRequestAsync();
        if (request.Headers["content-length"] is not null || request.Headers["transfer-encoding"] is not null)
        {
            Assert.Equal(row.UpBytes, (await origin.ReadBodyAsync(request.Headers)).Length);
        }

        await origin.SendAsync(row.Answer);
        await origin.FinishAsync();
        Assert.Equal(row.Down, (await exchange.AnswerAsync(bodyless: row.Method == "HEAD")).Body.Length);
    }
}

public sealed class HttpUsageOverHttp1() : HttpUsage(Way.Http1);

public sealed class HttpUsageOverTls() : HttpUsage(Way.Tls);

public sealed class HttpUsageOverHttp2() : HttpUsage(Way.Http2);
