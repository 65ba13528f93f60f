using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using OrleansEdge.Grains;
using OrleansEdge.Model;
using OrleansEdge.Testing;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Mesh;

/// <summary>Silos in this process on a real Redis, and a client. The grains' clock stands still unless it is moved.</summary>
public sealed class TestMesh : IAsyncDisposable
{
    private readonly bool _ownsRedis;

    private TestMesh(RedisServer redis, bool ownsRedis, ManualTimeProvider time, InProcessTestCluster cluster)
        => (Redis, _ownsRedis, Time, Cluster) = (redis, ownsRedis, time, cluster);

    /// <summary>Its Redis.</summary>
    public RedisServer Redis { get; }

    /// <summary>The grains' clock.</summary>
    public ManualTimeProvider Time { get; }

    /// <summary>The silos.</summary>
    public InProcessTestCluster Cluster { get; }

    /// <summary>Grains, called by a client.</summary>
    public IGrainFactory Grains => Cluster.Client;

    /// <summary>Services of a silo.</summary>
    public IServiceProvider Silo => Silos[0];

    /// <summary>Services of each silo.</summary>
    public IReadOnlyList<IServiceProvider> Silos => [.. Cluster.Silos.Select(static silo => silo.ServiceProvider)];

    /// <summary>Starts silos.</summary>
    /// <param name="silos">How many.</param>
    /// <param name="time">The grains' clock; default: one of its own.</param>
    /// <param name="redis">A Redis to use; default: an empty one of its own.</param>
    /// <param name="services">Adds services to each silo, before its own.</param>
    public static async Task<TestMesh> StartAsync(
        short silos = 1, ManualTimeProvider? time = null, RedisServer? redis = null, Action<IServiceCollection>? services = null)
    {
        var ownsRedis = redis is null;
        redis ??= await RedisServer.StartAsync();
        time ??= new();
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ServiceId = "test";
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(new EdgeClock(time));
            services?.Invoke(silo.Services);
            silo.AddOrleansEdgeGrains(ConfigurationOptions.Parse(redis.Address), new DocumentLimits());
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new(redis, ownsRedis, time, cluster);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        if (_ownsRedis)
        {
            await Redis.DisposeAsync();
        }
    }
}
