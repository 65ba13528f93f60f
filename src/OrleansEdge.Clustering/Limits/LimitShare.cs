using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Limits;

/// <summary>What one gateway may use of one domain's limits. Thread safe.</summary>
internal sealed class LimitShare(TimeProvider time)
{
    // Refused clients that come again at once are not each worth a call.
    private static readonly TimeSpan FullFor = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private int _maxConnections;
    private int _handshakesPerSecond;
    private int _used;
    private int _waiting;
    private int _granted;
    private bool _isScarce;
    private double? _rate;
    private long _fullUntil;
    private long _nextHandshakeAt;

    /// <summary>Places that are taken.</summary>
    public int Used
    {
        get
        {
            lock (_gate)
            {
                return _used;
            }
        }
    }

    /// <summary>Whether the gateway has no connection of the domain, and no rate to keep.</summary>
    public bool IsUnused
    {
        get
        {
            lock (_gate)
            {
                return _used == 0 && time.GetElapsedTime(_nextHandshakeAt) > LimitShares.LeaseTime;
            }
        }
    }

    /// <summary>The limits of the domain.</summary>
    public (int Connections, int HandshakesPerSecond) Limits
    {
        get
        {
            lock (_gate)
            {
                return (_maxConnections, _handshakesPerSecond);
            }
        }
    }

    public void SetLimits(int maxConnections, int handshakesPerSecond)
    {
        lock (_gate)
        {
            if (_handshakesPerSecond != handshakesPerSecond)
            {
                _rate = null;
            }

            (_maxConnections, _handshakesPerSecond) = (maxConnections, handshakesPerSecond);
        }
    }

    /// <summary>Takes a place and a handshake within the share.</summary>
    /// <returns><see langword="null"/>: the cluster has to be asked.</returns>
    public SharedLimit? TryTake()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (_maxConnections > 0 && _used >= _granted)
            {
                return now < _fullUntil ? SharedLimit.Connections : null;
            }

            if (_handshakesPerSecond > 0 && _rate is null)
            {
                return null;
            }

            if (_handshakesPerSecond > 0 && !TryTakeHandshake(now))
            {
                return SharedLimit.Handshakes;
            }

            _used++;
            return SharedLimit.Within;
        }
    }

    /// <summary>Handshakes that wait for the cluster's answer.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>One more waits, or one less.</summary>
    public void Wait(int change) => Interlocked.Add(ref _waiting, change);

    /// <summary>Takes a place that the cluster was not heard about.</summary>
    public void TakeOnItsOwn()
    {
        lock (_gate)
        {
            _used++;
        }
    }

    /// <summary>Gives a place back.</summary>
    /// <returns>Whether the cluster is to have it at once.</returns>
    public bool Return()
    {
        lock (_gate)
        {
            _used--;
            return _maxConnections > 0 && _isScarce && _granted > _used;
        }
    }

    /// <summary>Takes what the cluster grants.</summary>
    public void Take(LimitGrantWire grant)
    {
        lock (_gate)
        {
            (_granted, _isScarce, _rate) = (grant.Granted, grant.IsScarce, grant.HandshakesPerSecond);
            _fullUntil = grant.Granted > _used ? 0 : time.GetTimestamp() + (long)(FullFor.TotalSeconds * time.TimestampFrequency);
        }
    }

    // Generic cell rate algorithm, as for the limit of the gateway alone.
    private bool TryTakeHandshake(long now)
    {
        var interval = time.TimestampFrequency / Math.Max(_rate!.Value, 0.001);
        var burst = Math.Max(0, time.TimestampFrequency - interval);
        var next = Math.Max(_nextHandshakeAt, now);
        if (next - now > burst)
        {
            return false;
        }

        _nextHandshakeAt = (long)(next + interval);
        return true;
    }
}
