using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Cluster.Tests.Feed;

/// <summary>A gateway to which no hint of the feed comes through.</summary>
public sealed class LostHintTests : IAsyncLifetime
{
    private const string Domain = "chat.example.com";

    private static readonly TimeSpan HealedWithin = TimeSpan.FromSeconds(15);

    private readonly HintLoss _hints = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("orleans-edge-gateway-").FullName;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private TestMesh _mesh = null!;
    private LastGoodConfig _lastGood = null!;
    private ClusterDomainSource _source = null!;
    private FeedFollower _follower = null!;

    public async Task InitializeAsync()
    {
        _mesh = await TestMesh.StartAsync(services: services => services.AddSingleton<IOutgoingGrainCallFilter>(_hints));
        _lastGood = new(Path.Combine(_folder, "last-good.jsonl"), NullLogger<LastGoodConfig>.Instance);
        var meters = _services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>();
        _source = new(_mesh.Grains, _lastGood, meters, TimeProvider.System, NullLogger<ClusterDomainSource>.Instance);
        _follower = new(_mesh.Grains, _source, TimeProvider.System, NullLogger<FeedFollower>.Instance);
    }

    public async Task DisposeAsync()
    {
        await _follower.StopAsync(CancellationToken.None);
        _follower.Dispose();
        _lastGood.Dispose();
        await _services.DisposeAsync();
        await _mesh.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task HintsAreLost_TheChangeIsInForceAfterTheNextSync()
    {
        await PutAsync("tenant", _mesh.Grains.GetGrain<ITenantGrain>("acme"), """{ "tenant": "acme" }""");
        await PutDomainAsync(timeoutSeconds: 60);
        await _follower.StartAsync(CancellationToken.None);
        await UntilAsync(async () => await _source.FindAsync(Domain, default) is not null);
        var changed = new TaskCompletionSource<DomainChange>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = _source.Subscribe(change => changed.TrySetResult(change));

        await PutDomainAsync(timeoutSeconds: 70);
        var change = await changed.Task.WaitAsync(HealedWithin);

        Assert.InRange(_hints.Lost, 1, int.MaxValue);
        Assert.Equal(70, change.Current!.Config.WebSocket.TimeoutSeconds);
    }

    private Task PutDomainAsync(int timeoutSeconds) => PutAsync(
        "domain",
        _mesh.Grains.GetGrain<IDomainGrain>(Domain),
        $$"""{ "domain": "{{Domain}}", "tenant": "acme", "origins": [ { "address": "127.0.0.1" } ], "webSocket": { "timeoutSeconds": {{timeoutSeconds}} } }""");

    private static async Task PutAsync(string what, IDocumentGrain grain, string json)
    {
        var reply = await grain.PutAsync(Encoding.UTF8.GetBytes(json), PreconditionWire.Of(default), "test");
        Assert.True(reply.Failure is null, $"{what}: {reply.Failure?.Detail}");
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var late = new CancellationTokenSource(HealedWithin);
        while (!await isSo())
        {
            await Task.Delay(10, late.Token);
        }
    }

    /// <summary>Loses every hint on its way out of the silo.</summary>
    private sealed class HintLoss : IOutgoingGrainCallFilter
    {
        private int _lost;

        public int Lost => Volatile.Read(ref _lost);

        public Task Invoke(IOutgoingGrainCallContext context)
        {
            if (context.InterfaceMethod.Name != nameof(IConfigFeedObserver.ChangedAsync))
            {
                return context.Invoke();
            }

            Interlocked.Increment(ref _lost);
            return Task.CompletedTask;
        }
    }
}
