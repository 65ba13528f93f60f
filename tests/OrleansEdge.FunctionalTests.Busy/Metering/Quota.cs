using System.Diagnostics;
using System.Net;
using OrleansEdge.FunctionalTests.Refusals;
using OrleansEdge.FunctionalTests.Scripted;
using Xunit.Abstractions;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>Tenants without pay-as-you-go: what no plan pays for does not pass.</summary>
public abstract class Quota(Way way, ITestOutputHelper output)
{
    private const long PlanBytes = 8_000_000;
    private const string Reason = "quota exhausted";

    [Fact]
    public async Task PlanIsUsedUp_OpenSessionsEndAndNewOnesAreRefusedUntilAnotherIsBought()
    {
        var edge = await MeteredEdge.GetAsync();
        await using var webhook = new WebhookListener();
        var tenant = MeteredEdge.NewTenant();
        await edge.Admin.PutTenantAsync(tenant, payAsYouGo: false, thresholds: [50, 100], webhook: webhook.Url);
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await using var neighbours = await MeteredDomain.CreateAsync(edge, way, await MeteredEdge.NewTenantAsync(edge));
        await using var neighbour = await neighbours.OpenAsync(new Random(1));
        await neighbour.GreetAsync();
        await AssertRefusedAsync(domain);

        var plan = await edge.Admin.BuyPlanAsync(tenant, "websocket", PlanBytes);
        await using (var session = await OpenAsync(domain))
        {
            await UseUpAsync(session);
            var line = await session.CloseLineAsync();
            Assert.Equal("quota_exhausted 1008 1001", $"{line.Text("cause")} {line.Text("clientCode")} {line.Text("originCode")}");
            var billed = await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, Tally.Of(line), MeteredEdge.Eventually);
            output.WriteLine($"{way}: {billed.BytesUp + billed.BytesDown - PlanBytes} B over the plan of {PlanBytes} B");
        }

        await AssertRefusedAsync(domain);
        await neighbour.GreetAsync();
        var shown = Assert.Single((await edge.Admin.GetAsync($"/api/v1/tenants/{tenant}/plans")).GetProperty("items").EnumerateArray());
        Assert.Equal($"{plan.GetProperty("id")} {PlanBytes}", $"{shown.GetProperty("id")} {shown.GetProperty("usedBytes")}");
        await AssertToldAsync(webhook, edge, tenant);

        await edge.Admin.BuyPlanAsync(tenant, "websocket", 1_000_000_000);
        await using var again = await OpenAsync(domain);
        await again.GreetAsync();
        await again.CloseAsync();
        await neighbour.CloseAsync();
    }

    [Fact]
    public async Task PlanOfOneKindIsUsedUp_TheOtherKindPasses()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = MeteredEdge.NewTenant();
        await edge.Admin.PutTenantAsync(tenant, payAsYouGo: false);
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await edge.Admin.BuyPlanAsync(tenant, "websocket", PlanBytes);
        await using var session = await OpenAsync(domain);
        await session.GreetAsync();
        RefusalAnswer.AssertProblem(await RequestAsync(domain), 429, "quota_exhausted", "http_request_denied");

        await edge.Admin.BuyPlanAsync(tenant, "http", 1000);
        Assert.Equal(200, (await AnsweredAsync(domain, 5000)).Status);
        var deadline = new Deadline(MeteredEdge.Eventually);
        var refusal = await RequestAsync(domain);
        while (refusal.Status != 429)
        {
            Assert.True(deadline.Left > TimeSpan.Zero, $"expected 429{deadline}, got {refusal}");
            await Task.Delay(25);
            refusal = await RequestAsync(domain);
        }

        RefusalAnswer.AssertProblem(refusal, 429, "quota_exhausted", "http_request_denied");
        await session.GreetAsync();
        await session.CloseAsync();
    }

    [Fact]
    public async Task PlanIsUsedUpByAnAnswerUnderWay_TheAnswerIsCut_AndOneThatHasNotBegunIsRefused()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = MeteredEdge.NewTenant();
        await edge.Admin.PutTenantAsync(tenant, payAsYouGo: false);
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await edge.Admin.BuyPlanAsync(tenant, "http", PlanBytes);
        await using var waiting = await HttpExchange.StartAsync(edge, way, domain.Name);
        await waiting.SendAsync("GET", "/slow");
        await using var slow = (await domain.Listener.AcceptRequestAsync()).Wire;
        await using var exchange = await HttpExchange.StartAsync(edge, way, domain.Name);
        await exchange.SendAsync("GET", "/endless");
        await using var origin = (await domain.Listener.AcceptRequestAsync()).Wire;
        await origin.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        await exchange.HeadAsync();
        var block = WsFrame.Pattern(50_000);
        for (var sent = 0; sent < PlanBytes; sent += block.Length)
        {
            await origin.SendAsync(block);
            await exchange.Wire.ReadAsync(block.Length);
        }

        // Nothing comes any more: it is the edge that ends both.
        await exchange.Wire.ExpectEndAsync();
        RefusalAnswer.AssertProblem(await waiting.AnswerAsync(), 429, "quota_exhausted", "http_request_denied");
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, new(0, PlanBytes, 2, 1, 0, 0), MeteredEdge.Eventually, "http");
    }

    [Fact]
    public async Task HttpIsUsedUp_AnswersOfOriginsToHandshakesStillPass_ButNotLongOnes()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = MeteredEdge.NewTenant();
        await edge.Admin.PutTenantAsync(tenant, payAsYouGo: false);
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await edge.Admin.BuyPlanAsync(tenant, "websocket", PlanBytes);
        Assert.Equal(401, (await domain.RefusedByOriginAsync("401 Unauthorized", 5000))?.Status);

        Assert.Null(await domain.RefusedByOriginAsync("404 Not Found", 1_000_000));
    }

    /// <summary>Opens a session as soon as it is let in, which has to be at once.</summary>
    private static async Task<MeteredSession> OpenAsync(MeteredDomain domain)
    {
        var deadline = new Deadline(TimeSpan.FromSeconds(1) + Metronome.Lateness);
        while (true)
        {
            try
            {
                return await domain.OpenAsync(new Random(1));
            }
            catch (WireException) when (deadline.Left > TimeSpan.Zero)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>Sends more than the plan has, and sees both sides ended for it in time.</summary>
    private static async Task UseUpAsync(MeteredSession session)
    {
        session.Client.CloseIsTheEdges = true;
        session.Origin.CloseIsTheEdges = true;
        // Small frames: the edge waits two seconds for the end of the one under way, which a slow machine may need for a big one.
        _ = session.Origin.FloodAsync(new(new(2), null) { Controls = false, MostBytes = 16 * 1024 });
        await session.Client.GotAsync(PlanBytes, TimeSpan.FromSeconds(30));
        var usedUp = Stopwatch.GetTimestamp();
        var toOrigin = await session.Origin.ClosedAsync();
        var took = Stopwatch.GetElapsedTime(usedUp);

        // The client's stands behind what the sockets' buffers hold.
        var toClient = await session.Client.ClosedAsync();
        Assert.Equal($"1008 {Reason}, 1001 {Reason}", $"{toClient.CloseCode} {toClient.CloseReason}, {toOrigin.CloseCode} {toOrigin.CloseReason}");
        Assert.True(took < MeteredEdge.Soon, $"the session was ended {took.TotalSeconds} s after the plan was used up");
        await session.Client.AnswerEdgeAsync();
        await session.Origin.SendUnbilledAsync(WsFrame.Close(1001));
        await session.DisposeAsync();
    }

    private async Task AssertRefusedAsync(MeteredDomain domain)
    {
        var (wire, answer) = await ScriptedClient.HandshakeAsync(domain.Edge, way, new Handshake(domain.Name));
        await wire.DisposeAsync();
        RefusalAnswer.AssertProblem(answer, 429, "quota_exhausted", "http_request_denied");
    }

    private static async Task AssertToldAsync(WebhookListener webhook, EdgeProcess edge, string tenant)
    {
        var told = await edge.Admin.GetAsync($"/api/v1/tenants/{tenant}/webhook");
        Assert.Equal(webhook.Url, told.GetProperty("url").GetString());
        var thresholds = new List<int>();
        foreach (var what in (string[])["the first threshold", "the second threshold"])
        {
            var call = await webhook.NextAsync(what);
            call.AssertSignedBy(told.GetProperty("secret").GetString()!);
            Assert.Equal(tenant, call.Event.GetProperty("tenant").GetString());
            Assert.Equal("websocket", call.Event.GetProperty("kind").GetString());
            Assert.Equal(PlanBytes, call.Event.GetProperty("prepaidBytes").GetInt64());
            Assert.True(call.Event.GetProperty("usedBytes").GetInt64() >= PlanBytes / 2, $"{call.Event}");
            thresholds.Add(call.Event.GetProperty("threshold").GetInt32());
        }

        Assert.Equal([50, 100], thresholds.Order());
    }

    private async Task<ScriptedResponse> RequestAsync(MeteredDomain domain)
    {
        await using var exchange = await HttpExchange.StartAsync(domain.Edge, way, domain.Name);
        await exchange.SendAsync("GET", "/");
        var accepting = domain.Listener.AcceptRequestAsync(exchange.Over);
        _ = AnswerAsync(accepting, 10);
        return await exchange.AnswerAsync();
    }

    private async Task<ScriptedResponse> AnsweredAsync(MeteredDomain domain, int bytes)
    {
        await using var exchange = await HttpExchange.StartAsync(domain.Edge, way, domain.Name);
        await exchange.SendAsync("GET", "/");
        var answering = AnswerAsync(domain.Listener.AcceptRequestAsync(exchange.Over), bytes);
        var answer = await exchange.AnswerAsync();
        await answering;
        return answer;
    }

    private static async Task AnswerAsync(Task<(StreamWire Wire, OriginRequest Request)> accepting, int bytes)
    {
        try
        {
            var (origin, _) = await accepting;
            await origin.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n");
            await origin.SendAsync(WsFrame.Pattern(bytes));
            await origin.FinishAsync();
        }
        catch (WireException)
        {
            // The edge refused; nobody came.
        }
    }
}

public sealed class QuotaOverHttp1(ITestOutputHelper output) : Quota(Way.Http1, output);

public sealed class QuotaOverTls(ITestOutputHelper output) : Quota(Way.Tls, output);

public sealed class QuotaOverHttp2(ITestOutputHelper output) : Quota(Way.Http2, output);

/// <summary>Plans as the API takes them.</summary>
public sealed class Plans
{
    [Fact]
    public async Task PlanIsOrderedAgainWithItsKey_IsTheFirstOne()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = await MeteredEdge.NewTenantAsync(edge);
        var plan = BillingApi.Plan("websocket", 1000);
        var first = await edge.Admin.OrderPlanAsync(tenant, plan, "order-1");
        Assert.Equal(HttpStatusCode.Created, first.Status);
        Assert.Equal(first, await edge.Admin.OrderPlanAsync(tenant, plan, "order-1"));
        Assert.Equal(HttpStatusCode.Conflict, (await edge.Admin.OrderPlanAsync(tenant, BillingApi.Plan("http", 1000), "order-1")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await edge.Admin.OrderPlanAsync(tenant, plan, null)).Status);
        Assert.Single((await edge.Admin.GetAsync($"/api/v1/tenants/{tenant}/plans")).GetProperty("items").EnumerateArray());
    }
}
