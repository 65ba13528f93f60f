using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Clustering.Limits;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Gateways;

/// <summary>Puts a gateway's side of the cluster into a host that has an Orleans client.</summary>
public static class ClusterGatewaySetup
{
    private const string LastGoodFile = "last-good-config.jsonl";

    /// <summary>Adds <see cref="IDomainSource"/> and the beat. The host adds <see cref="IGatewayOperations"/>.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="dataDirectory">Where the last good config is kept; asked when it is first needed.</param>
    public static IServiceCollection AddClusterGateway(this IServiceCollection services, Func<IServiceProvider, string> dataDirectory)
    {
        services.AddSingleton(provider => new LastGoodConfig(
            Path.Combine(dataDirectory(provider), LastGoodFile), provider.GetRequiredService<ILogger<LastGoodConfig>>()));
        services.AddSingleton<ClusterDomainSource>();
        services.AddSingleton<IDomainSource>(static provider => provider.GetRequiredService<ClusterDomainSource>());
        services.AddSingleton<FeedFollower>();
        services.AddHostedService(static provider => provider.GetRequiredService<FeedFollower>());
        services.AddHostedService<GatewayBeat>();
        services.AddSingleton<SharedLimits>();
        services.AddSingleton<ISharedLimits>(static provider => provider.GetRequiredService<SharedLimits>());
        services.AddHostedService(static provider => provider.GetRequiredService<SharedLimits>());
        services.AddSingleton(static provider => new GatewayReadiness(
            provider.GetRequiredService<FeedFollower>(), provider.GetRequiredService<LastGoodConfig>()));
        return services;
    }
}

/// <summary>Whether a gateway knows enough to serve: every shard of the feed has answered once, or there was a last good config. Thread safe.</summary>
public sealed class GatewayReadiness
{
    private readonly FeedFollower _follower;
    private readonly LastGoodConfig _lastGood;

    internal GatewayReadiness(FeedFollower follower, LastGoodConfig lastGood) => (_follower, _lastGood) = (follower, lastGood);

    /// <summary>Whether it does.</summary>
    public bool IsReady => _lastGood.WasThere || _follower.IsComplete;
}
