using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Clustering.ControlPlane;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Clustering.Gateways;
using OrleansEdge.Clustering.Usage;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;
using OrleansEdge.PortContracts;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.ControlPlane;

/// <summary>A cluster of two silos on a real Redis, and one gateway's side of it.</summary>
internal sealed class ClusterHarness : ControlPlaneHarness
{
    private readonly ManualTimeProvider _time = new(new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private readonly FakeGateway _gateway = new();
    private readonly RedisServer _redis;
    private TestMesh _mesh = null!;
    private readonly string _folder = Directory.CreateTempSubdirectory("orleans-edge-gateway-").FullName;
    private LastGoodConfig _lastGood = null!;
    private ServiceProvider _services = null!;
    private ClusterDomainSource _source = null!;
    private FeedFollower _follower = null!;
    private GatewayBeat _beat = null!;
    private ClusterControlPlane _control = null!;
    private int _timesTold;
    private int _refusedDecisions;

    private ClusterHarness(RedisServer redis) => _redis = redis;

    public RedisServer Redis => _redis;

    public TestMesh Mesh => _mesh;

    /// <summary>How often accounts were told that usage has grown.</summary>
    public int TimesTold => Volatile.Read(ref _timesTold);

    /// <summary>How many of the next decisions on quota do not reach a tenant.</summary>
    public int RefusedDecisions
    {
        get => Math.Max(0, Volatile.Read(ref _refusedDecisions));
        set => Volatile.Write(ref _refusedDecisions, value);
    }

    public override IControlPlane Control => _control;

    public override IDomainSource Source => _source;

    public override string GatewayName => _gateway.Describe().Name;

    public override TimeSpan ChangeDelay => TimeSpan.FromSeconds(1);

    public override bool IsDraining => _gateway.Describe().State == GatewayState.Draining;

    public override IUsageSink Usage => new ClusterUsageSink(_mesh.Grains, TimeProvider.System, NullLogger<ClusterUsageSink>.Instance);

    public override DateTimeOffset Now => _time.GetUtcNow();

    public static async Task<ClusterHarness> StartAsync()
    {
        var harness = new ClusterHarness(await RedisServer.StartAsync());
        await harness.StartMeshAsync();
        return harness;
    }

    public override async Task MoveToAsync(DateTimeOffset time)
    {
        if (time < Now)
        {
            _time.Step(time - Now);
        }
        else
        {
            _time.Advance(time - Now);
        }

        foreach (var tenant in (await _control.Tenants.ListAsync(new(Limit: PageRequest.MaxLimit), default)).Value.Items)
        {
            await _mesh.Grains.GetGrain<IAccountGrain>(tenant.Tenant).TendAsync();
        }
    }

    public override Task OpenSessionAsync(SessionInfo session)
    {
        _gateway.Sessions[session.Id] = session;
        return Task.CompletedTask;
    }

    public override Task RestartAsync() => RestartAsync(TimeSpan.Zero);

    /// <summary>Lets time pass while there is no silo.</summary>
    public async Task RestartAsync(TimeSpan away)
    {
        await StopMeshAsync();
        _time.Advance(away);
        await StartMeshAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await StopMeshAsync();
        await _redis.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The beat of another gateway of this cluster.</summary>
    public GatewayBeat BeatOf(FakeGateway gateway)
        => new(_mesh.Grains, gateway, _source, TimeProvider.System, NullLogger<GatewayBeat>.Instance, gateway);

    private async Task StartMeshAsync()
    {
        _mesh = await TestMesh.StartAsync(silos: 2, _time, _redis, services =>
        {
            services.AddSingleton<IIncomingGrainCallFilter>(new CallsSeen(this));
            services.Configure<UsageGrainOptions>(static usage => usage.WriteInterval = TimeSpan.FromMilliseconds(20));
        });
        _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        _lastGood = new(Path.Combine(_folder, "last-good.jsonl"), NullLogger<LastGoodConfig>.Instance);
        _source = new(
            _mesh.Grains,
            _lastGood,
            _services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            TimeProvider.System,
            NullLogger<ClusterDomainSource>.Instance);
        _follower = new(_mesh.Grains, _source, TimeProvider.System, NullLogger<FeedFollower>.Instance);
        _beat = new(_mesh.Grains, _gateway, _source, TimeProvider.System, NullLogger<GatewayBeat>.Instance);
        _control = new(_mesh.Grains);
        await _follower.StartAsync(CancellationToken.None);
        await _beat.StartAsync(CancellationToken.None);
        while (!_follower.IsComplete || (await _control.ListGatewaysAsync(default, default)).Value.Items.Count == 0)
        {
            await Task.Delay(10);
        }
    }

    private async Task StopMeshAsync()
    {
        await _follower.StopAsync(CancellationToken.None);
        await _beat.StopAsync(CancellationToken.None);
        _follower.Dispose();
        _beat.Dispose();
        _lastGood.Dispose();
        await _services.DisposeAsync();
        await _mesh.DisposeAsync();
    }

    private sealed class CallsSeen(ClusterHarness harness) : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context)
        {
            if (context.InterfaceMethod.Name == nameof(IAccountGrain.UsageGrownAsync))
            {
                Interlocked.Increment(ref harness._timesTold);
            }

            return context.InterfaceMethod.Name == nameof(ITenantGrain.SetExhaustedAsync) && Interlocked.Decrement(ref harness._refusedDecisions) >= 0
                ? throw new TimeoutException("refused by the test")
                : context.Invoke();
        }
    }

    /// <summary>What of a relay the control plane sees.</summary>
    internal sealed class FakeGateway : IGatewayOperations, IGatewayNaming
    {
        private volatile bool _isDraining;

        public string Name { get; private set; } = "gw-1";

        public ConcurrentDictionary<string, SessionInfo> Sessions { get; } = new(StringComparer.Ordinal);

        public GatewayInfo Describe() => new()
        {
            Name = Name,
            StartedAt = DateTimeOffset.UnixEpoch,
            State = _isDraining ? GatewayState.Draining : GatewayState.Ready,
            Sessions = Sessions.Count,
            Version = "1",
        };

        public IReadOnlyList<SessionInfo> ListSessions(SessionFilter filter)
            => [.. Sessions.Values.Where(session
                => (filter.Domain is null || filter.Domain == session.Domain) && (filter.Tenant is null || filter.Tenant == session.Tenant))];

        public bool TryEndSession(string id) => Sessions.TryRemove(id, out _);

        public void BeginDrain() => _isDraining = true;

        public void Rename(string name) => Name = name;
    }
}

public sealed class ClusterDocuments : DocumentContract
{
    protected override async Task<ControlPlaneHarness> StartAsync() => await ClusterHarness.StartAsync();
}

public sealed class ClusterDomainSources : DomainSourceContract
{
    protected override async Task<ControlPlaneHarness> StartAsync() => await ClusterHarness.StartAsync();
}

public sealed class ClusterOperations : OperationsContract
{
    protected override async Task<ControlPlaneHarness> StartAsync() => await ClusterHarness.StartAsync();
}

public sealed class ClusterBillings : BillingContract
{
    protected override async Task<ControlPlaneHarness> StartAsync() => await ClusterHarness.StartAsync();
}
