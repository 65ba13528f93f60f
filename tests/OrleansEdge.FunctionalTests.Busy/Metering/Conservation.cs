using OrleansEdge.FunctionalTests.Scripted;
using Xunit.Abstractions;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>Sessions that end in order: what is billed is what the peers counted, to the byte, whoever ends them and how.</summary>
public sealed class Conservation(ITestOutputHelper output)
{
    /// <summary>How long a session of the quiet domain may be idle, and after which silence the edge pings it.</summary>
    private const int IdleSeconds = 5;
    private const int PingSeconds = 2;

    /// <summary>Ends a session whose peers are playing their scripts.</summary>
    private delegate Task End(MeteredSession session, Task up, Task down);

    private static readonly End[] Ends =
        [ClientClosesAsync, OriginClosesAsync, OperatorEndsAsync, ClientFinishesAsync, ClientSendsTooMuchAsync, OriginBreaksTheProtocolAsync];

    [Fact]
    public async Task RandomTrafficOfManySessions_IsBilledToTheByte()
    {
        var seed = MeteredEdge.NewSeed();
        output.WriteLine($"seed {seed}");
        var edge = await MeteredEdge.GetAsync();
        var tenants = new[] { await MeteredEdge.NewTenantAsync(edge), await MeteredEdge.NewTenantAsync(edge) };
        var domains = new List<MeteredDomain>();
        foreach (var tenant in tenants)
        {
            foreach (var way in Enum.GetValues<Way>())
            {
                domains.Add(await MeteredDomain.CreateAsync(edge, way, tenant, document => document.Set("maxMessageBytes", TrafficScript.MaxMessage)));
            }

            domains.Add(await MeteredDomain.CreateAsync(edge, Way.Http1, tenant, Quiet));
        }

        var passed = await Task.WhenAll(domains.Select((domain, i) => RunAsync(domain, seed + (100 * i))));
        foreach (var tenant in tenants)
        {
            var all = default(Tally);
            foreach (var (domain, expected) in domains.Zip(passed).Where(pair => pair.First.Tenant == tenant))
            {
                output.WriteLine($"{domain.Name} {domain.Way}: {expected}");
                await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, expected, MeteredEdge.Eventually);
                all += expected;
            }

            Assert.Equal(all, (await edge.Admin.UsageAsync(tenant)).Values.Aggregate((a, b) => a + b));
        }

        foreach (var domain in domains)
        {
            await domain.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task SocketIsOpen_WhatItPassedIsOnTheBillWithinOneReportIntervalAndASecond(Way way)
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = await MeteredEdge.NewTenantAsync(edge);
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        await using var session = await domain.OpenAsync(new Random(1));
        for (var round = 0; round < 3; round++)
        {
            await session.GreetAsync();
            var passed = session.Sent;
            await edge.Admin.WaitForUsageAsync(tenant, domain.Name, $"{passed} and some time", usage => usage with { Milliseconds = 0 } == passed, MeteredEdge.Soon);
        }

        // Time is billed while it passes, not at the end; that of an idle session only now and then.
        var sofar = await edge.Admin.UsageAsync(tenant, domain.Name);
        await session.GreetAsync();
        await edge.Admin.WaitForUsageAsync(
            tenant, domain.Name, $"more time than {sofar.Milliseconds} ms", usage => usage.Milliseconds > sofar.Milliseconds, MeteredEdge.Eventually);
        await session.CloseAsync();
        var end = Tally.Of(await session.CloseLineAsync());
        Assert.Equal(session.Sent, end with { Milliseconds = 0 });
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, end, MeteredEdge.Eventually);
    }

    [Fact]
    public async Task MessageThatNeverBecomesWhole_ItsBytesAreBilledAndItIsNoMessage()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = await MeteredEdge.NewTenantAsync(edge);
        await using var domain = await MeteredDomain.CreateAsync(edge, Way.Http1, tenant);
        await using var session = await domain.OpenAsync(new Random(1));
        await session.Client.PlayAsync([new(WsFrame.Build(WsFrame.TextOpcode, "half"u8, WsFrame.ClientKey, fin: false), false)]);
        await session.Origin.PlayAsync([new(WsFrame.Build(WsFrame.BinaryOpcode, "half"u8, fin: false), false)]);
        await session.QuietAsync();
        await session.CloseAsync();
        var expected = Tally.Of(await session.CloseLineAsync());
        Assert.Equal(new(10 + 11, 6 + 7, 0, 0, 1, 0), expected with { Milliseconds = 0 });
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, expected, MeteredEdge.Eventually);
    }

    private static void Quiet(DomainDocument document) => document.Set("timeoutSeconds", IdleSeconds).Set("pingSeconds", PingSeconds);

    /// <summary>Some sessions of a domain, a few at a time; the sum of what they passed.</summary>
    private static async Task<Tally> RunAsync(MeteredDomain domain, int seed)
    {
        var isQuiet = domain.Document.Json["webSocket"]!["pingSeconds"] is not null;
        using var atOnce = new SemaphoreSlim(3);
        var sessions = Enumerable.Range(0, isQuiet ? 3 : Ends.Length).Select(async i =>
        {
            await atOnce.WaitAsync();
            try
            {
                return await RunAsync(domain, new Random(seed + i), isQuiet ? IdleAsync : Ends[i]);
            }
            finally
            {
                atOnce.Release();
            }
        });
        return (await Task.WhenAll(sessions)).Aggregate((a, b) => a + b);
    }

    private static async Task<Tally> RunAsync(MeteredDomain domain, Random random, End endAsync)
    {
        var deflate = random.Next(2) == 0;
        var isQuiet = endAsync == IdleAsync;
        await using var session = await domain.OpenAsync(random, deflate, edgePings: isQuiet);
        var up = new TrafficScript(new(random.Next()), WsFrame.ClientKey) { Deflate = deflate, Controls = !isQuiet };
        var down = new TrafficScript(new(random.Next()), null) { Deflate = deflate, Controls = !isQuiet };
        await endAsync(
            session,
            session.Client.PlayAsync(up.Messages(random.Next(5, 40), TrafficScript.MaxMessage, 0)),
            session.Origin.PlayAsync(down.Messages(random.Next(5, 40), 0, TrafficScript.MaxMessage)));
        await Task.WhenAll(session.Client.EndedAsync(), session.Origin.EndedAsync());
        session.Client.AssertAllCameTo(session.Origin);
        session.Origin.AssertAllCameTo(session.Client);
        await session.DisposeAsync();
        var line = Tally.Of(await session.CloseLineAsync());
        Assert.Equal(session.Sent, line with { Milliseconds = 0 });
        return line;
    }

    // The origin answers when it has said all that it had to say; what the client sends after its Close is nobody's.
    private static async Task ClientClosesAsync(MeteredSession session, Task up, Task down)
    {
        await up;
        await session.Client.CloseAsync(1000);
        await session.Client.SendUnbilledAsync(WsFrame.Text("too late", WsFrame.ClientKey));
        await down;
        await session.Origin.ClosedAsync();
        await session.Origin.CloseAsync(1000);
    }

    private static async Task OriginClosesAsync(MeteredSession session, Task up, Task down)
    {
        await down;
        await session.Origin.CloseAsync(4000);
        await session.Origin.SendUnbilledAsync(WsFrame.Text("too late"));
        await up;
        await session.Client.ClosedAsync();
        await session.Client.CloseAsync(4000);
    }

    private static async Task OperatorEndsAsync(MeteredSession session, Task up, Task down)
    {
        await QuietAsync(session, up, down);
        await session.Domain.Edge.Admin.EndSessionAsync(await session.IdAsync());
        await Task.WhenAll(session.Client.AnswerEdgeAsync(), session.Origin.AnswerEdgeAsync());
    }

    private static async Task ClientFinishesAsync(MeteredSession session, Task up, Task down)
    {
        await QuietAsync(session, up, down);
        await session.Client.Wire.FinishAsync();
        await session.Origin.AnswerEdgeAsync();
    }

    // Its first fragment has passed and is billed; the frame that makes it too big is refused whole.
    private static async Task ClientSendsTooMuchAsync(MeteredSession session, Task up, Task down)
    {
        await up;
        await session.Client.PlayAsync([new(WsFrame.Build(WsFrame.BinaryOpcode, new byte[1000], WsFrame.ClientKey, fin: false), false)]);
        await QuietAsync(session, up, down);
        await session.Client.SendUnbilledAsync(
            WsFrame.Header(WsFrame.Continuation, TrafficScript.MaxMessage - 999, WsFrame.ClientKey), new byte[50_000]);
        await session.Origin.AnswerEdgeAsync();
        await session.Client.ClosedAsync();
    }

    private static async Task OriginBreaksTheProtocolAsync(MeteredSession session, Task up, Task down)
    {
        await QuietAsync(session, up, down);
        await session.Origin.SendUnbilledAsync(WsFrame.Text("veiled", WsFrame.ClientKey));
        await session.Client.AnswerEdgeAsync();
        await session.Origin.ClosedAsync();
    }

    // Nothing is done: both sides are pinged, answer, and are ended by the timeout all the same.
    private static async Task IdleAsync(MeteredSession session, Task up, Task down)
    {
        await QuietAsync(session, up, down);
        await Task.WhenAll(session.Client.AnswerEdgeAsync(), session.Origin.AnswerEdgeAsync());
        Assert.True(session.Client.EdgePings > 0 && session.Origin.EdgePings > 0, "the edge did not ping");
    }

    /// <summary>All has come, so that the edge, which ends the session now, has nothing to discard.</summary>
    private static async Task QuietAsync(MeteredSession session, Task up, Task down)
    {
        await Task.WhenAll(up, down);
        await session.QuietAsync();
        session.Client.CloseIsTheEdges = true;
        session.Origin.CloseIsTheEdges = true;
    }
}
