using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Hosting.Health;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Gateways;

/// <summary>Makes a host a gateway of the cluster.</summary>
public static class ClusterGatewaySetup
{
    /// <summary>Adds <see cref="IDomainSource"/>, <see cref="IUsageSink"/>, the beat, and the condition that the domains are known.</summary>
    public static IServiceCollection AddClusterGateway(this IServiceCollection services)
    {
        services.AddSingleton<IDomainSource, NoDomains>();
        services.AddSingleton<IReadinessCondition>(new ReadinessCondition(static () => "waiting for the domains"));
        return services.AddSingleton<IUsageSink, NoLedger>();
    }

    private sealed class NoDomains : IDomainSource
    {
        public ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken) => new((DomainSnapshot?)null);

        public IDisposable Subscribe(Action<DomainChange> observer) => new CancellationTokenSource();
    }

    private sealed class NoLedger : IUsageSink
    {
        public Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
            => Task.FromResult<IReadOnlyList<UsageReply>>([.. reports.Select(static _ => UsageReply.Unavailable)]);
    }
}
