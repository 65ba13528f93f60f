using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Domains;

/// <summary>Offers the cluster back what its store lost: the documents that this gateway has in force though the feed does not know their
/// domains any more. Again and again, until the feed does. Thread safe.</summary>
internal sealed class OrphanOffers(
    IGrainFactory grains,
    ClusterDomainSource source,
    IGatewayOperations gateway,
    TimeProvider time,
    ILogger<OrphanOffers> logger,
    ClusterConnection? connection = null) : BackgroundService
{
    private const int AtOnce = 4;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Told once, not every five seconds.
    private readonly ConcurrentDictionary<string, string> _refusals = new(StringComparer.Ordinal);

    /// <summary>Offers everything once, a few domains at a time.</summary>
    internal async Task OfferAllAsync(CancellationToken cancellationToken)
    {
        var orphaned = source.Domains.Orphaned;
        foreach (var domain in _refusals.Keys.Except(orphaned.Select(static snapshot => snapshot.Domain), StringComparer.Ordinal))
        {
            _refusals.TryRemove(domain, out _);
        }

        var few = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(orphaned, few, async (snapshot, _) => await OfferAsync(snapshot));
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await (connection?.WaitAsync(stoppingToken) ?? Task.CompletedTask);
        while (true)
        {
            // Gateways that lost the same do not all come at once.
            await Task.Delay(Interval * (0.8 + (Random.Shared.NextDouble() * 0.4)), time, stoppingToken);
            await OfferAllAsync(stoppingToken);
        }
    }

    private async Task OfferAsync(DomainSnapshot snapshot)
    {
        try
        {
            var reply = await grains.GetGrain<IDomainGrain>(snapshot.Domain)
                .OfferAsync(DomainDocument.Write(snapshot.Config), snapshot.Version, gateway.Describe().Name);
            Note(snapshot.Domain, reply.Failure);
        }
        catch (Exception failure)
        {
            logger.OfferLost(snapshot.Domain, failure.Message);
        }
    }

    // What stands where it is not refused comes by the feed.
    private void Note(string domain, FailureWire? refusal)
    {
        if (refusal is null)
        {
            _refusals.TryRemove(domain, out _);
        }
        else if (refusal.Kind == ControlFailureKind.Unavailable)
        {
            logger.OfferLost(domain, refusal.Detail);
        }
        else if (_refusals.GetValueOrDefault(domain) != refusal.Detail)
        {
            _refusals[domain] = refusal.Detail;
            logger.OfferRefused(domain, refusal.Detail);
        }
    }
}
