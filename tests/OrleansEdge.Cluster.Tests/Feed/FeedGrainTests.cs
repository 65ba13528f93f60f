using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Contracts;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Feed;

public sealed class FeedGrainTests : IAsyncLifetime
{
    private TestMesh _mesh = null!;
    private ConnectionMultiplexer _redis = null!;

    private IConfigFeedGrain Feed => _mesh.Grains.GetGrain<IConfigFeedGrain>(3);

    public async Task InitializeAsync()
    {
        _mesh = await TestMesh.StartAsync();
        _redis = await ConnectionMultiplexer.ConnectAsync(_mesh.Redis.Address);
    }

    public async Task DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _mesh.DisposeAsync();
    }

    [Fact]
    public async Task StoreThatWentBack_BeginsANewEpochWithTheFirstGatewayThatKnowsMore()
    {
        await ConfirmAsync("d/a", 1);
        await ConfirmAsync("d/b", 1);
        var known = (await Feed.SyncAsync(FeedCursorWire.None, null)).Next;
        await LoseLastAsync();

        // The shard finds out at its next write.
        await ConfirmAsync("d/c", 1);
        var delta = await Feed.SyncAsync(known, null);

        Assert.NotEqual(known.Epoch, delta.Next.Epoch);
        Assert.Equal(["d/a", "d/c"], delta.Changes.Select(static change => change.Name));
        Assert.Equal(delta.Next, (await Feed.SyncAsync(delta.Next, null)).After);
    }

    [Fact]
    public async Task StoreThatWentBackUnderAWriter_IsReadAgainAndTheChangeIsMade()
    {
        await ConfirmAsync("d/a", 1);
        await ConfirmAsync("d/a", 2);
        await LoseLastAsync();

        await ConfirmAsync("d/a", 3);

        var change = Assert.Single((await Feed.SyncAsync(FeedCursorWire.None, null)).Changes);
        Assert.Equal(3, change.Revision);
    }

    [Fact]
    public async Task Names_AreThereAfterAllSilosWereRestarted()
    {
        for (var i = 1; i <= 1100; i++)
        {
            await ConfirmAsync($"d/{i % 100:00}", i);
        }

        await Feed.AnnounceAsync("d/new", 1);
        await using var again = await TestMesh.StartAsync(redis: _mesh.Redis);

        var feed = again.Grains.GetGrain<IConfigFeedGrain>(3);
        Assert.Equal(100, (await feed.SyncAsync(FeedCursorWire.None, null)).Changes.Length);
        Assert.Equal(["d/00", "d/01"], await feed.ListNamesAsync(ConfigFeed.Domain, null, 2));
        Assert.Equal(["d/99"], await feed.ListNamesAsync(ConfigFeed.Domain, "d/98", 2));
        Assert.Empty(await feed.ListNamesAsync(ConfigFeed.Tenant, null, 2));
    }

    private Task ConfirmAsync(string name, long revision) => Feed.ConfirmAsync(new(name, revision, false, TenantFlags.None, DateTimeOffset.UnixEpoch));

    private async Task LoseLastAsync() => Assert.False((await _redis.GetDatabase().ListRightPopAsync("test/feed/3")).IsNull);
}
