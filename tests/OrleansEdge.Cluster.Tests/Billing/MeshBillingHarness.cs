using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Clustering.Usage;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Billing;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;
using OrleansEdge.PortContracts;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Billing;

/// <summary>Accounts and usage in silos on a real Redis; tenants and domains stand beside them in memory.</summary>
internal sealed class MeshBillingHarness : ControlPlaneHarness
{
    private readonly RedisServer _redis;
    private readonly ManualTimeProvider _time = new(new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private TestMesh? _mesh;
    private int _timesTold;

    private MeshBillingHarness(RedisServer redis)
    {
        _redis = redis;
        Tenants = new(() => Mesh.Grains, _time.GetUtcNow);
    }

    public TestMesh Mesh => _mesh ?? throw new InvalidOperationException("the mesh is not started");

    /// <summary>How often accounts were told that usage has grown.</summary>
    public int TimesTold => Volatile.Read(ref _timesTold);

    public RedisServer Redis => _redis;

    public TenantsBeside Tenants { get; }

    public override IControlPlane Control => Tenants;

    public override IDomainSource Source => Tenants;

    public override string GatewayName => "edge-1";

    public override TimeSpan ChangeDelay => TimeSpan.FromSeconds(1);

    public override bool IsDraining => false;

    public override IUsageSink Usage => new ClusterUsageSink(Mesh.Grains, TimeProvider.System, NullLogger<ClusterUsageSink>.Instance);

    public override DateTimeOffset Now => _time.GetUtcNow();

    public static async Task<MeshBillingHarness> StartAsync()
    {
        var harness = new MeshBillingHarness(await RedisServer.StartAsync());
        await harness.StartMeshAsync();
        return harness;
    }

    public IAccountGrain Account(string tenant = "acme") => Mesh.Grains.GetGrain<IAccountGrain>(tenant);

    public override async Task MoveToAsync(DateTimeOffset time)
    {
        _time.Advance(time - Now);
        foreach (var tenant in Tenants.Known)
        {
            await Account(tenant).TendAsync();
        }
    }

    public override Task OpenSessionAsync(SessionInfo session) => throw new NotSupportedException();

    public override Task RestartAsync() => RestartAsync(TimeSpan.Zero);

    /// <summary>Lets time pass while there is no silo.</summary>
    public async Task RestartAsync(TimeSpan away)
    {
        await Mesh.DisposeAsync();
        _time.Advance(away);
        await StartMeshAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await Mesh.DisposeAsync();
        await _redis.DisposeAsync();
    }

    private async Task StartMeshAsync()
        => _mesh = await TestMesh.StartAsync(silos: 2, _time, _redis, services =>
        {
            services.AddSingleton<IExhaustedTarget>(Tenants);
            services.AddSingleton<IBillingAudit>(Tenants);
            services.AddSingleton<IIncomingGrainCallFilter>(new GrowthCounter(this));
            services.Configure<UsageGrainOptions>(static usage => usage.WriteInterval = TimeSpan.FromMilliseconds(20));
        });

    private sealed class GrowthCounter(MeshBillingHarness harness) : IIncomingGrainCallFilter
    {
        public Task Invoke(IIncomingGrainCallContext context)
        {
            if (context.InterfaceMethod.Name == nameof(IAccountGrain.UsageGrownAsync))
            {
                Interlocked.Increment(ref harness._timesTold);
            }

            return context.Invoke();
        }
    }
}
