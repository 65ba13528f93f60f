using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using StackExchange.Redis;

namespace OrleansEdge.Clustering.Hosting;

/// <summary>Puts a silo of the cluster into a host.</summary>
public static class SiloMembership
{
    /// <summary>Adds a silo whose membership is in Redis, and that is declared dead within 3 to 6 seconds when it is gone. It starts when
    /// Redis answers. Its ids and endpoints Orleans itself takes from its section of the configuration.</summary>
    /// <param name="host">The host, with the settings of <see cref="ClusterSettings"/>.</param>
    /// <param name="configure">What else the silo has; given the Redis of the cluster.</param>
    public static void AddClusterSilo(this IHostApplicationBuilder host, Action<ISiloBuilder, ConfigurationOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(configure);
        var redis = ClusterSettings.RedisOptions(host.Configuration);
        host.Services.AddHostedService<SiloPortCheck>();
        host.Services.AddHostedService(provider => ActivatorUtilities.CreateInstance<RedisWait>(provider, redis));
        host.UseOrleans(silo =>
        {
            silo.UseRedisClustering(clustering => clustering.ConfigurationOptions = redis);
            silo.Configure<ClusterMembershipOptions>(Tune);
            configure(silo, redis);
        });
    }

    private static void Tune(ClusterMembershipOptions membership)
    {
        // One probe a second, dead after the third that fails. Where the process is killed each fails at once: 3 to 4 s. Where it only
        // hangs each takes its timeout, and the last, by way of another silo, twice that: 4 to 6 s.
        membership.ProbeTimeout = TimeSpan.FromSeconds(1);
        membership.NumMissedProbesLimit = 3;

        // Orleans adapts the timeout to what it measures, by default from half of it to four times as much. Half a second is a collection
        // of garbage, not a death. The upper bound also says how long a silo that hangs is still believed for what it sent before:
        // three times as long.
        membership.MinProbeTimeout = TimeSpan.FromSeconds(1);
        membership.MaxProbeTimeout = TimeSpan.FromSeconds(1.5);

        // With two votes no silo whose own network is broken can declare the others dead one by one. Two silos need one.
        membership.NumVotesForDeathDeclaration = 2;

        // Those that died together cannot vote, and are waited for by those that join, until their heartbeat is this old times three:
        // by default 90 s. Clocks of the members must not differ by as much.
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(3);
        membership.NumMissedTableIAmAliveLimit = 3;
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(10);
    }
}
