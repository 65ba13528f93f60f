using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Clustering.Limits;
using OrleansEdge.Clustering.Usage;
using OrleansEdge.Hosting.Health;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Gateways;

/// <summary>Makes a host a gateway of the cluster.</summary>
public static class ClusterGatewaySetup
{
    /// <summary>Adds <see cref="IDomainSource"/>, <see cref="IUsageSink"/>, <see cref="ISharedLimits"/>, the beat, and the condition that
    /// the domains are known: every shard of the feed has answered, or there is a last good config. The host adds the client of the
    /// cluster and <see cref="IGatewayOperations"/>.</summary>
    /// <param name="services">Of the host.</param>
    /// <param name="lastGoodPath">Where the last good config is kept, a file of this process alone.</param>
    public static IServiceCollection AddClusterGateway(this IServiceCollection services, Func<IServiceProvider, string> lastGoodPath)
    {
        services.AddSingleton(provider => new LastGoodConfig(lastGoodPath(provider), provider.GetRequiredService<ILogger<LastGoodConfig>>()));
        services.AddSingleton<ClusterDomainSource>();
        services.AddSingleton<IDomainSource>(static provider => provider.GetRequiredService<ClusterDomainSource>());
        services.AddSingleton<IUsageSink, ClusterUsageSink>();
        services.AddHosted<FeedFollower>();
        services.AddHosted<OrphanOffers>();
        services.AddHosted<GatewayBeat>();
        services.AddHosted<SharedLimits>();
        services.AddSingleton<ISharedLimits>(static provider => provider.GetRequiredService<SharedLimits>());
        return services.AddSingleton<IReadinessCondition>(static provider =>
        {
            var (follower, lastGood) = (provider.GetRequiredService<FeedFollower>(), provider.GetRequiredService<LastGoodConfig>());
            return new ReadinessCondition(() => lastGood.WasThere || follower.IsComplete ? null : "waiting for the domains");
        });
    }

    private static void AddHosted<T>(this IServiceCollection services)
        where T : class, Microsoft.Extensions.Hosting.IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(static provider => provider.GetRequiredService<T>());
    }
}
