using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Cluster.Tests.ControlPlane;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Clustering.Gateways;

namespace OrleansEdge.Cluster.Tests.Domains;

/// <summary>What of a gateway follows the feed. It offers what the store lost only when it is told to.</summary>
internal sealed class FollowingGateway : IAsyncDisposable
{
    private readonly ClusterHarness.FakeGateway _gateway = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly string _folder;
    private readonly LastGoodConfig _lastGood;
    private readonly FeedFollower _follower;
    private readonly OrphanOffers _offers;

    private FollowingGateway(TestMesh mesh, string name, string folder)
    {
        _gateway.Rename(name);
        _folder = folder;
        _lastGood = new(Path.Combine(folder, "last-good.jsonl"), NullLogger<LastGoodConfig>.Instance);
        Source = new(
            mesh.Grains,
            _lastGood,
            _services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            TimeProvider.System,
            NullLogger<ClusterDomainSource>.Instance);
        _follower = new(mesh.Grains, Source, TimeProvider.System, NullLogger<FeedFollower>.Instance);
        _offers = new(mesh.Grains, Source, _gateway, TimeProvider.System, NullLogger<OrphanOffers>.Instance);
        Beat = new(mesh.Grains, _gateway, Source, TimeProvider.System, NullLogger<GatewayBeat>.Instance);
    }

    /// <summary>What it knows.</summary>
    public ClusterDomainSource Source { get; }

    /// <summary>Its beat, which is not started.</summary>
    public GatewayBeat Beat { get; }

    /// <summary>Starts one and waits until it knows the feed.</summary>
    /// <param name="mesh">Its cluster.</param>
    /// <param name="name">Its name.</param>
    /// <param name="folder">What another one left; default: nothing.</param>
    public static async Task<FollowingGateway> StartAsync(TestMesh mesh, string name, string? folder = null)
    {
        var gateway = new FollowingGateway(mesh, name, folder ?? Directory.CreateTempSubdirectory("orleans-edge-gateway-").FullName);
        await gateway._follower.StartAsync(CancellationToken.None);
        while (!gateway._follower.IsComplete)
        {
            await Task.Delay(10);
        }

        return gateway;
    }

    /// <summary>Offers what the store lost once.</summary>
    public Task OfferAllAsync() => _offers.OfferAllAsync(CancellationToken.None);

    /// <summary>The version of a domain that it serves; 0: none.</summary>
    public async Task<long> ServedVersionAsync(string host) => (await Source.FindAsync(host, CancellationToken.None))?.Version ?? 0;

    /// <summary>Copies what it would know if it were started again.</summary>
    /// <returns>The copy's folder.</returns>
    public string CopyOfFolder()
    {
        var copy = Directory.CreateTempSubdirectory("orleans-edge-gateway-").FullName;
        File.Copy(Path.Combine(_folder, "last-good.jsonl"), Path.Combine(copy, "last-good.jsonl"));
        return copy;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _follower.StopAsync(CancellationToken.None);
        _follower.Dispose();
        _offers.Dispose();
        Beat.Dispose();
        _lastGood.Dispose();
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
