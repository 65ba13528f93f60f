using System.Collections.Immutable;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The domains in force, compiled for the relay. Thread safe; finding a host takes no lock and allocates nothing where the
/// host came in normal form. Changing calls must not overlap.</summary>
internal sealed class DomainFeed : IDomainSource
{
    private readonly DomainIndex<DomainSnapshot> _index = new();
    private readonly ILogger _logger;
    private ImmutableArray<Subscription> _subscriptions = [];

    public DomainFeed(ILogger logger) => _logger = logger;

    /// <inheritdoc/>
    public ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken)
        => new(_index.Find(DomainName.Normalize(host)));

    /// <inheritdoc/>
    public IDisposable Subscribe(Action<DomainChange> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        var subscription = new Subscription(this, observer);
        ImmutableInterlocked.Update(ref _subscriptions, static (all, added) => all.Add(added), subscription);
        return subscription;
    }

    public DomainSnapshot? Get(string domain) => _index.TryGet(domain, out var snapshot) ? snapshot : null;

    public void Publish(DomainSnapshot snapshot)
    {
        _index.Set(snapshot.Domain, snapshot);
        Announce(new(snapshot.Domain, snapshot));
    }

    public void Withdraw(string domain)
    {
        if (_index.Remove(domain))
        {
            Announce(new(domain, null));
        }
    }

    private void Announce(DomainChange change)
    {
        foreach (var subscription in _subscriptions)
        {
            try
            {
                subscription.Observer(change);
            }
            catch (Exception failure)
            {
                // The change is made; one observer's fault must not hide it from the others or from who asked for it.
                _logger.ObserverFailed(change.Domain, failure);
            }
        }
    }

    private sealed class Subscription(DomainFeed feed, Action<DomainChange> observer) : IDisposable
    {
        public Action<DomainChange> Observer { get; } = observer;

        public void Dispose() => ImmutableInterlocked.Update(ref feed._subscriptions, static (all, removed) => all.Remove(removed), this);
    }
}
