using OrleansEdge.Model;

namespace OrleansEdge.Relay.Sessions;

/// <summary>Sessions of one domain on this gateway, and what its limits have let in. Thread safe.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A source without timer or wait handle holds nothing to dispose.")]
internal sealed class DomainState(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly HashSet<RelaySession> _sessions = [];
    private CancellationTokenSource _httpUsedUp = new();
    private DomainSnapshot? _latest;
    private bool _deleted;
    private int _connections;
    private long _nextHandshakeAt;

    /// <summary>Cancelled when the tenant may have no more HTTP traffic; another one once it may again.</summary>
    public CancellationToken HttpUsedUp
    {
        get
        {
            lock (_gate)
            {
                return _httpUsedUp.Token;
            }
        }
    }

    /// <summary>Places that are taken.</summary>
    public int Connections
    {
        get
        {
            lock (_gate)
            {
                return _connections;
            }
        }
    }

    /// <summary>Takes a place for a connection.</summary>
    /// <param name="limit">Most places; 0: no limit.</param>
    public bool TryTakeConnection(int limit)
    {
        lock (_gate)
        {
            if (limit > 0 && _connections >= limit)
            {
                return false;
            }

            _connections++;
            return true;
        }
    }

    /// <summary>Gives the place back.</summary>
    /// <returns>Whether the domain is deleted and nothing of it is left here.</returns>
    public bool ReturnConnection()
    {
        lock (_gate)
        {
            return --_connections == 0 && _deleted;
        }
    }

    /// <summary>Takes one handshake from the allowance: <paramref name="perSecond"/>, of which a second's worth may come at once
    /// (generic cell rate algorithm).</summary>
    /// <param name="perSecond">0: no limit.</param>
    /// <param name="retryAfter">When the next one will be let in.</param>
    public bool TryTakeHandshake(int perSecond, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        if (perSecond == 0)
        {
            return true;
        }

        lock (_gate)
        {
            var now = time.GetTimestamp();
            var interval = time.TimestampFrequency / perSecond;
            var burst = time.TimestampFrequency - interval;
            var next = Math.Max(_nextHandshakeAt, now);
            if (next - now > burst)
            {
                retryAfter = time.GetElapsedTime(now, next - burst);
                return false;
            }

            _nextHandshakeAt = next + interval;
            return true;
        }
    }

    /// <summary>Adds a session; a change that came during its handshake is put in force at once.</summary>
    public void Add(RelaySession session)
    {
        DomainSnapshot? latest;
        bool deleted;
        lock (_gate)
        {
            _sessions.Add(session);
            latest = _latest;
            deleted = _deleted;
        }

        if (deleted)
        {
            session.TryEnd(EndCause.DomainDeleted);
        }
        else if (latest is not null && latest != session.Facts.Snapshot)
        {
            session.Apply(latest);
        }
    }

    public void Remove(RelaySession session)
    {
        lock (_gate)
        {
            _sessions.Remove(session);
        }
    }

    /// <summary>Puts a change in force on the open sessions.</summary>
    /// <returns>Whether the domain is deleted and nothing of it is left here.</returns>
    public bool Apply(DomainSnapshot? current)
    {
        RelaySession[] sessions;
        bool unused;
        lock (_gate)
        {
            _latest = current;
            _deleted = current is null;
            sessions = [.. _sessions];
            unused = _deleted && _connections == 0;
            ApplyToHttp(current?.Exhausted ?? ExhaustedQuota.None);
        }

        foreach (var session in sessions)
        {
            if (current is null)
            {
                session.TryEnd(EndCause.DomainDeleted);
            }
            else
            {
                session.Apply(current);
            }
        }

        return unused;
    }

    private void ApplyToHttp(ExhaustedQuota exhausted)
    {
        if (exhausted.HasFlag(ExhaustedQuota.Http))
        {
            // Who waits for it runs elsewhere: nothing of that is done under the lock.
            _ = _httpUsedUp.CancelAsync();
        }
        else if (_httpUsedUp.IsCancellationRequested)
        {
            _httpUsedUp = new();
        }
    }
}
