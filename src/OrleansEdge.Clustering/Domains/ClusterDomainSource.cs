using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Domains;

/// <summary>The domains of the cluster for the relay of a gateway. Thread safe.</summary>
internal sealed class ClusterDomainSource : IDomainSource
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "OrleansEdge.ControlPlane";

    /// <summary>Seconds from the making of a change to its being in force here, by the clocks of two machines.</summary>
    public const string PropagationDurationName = "orleansedge.config.propagation.duration";

    /// <summary>Domains that this gateway serves though the cluster does not know them any more.</summary>
    public const string OrphanedName = "orleansedge.config.orphaned";

    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    };

    private readonly LastGoodConfig _lastGood;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Histogram<double> _duration;
    private ImmutableArray<Subscription> _subscriptions = [];

    /// <summary>Knows what was last good.</summary>
    public ClusterDomainSource(
        IGrainFactory grains,
        LastGoodConfig lastGood,
        IMeterFactory meters,
        TimeProvider time,
        ILogger<ClusterDomainSource> logger,
        ClusterConnection? connection = null)
    {
        _lastGood = lastGood;
        _logger = logger;
        _time = time;
        Domains = new((name, isNewCourse) => FetchAsync(grains, connection, name, isNewCourse), Announce, lastGood.Note, time, logger);
        lastGood.RestoreTo(Domains);
        var meter = meters.Create(MeterName);
        _duration = meter.CreateHistogram(
            PropagationDurationName, "s", "Time from the making of a change to its being in force on this gateway.", null, Seconds);
        meter.CreateObservableGauge(
            OrphanedName, () => Domains.OrphanedCount, "{domain}", "Domains that this gateway serves though the cluster does not know them any more.");
    }

    /// <summary>What is known.</summary>
    public ClusterDomains Domains { get; }

    /// <inheritdoc/>
    public ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken)
        => Domains.FindAsync(DomainName.Normalize(host), cancellationToken);

    /// <inheritdoc/>
    public IDisposable Subscribe(Action<DomainChange> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        var subscription = new Subscription(this, observer);
        ImmutableInterlocked.Update(ref _subscriptions, static (all, added) => all.Add(added), subscription);
        return subscription;
    }

    private static async Task<DocumentWire?> FetchAsync(IGrainFactory grains, ClusterConnection? connection, string name, bool isNewCourse)
    {
        if (connection?.IsMade == false)
        {
            throw new TimeoutException("The gateway is not connected to the cluster yet.");
        }

        var grain = grains.GetGrain<IDomainGrain>(name);
        var reply = await (isNewCourse ? grain.RereadAsync() : grain.GetAsync());
        return reply.Failure is null ? reply.Value
            : reply.Failure.Kind == ControlFailureKind.NotFound ? null
            : throw new TimeoutException(reply.Failure.Detail);
    }

    private void Announce(DomainChange change, DateTimeOffset at)
    {
        if (change.Current is null)
        {
            _lastGood.NoteGone(change.Domain);
        }

        _duration.Record(Math.Max(0, (_time.GetUtcNow() - at).TotalSeconds));
        foreach (var subscription in _subscriptions)
        {
            try
            {
                subscription.Observer(change);
            }
            catch (Exception failure)
            {
                _logger.ObserverFailed(change.Domain, failure);
            }
        }
    }

    private sealed class Subscription(ClusterDomainSource source, Action<DomainChange> observer) : IDisposable
    {
        public Action<DomainChange> Observer { get; } = observer;

        public void Dispose() => ImmutableInterlocked.Update(ref source._subscriptions, static (all, removed) => all.Remove(removed), this);
    }
}
