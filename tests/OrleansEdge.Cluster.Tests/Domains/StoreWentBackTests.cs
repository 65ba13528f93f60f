using System.Text;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Clustering.ControlPlane;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Domains;

/// <summary>Redis is replaced by an older copy of itself, under silos and gateways that live on.</summary>
public sealed class StoreWentBackTests : IAsyncLifetime
{
    private const string Chat = "chat.example.com";

    private static readonly CancellationToken None = CancellationToken.None;

    private readonly List<FollowingGateway> _gateways = [];
    private TestMesh _mesh = null!;
    private ClusterControlPlane _control = null!;

    private IDomainGrain Grain => _mesh.Grains.GetGrain<IDomainGrain>(Chat);

    public async Task InitializeAsync()
    {
        _mesh = await TestMesh.StartAsync();
        _control = new(_mesh.Grains);
        await PutTenantAsync("acme");
    }

    public async Task DisposeAsync()
    {
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }

        await _mesh.DisposeAsync();
    }

    [Fact]
    public async Task DomainThatTheStoreLost_IsServedAllTheTime_AndRestoredWithItsVersion()
    {
        var (first, second) = (await GatewayAsync("gw-1"), await GatewayAsync("gw-2"));
        var copy = await CopyAsync();
        await PutAsync();
        await PutAsync();
        await ServesAsync(first, 2);
        await ServesAsync(second, 2);

        await _mesh.Redis.ReplaceAsync(copy);
        await OrphanedAsync(first, 1);
        await OrphanedAsync(second, 1);
        Assert.Equal(2, await first.ServedVersionAsync(Chat));
        await first.Beat.BeatAsync();
        Assert.Equal(1, Assert.Single((await _control.ListGatewaysAsync(default, None)).Value.Items).Orphaned);

        await Task.WhenAll(TakenBackAsync(first), TakenBackAsync(second));

        Assert.Equal(2, (await _control.Domains.GetAsync(Chat, None)).Value.Version);
        Assert.Equal([Chat], (await _control.Domains.ListAsync(default, None)).Value.Items.Select(static domain => domain.Domain));
        var line = (await _control.ListAuditAsync(default, None)).Value.Items[^1];
        Assert.Equal(("restored", "domain", Chat, 2), (line.Action, line.Kind, line.Name, line.Version));
        Assert.Contains(line.By, new[] { "gw-1", "gw-2" });
        Assert.Equal(3, await PutAsync());
        await ServesAsync(first, 3);
        await ServesAsync(second, 3);
    }

    [Fact]
    public async Task TwoGatewaysHaveDifferentVersions_AllEndAtTheHigher()
    {
        var ahead = await GatewayAsync("ahead");
        var copy = await CopyAsync();
        await PutAsync();
        await ServesAsync(ahead, 1);
        var older = ahead.CopyOfFolder();
        await PutAsync();
        await ServesAsync(ahead, 2);

        await _mesh.Redis.ReplaceAsync(copy);
        await OrphanedAsync(ahead, 1);
        var behind = await GatewayAsync("behind", older);
        await OrphanedAsync(behind, 1);
        Assert.Equal(1, await behind.ServedVersionAsync(Chat));
        var higher = Assert.Single(ahead.Source.Domains.Orphaned);
        await TakenBackAsync(behind);
        Assert.Equal(1, (await _control.Domains.GetAsync(Chat, None)).Value.Version);
        await Grain.OfferAsync(DomainDocument.Write(higher.Config), higher.Version, "ahead");

        await ServesAsync(behind, 2);
        await ServesAsync(ahead, 2);
        Assert.Equal(2, (await Grain.OfferAsync(Document("acme"), 1, "behind")).Value);
        Assert.Equal([(2L, "ahead"), (1L, "behind")], (await _control.Domains.ListVersionsAsync(Chat, default, None)).Value.Items.Select(static kept => (kept.Version, kept.By)));
    }

    [Fact]
    public async Task OperatorPutsTheDomainBeforeItIsOffered_ThatStands()
    {
        var gateway = await GatewayAsync("gw-1");
        var copy = await CopyAsync();
        await PutAsync();
        await PutAsync();
        await ServesAsync(gateway, 2);
        await _mesh.Redis.ReplaceAsync(copy);
        await OrphanedAsync(gateway, 1);
        var lost = Assert.Single(gateway.Source.Domains.Orphaned);

        Assert.Equal(1, await PutAsync());

        Assert.Equal(1, (await Grain.OfferAsync(DomainDocument.Write(lost.Config), lost.Version, "gw-1")).Value);
        await ServesAsync(gateway, 1);
        await OrphanedAsync(gateway, 0);
        Assert.Equal("create", (await _control.ListAuditAsync(default, None)).Value.Items[^1].Action);
    }

    [Fact]
    public async Task DeletionStands_TheOfferDoesNotBringTheDomainBack()
    {
        await PutAsync();
        await _control.Domains.DeleteAsync(Chat, default, "alice", None);

        Assert.Equal(2, (await Grain.OfferAsync(Document("acme"), 7, "gw-1")).Value);

        Assert.Equal(ControlFailureKind.NotFound, (await _control.Domains.GetAsync(Chat, None)).Failure!.Kind);
    }

    [Fact]
    public async Task TenantIsLostToo_TheDomainIsServedAndTakenBackOnceItIsThere()
    {
        var gateway = await GatewayAsync("gw-1");
        var copy = await CopyAsync();
        await PutTenantAsync("late");
        await PutAsync("late");
        await ServesAsync(gateway, 1);
        await _mesh.Redis.ReplaceAsync(copy);
        await OrphanedAsync(gateway, 1);

        var refused = await Grain.OfferAsync(Document("late"), 1, "gw-1");
        Assert.Equal((ControlFailureKind.Invalid, "tenant"), (refused.Failure!.Kind, Assert.Single(refused.Failure.Errors).Path));
        await gateway.OfferAllAsync();
        Assert.Equal((1, 1), (gateway.Source.Domains.OrphanedCount, await gateway.ServedVersionAsync(Chat)));

        await PutTenantAsync("late");

        await TakenBackAsync(gateway);
        Assert.Equal("late", (await _control.Domains.GetAsync(Chat, None)).Value.Document.Tenant);
    }

    [Fact]
    public async Task StoreHasAnOlderVersion_GatewaysGoBackToItAndOnWithTheNext()
    {
        var gateway = await GatewayAsync("gw-1");
        await PutAsync();
        var copy = await CopyAsync();
        await PutAsync();
        await PutAsync();
        await ServesAsync(gateway, 3);

        await _mesh.Redis.ReplaceAsync(copy);

        await ServesAsync(gateway, 1);
        Assert.Equal(2, await PutAsync());
        await ServesAsync(gateway, 2);
        Assert.Equal(0, gateway.Source.Domains.OrphanedCount);
    }

    [Fact]
    public async Task DomainWasDeletedAfterTheCopy_ItComesBackAsTheStoreHasIt()
    {
        var gateway = await GatewayAsync("gw-1");
        await PutAsync();
        var copy = await CopyAsync();
        await ServesAsync(gateway, 1);
        await _control.Domains.DeleteAsync(Chat, default, "alice", None);
        await ServesAsync(gateway, 0);

        await _mesh.Redis.ReplaceAsync(copy);

        await ServesAsync(gateway, 1);
    }

    private static byte[] Document(string tenant)
        => Encoding.UTF8.GetBytes($$"""{ "domain": "{{Chat}}", "tenant": "{{tenant}}", "origins": [ { "address": "10.0.0.5" } ] }""");

    private static Task ServesAsync(FollowingGateway gateway, long version)
        => UntilAsync(async () => await gateway.ServedVersionAsync(Chat) == version, $"version {version} is served");

    private static Task OrphanedAsync(FollowingGateway gateway, int count)
        => UntilAsync(() => Task.FromResult(gateway.Source.Domains.OrphanedCount == count), $"{count} domains are orphaned");

    // As it offers of itself; a Redis that has just come back is connected to a moment later.
    private static Task TakenBackAsync(FollowingGateway gateway) => UntilAsync(
        async () =>
        {
            await gateway.OfferAllAsync();
            return gateway.Source.Domains.OrphanedCount == 0;
        },
        "everything is taken back");

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(40), $"not within 40 s: {what}");
            await Task.Delay(10);
        }
    }

    private async Task<FollowingGateway> GatewayAsync(string name, string? folder = null)
    {
        var gateway = await FollowingGateway.StartAsync(_mesh, name, folder);
        _gateways.Add(gateway);
        return gateway;
    }

    private async Task<string> CopyAsync()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(_mesh.Redis.Address);
        await new RedisFence(redis).WaitAsync();
        return _mesh.Redis.Copy();
    }

    private async Task<long> PutAsync(string tenant = "acme")
    {
        ControlResult<PutOutcome<DomainConfig>> result = default;
        await UntilAsync(
            async () => (result = await _control.Domains.PutAsync(Chat, Document(tenant), default, "alice", None)).Failure?.Kind != ControlFailureKind.Unavailable,
            "the domain is put");
        return result.Value.Version;
    }

    private async Task PutTenantAsync(string tenant)
    {
        var json = Encoding.UTF8.GetBytes($$"""{ "tenant": "{{tenant}}", "name": "{{tenant}}" }""");
        await UntilAsync(
            async () => (await _control.Tenants.PutAsync(tenant, json, default, "alice", None)).Failure?.Kind != ControlFailureKind.Unavailable,
            "the tenant is put");
    }
}
