using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Clustering.Usage;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;
using OrleansEdge.PortContracts;

namespace OrleansEdge.Cluster.Tests.Usage;

/// <summary>Usage grains in silos on a real Redis, reported to and read as a gateway and a silo do it.</summary>
internal sealed class MeshUsageHarness : UsageHarness
{
    private readonly RedisServer _redis;
    private readonly short _silos;
    private TestMesh _mesh;

    private MeshUsageHarness(RedisServer redis, short silos, TestMesh mesh) => (_redis, _silos, _mesh) = (redis, silos, mesh);

    public TestMesh Mesh => _mesh;

    public RedisServer Redis => _redis;

    public RedisStore Store => _mesh.Silo.GetRequiredService<RedisStore>();

    public RedisUsageReader Usage => new(Store);

    public UsageGrainOptions Options => _mesh.Silo.GetRequiredService<IOptions<UsageGrainOptions>>().Value;

    public override IUsageSink Sink => new ClusterUsageSink(_mesh.Grains, TimeProvider.System, NullLogger<ClusterUsageSink>.Instance);

    public override IUsageReader Reader => new BlockingReader(Usage);

    public override DateTimeOffset Now => _mesh.Time.GetUtcNow();

    public override TimeSpan DeadAfter => Options.DeadAfter;

    public static async Task<MeshUsageHarness> StartAsync(short silos = 1, TimeSpan? writeInterval = null)
    {
        var redis = await RedisServer.StartAsync();
        var harness = new MeshUsageHarness(redis, silos, await TestMesh.StartAsync(silos, redis: redis));
        harness.WriteEach(writeInterval ?? TimeSpan.FromMilliseconds(5));
        return harness;
    }

    public override Task AdvanceAsync(TimeSpan by)
    {
        _mesh.Time.Advance(by);
        return Task.CompletedTask;
    }

    public override async Task RestartAsync()
    {
        var (time, interval) = (_mesh.Time, Options.WriteInterval);
        await _mesh.DisposeAsync();
        _mesh = await TestMesh.StartAsync(_silos, time, _redis);
        WriteEach(interval);
    }

    public override async ValueTask DisposeAsync()
    {
        await _mesh.DisposeAsync();
        await _redis.DisposeAsync();
    }

    private void WriteEach(TimeSpan interval)
    {
        foreach (var silo in _mesh.Silos)
        {
            silo.GetRequiredService<IOptions<UsageGrainOptions>>().Value.WriteInterval = interval;
        }
    }

    /// <summary>Readers of the port wait; those of the mesh must not.</summary>
    private sealed class BlockingReader(RedisUsageReader reader) : IUsageReader
    {
        public IEnumerable<UsageHourTotals> Read(string owner, UsageHour from, UsageHour to) => reader.ReadAsync(owner, from, to).ToBlockingEnumerable();

        public IReadOnlyList<string> ListOwners(UsageHour from, UsageHour to) => reader.ListOwnersAsync(from, to).GetAwaiter().GetResult();

        public IReadOnlyList<UsageAdjustment> ListAdjustments(string owner, DateTimeOffset from, DateTimeOffset to)
            => reader.ListAdjustmentsAsync(owner, from, to).GetAwaiter().GetResult();
    }
}

public class MeshUsageSink : UsageSinkContract
{
    protected override async Task<UsageHarness> StartAsync() => await MeshUsageHarness.StartAsync(silos: 2);
}
