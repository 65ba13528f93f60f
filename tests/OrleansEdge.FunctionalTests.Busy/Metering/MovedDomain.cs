using OrleansEdge.FunctionalTests.Scripted;
using Xunit.Abstractions;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>A domain goes to another tenant while a session is open.</summary>
public sealed class MovedDomain(ITestOutputHelper output)
{
    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Http2)]
    public async Task DomainMovesWhileASessionIsOpen_FromThenOnTheNewTenantIsBilled(Way way)
    {
        var edge = await MeteredEdge.GetAsync();
        var (before, after) = (await MeteredEdge.NewTenantAsync(edge), await MeteredEdge.NewTenantAsync(edge));
        await using var domain = await MeteredDomain.CreateAsync(edge, way, before);
        await using var session = await domain.OpenAsync(new Random(1));
        await session.GreetAsync();
        var first = session.Sent;

        // The kernel had the last of it before the client did, but the count is taken a moment later.
        await edge.Admin.WaitForUsageAsync(before, domain.Name, $"{first}", usage => usage with { Milliseconds = 0 } == first, MeteredEdge.Eventually);
        await edge.Admin.PutDomainAsync(domain.Document.At("tenant", after));
        await session.GreetAsync();
        await session.CloseAsync();
        var all = Tally.Of(await session.CloseLineAsync());
        var second = new Tally(
            all.BytesUp - first.BytesUp, all.BytesDown - first.BytesDown, all.MessagesUp - first.MessagesUp, all.MessagesDown - first.MessagesDown, 0, 0);
        var (early, late) = await SplitAsync(edge, [before, after], domain.Name, all);
        Assert.Equal(first, early with { Milliseconds = 0 });
        Assert.Equal(second, late with { Milliseconds = 0 });
        Assert.True(early.Milliseconds > 0, $"before: {early}, after: {late}");
    }

    [Fact]
    public async Task DomainMovesAmidTraffic_NothingIsBilledTwiceOrLost()
    {
        var seed = MeteredEdge.NewSeed();
        output.WriteLine($"seed {seed}");
        var edge = await MeteredEdge.GetAsync();
        var tenants = new[] { await MeteredEdge.NewTenantAsync(edge), await MeteredEdge.NewTenantAsync(edge) };
        await using var domain = await MeteredDomain.CreateAsync(edge, Way.Http1, tenants[0]);
        await using var session = await domain.OpenAsync(new Random(seed));
        var isOver = false;
        var playing = Task.WhenAll(
            PlayAsync(session.Client, new(new(seed), WsFrame.ClientKey)), PlayAsync(session.Origin, new(new(seed + 1), null)));
        for (var move = 1; move <= 6; move++)
        {
            await session.Client.GotAsync(session.Client.Got + 20_000);
            await edge.Admin.PutDomainAsync(domain.Document.At("tenant", tenants[move % 2]));
        }

        Volatile.Write(ref isOver, true);
        await playing;
        await session.QuietAsync();
        await session.CloseAsync();
        var expected = Tally.Of(await session.CloseLineAsync());
        Assert.Equal(session.Sent, expected with { Milliseconds = 0 });
        var (one, other) = await SplitAsync(edge, tenants, domain.Name, expected);
        Assert.True(one.BytesDown > 50_000 && other.BytesDown > 50_000, $"{one} and {other}");

        async Task PlayAsync(MeteredPeer peer, TrafficScript script)
        {
            while (!Volatile.Read(ref isOver))
            {
                await peer.PlayAsync(script.Messages(1));
            }
        }
    }

    /// <summary>Waits until two tenants together are billed for exactly what passed.</summary>
    private static async Task<(Tally One, Tally Other)> SplitAsync(EdgeProcess edge, string[] tenants, string domain, Tally expected)
    {
        var deadline = new Deadline(MeteredEdge.Eventually);
        while (true)
        {
            var (one, other) = (await edge.Admin.UsageAsync(tenants[0], domain), await edge.Admin.UsageAsync(tenants[1], domain));
            if (one + other == expected)
            {
                return (one, other);
            }

            Assert.True(deadline.Left > TimeSpan.Zero && (one + other).IsWithin(expected), $"expected {expected}{deadline}, billed are {one} and {other}");
            await Task.Delay(25);
        }
    }
}
