using System.Collections.Concurrent;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Sessions;

/// <summary>The open sessions of this gateway, by id and by domain. Puts changes of domains in force on them. Thread safe.</summary>
public sealed class SessionRegistry : IDisposable
{
    private readonly ConcurrentDictionary<string, RelaySession> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DomainState> _domains = new(StringComparer.Ordinal);
    private readonly Lock _trafficGate = new();
    private readonly TimeProvider _time;
    private readonly IDisposable _subscription;

    /// <summary>Creates the registry and subscribes to changes.</summary>
    public SessionRegistry(IDomainSource domains, TimeProvider time)
    {
        _time = time;
        _subscription = domains.Subscribe(Apply);
    }

    /// <summary>Number of open sessions.</summary>
    public int Count => _sessions.Count;

    /// <summary>Descriptions of the open sessions that a filter lets through, ordered by id.</summary>
    public IReadOnlyList<SessionInfo> List(SessionFilter filter)
        => [.. _sessions.Values.Select(s => s.Describe()).Where(s => Matches(s, filter)).OrderBy(s => s.Id, StringComparer.Ordinal)];

    /// <summary>Ends a session by its id.</summary>
    /// <returns>False where no such session is open.</returns>
    public bool TryEnd(string id, EndCause cause) => _sessions.TryGetValue(id, out var session) && session.TryEnd(cause);

    /// <inheritdoc/>
    public void Dispose() => _subscription.Dispose();

    internal DomainState StateOf(string domain) => _domains.GetOrAdd(domain, static (_, time) => new DomainState(time), _time);

    internal void Release(string domain, DomainState state)
    {
        if (state.ReturnConnection())
        {
            _domains.TryRemove(KeyValuePair.Create(domain, state));
        }
    }

    internal void Add(RelaySession session)
    {
        _sessions[session.Facts.Id] = session;
        session.Facts.Domain.Add(session);
    }

    /// <summary>Takes a session out that has ended.</summary>
    /// <returns>Its traffic that <see cref="TakeTraffic"/> has not told yet.</returns>
    internal SessionTotals Remove(RelaySession session)
    {
        session.Facts.Domain.Remove(session);
        lock (_trafficGate)
        {
            _sessions.TryRemove(session.Facts.Id, out _);
            return session.TakeTraffic();
        }
    }

    internal IReadOnlyCollection<RelaySession> Snapshot() => [.. _sessions.Values];

    /// <summary>Traffic of the open sessions since the last call.</summary>
    internal SessionTotals TakeTraffic()
    {
        lock (_trafficGate)
        {
            var traffic = default(SessionTotals);
            foreach (var (_, session) in _sessions)
            {
                traffic += session.TakeTraffic();
            }

            return traffic;
        }
    }

    /// <summary>Counts the time that the open sessions have been open.</summary>
    internal void MeterTime()
    {
        foreach (var (_, session) in _sessions)
        {
            session.MeterTime();
        }
    }

    private static bool Matches(SessionInfo session, SessionFilter filter)
        => (filter.Domain is null || filter.Domain == session.Domain)
        && (filter.Tenant is null || filter.Tenant == session.Tenant)
        && (filter.Gateway is null || filter.Gateway == session.Gateway);

    private void Apply(DomainChange change)
    {
        var state = StateOf(change.Domain);
        if (state.Apply(change.Current))
        {
            _domains.TryRemove(KeyValuePair.Create(change.Domain, state));
        }
    }
}
