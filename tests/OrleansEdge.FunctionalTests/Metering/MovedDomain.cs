using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>A domain goes to another tenant while a session is open.</summary>
public sealed class MovedDomain
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
        var late = await edge.Admin.WaitForUsageAsync(after, domain.Name, $"{second}", usage => usage with { Milliseconds = 0 } == second, MeteredEdge.Eventually);
        var early = await edge.Admin.WaitForUsageAsync(
            before, domain.Name, $"{first}, in all {all}", usage => usage with { Milliseconds = 0 } == first && usage + late == all, MeteredEdge.Eventually);
        Assert.True(early.Milliseconds > 0, $"before: {early}, after: {late}");
    }

    [Fact]
    public async Task DomainMovesAmidTraffic_NothingIsBilledTwiceOrLost()
    {
        var seed = MeteredEdge.NewSeed();
        var edge = await MeteredEdge.GetAsync();
        var tenants = new[] { await MeteredEdge.NewTenantAsync(edge), await MeteredEdge.NewTenantAsync(edge) };
        await using var domain = await MeteredDomain.CreateAsync(edge, Way.Http1, tenants[0]);
        await using var session = await domain.OpenAsync(new Random(seed));
        var playing = Task.WhenAll(
            session.Client.PlayAsync(new TrafficScript(new(seed), WsFrame.ClientKey).Messages(1000)),
            session.Origin.PlayAsync(new TrafficScript(new(seed + 1), null).Messages(1000)));
        var moves = 0;
        while (!playing.IsCompleted)
        {
            await edge.Admin.PutDomainAsync(domain.Document.At("tenant", tenants[++moves % 2]));
        }

        await playing;
        await session.QuietAsync();
        await session.CloseAsync();
        var expected = Tally.Of(await session.CloseLineAsync());
        Assert.Equal(session.Sent, expected with { Milliseconds = 0 });
        var deadline = new Deadline(MeteredEdge.Eventually);
        while (true)
        {
            var billed = new[] { await edge.Admin.UsageAsync(tenants[0], domain.Name), await edge.Admin.UsageAsync(tenants[1], domain.Name) };
            if (billed[0] + billed[1] == expected)
            {
                Assert.All(billed, tally => Assert.True(tally.BytesUp > 0, $"after {moves} moves: {billed[0]} and {billed[1]}"));
                return;
            }

            Assert.True(deadline.Left > TimeSpan.Zero, $"seed {seed}, {moves} moves: expected {expected}, billed are {billed[0]} and {billed[1]}");
            await Task.Delay(25);
        }
    }
}
