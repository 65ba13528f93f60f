using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Limits;

/// <summary>What one gateway may use of one domain's limits. Thread safe.</summary>
internal sealed class LimitShare(TimeProvider time)
{
    // Refused clients that come again at once are not each worth a call.
    private static readonly TimeSpan FullFor = TimeSpan.FromMilliseconds(200);

    // Of the process: a share that follows on another is not to begin anew.
    private static long _lastAsk;

    private readonly Lock _gate = new();
    private int _maxConnections;
    private int _handshakesPerSecond;
    private int _used;
    private int _waiting;
    private bool _isOver;
    private long _givenBack;
    private long _answered;
    private DomainSnapshot? _followed;
    private int _granted;
    private bool _isScarce;
    private double? _rate;
    private long _fullUntil;
    private long _nextHandshakeAt;

    /// <summary>Whether the domain has limits that are to be shared.</summary>
    public bool IsLimited
    {
        get
        {
            lock (_gate)
            {
                return (_maxConnections, _handshakesPerSecond) is not (0, 0);
            }
        }
    }

    /// <summary>Whether the cluster may hold a lease for it.</summary>
    public bool IsLeased { get; set; }

    /// <summary>Lets one handshake in that decides on a place, with the document that it found. Until <see cref="Leave"/> the share stays.</summary>
    /// <returns>False: the share is over, take another.</returns>
    public bool TryEnter(DomainSnapshot domain)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return false;
            }

            // What a handshake found may be older than what was told since.
            SetLimits((_followed ?? domain).Config.WebSocket);
            _waiting++;
            return true;
        }
    }

    /// <summary>Lets it out.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _waiting--;
        }
    }

    /// <summary>Takes a change of the domain; <see langword="null"/>: it is deleted.</summary>
    /// <returns>Whether the cluster is to hear at once what is open here.</returns>
    public bool Follow(DomainSnapshot? current)
    {
        lock (_gate)
        {
            _followed = current;
            return current is not null && SetLimits(current.Config.WebSocket) && _maxConnections > 0 && _used > 0;
        }
    }

    /// <summary>Ends the share where the gateway has no connection of the domain, and no rate to keep.</summary>
    public bool TryEnd()
    {
        lock (_gate)
        {
            return _isOver = _used == 0 && _waiting == 0 && time.GetElapsedTime(_nextHandshakeAt) > LimitShares.LeaseTime;
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
            if (_maxConnections == 0 || !_isScarce || _granted <= _used)
            {
                return false;
            }

            // Another gateway may have it before this one hears that it is gone.
            _granted--;
            _givenBack++;
            return true;
        }
    }

    /// <summary>What the cluster is to be told and asked now.</summary>
    /// <param name="gateway">Which process this is.</param>
    public AskedShare Ask(Guid gateway)
    {
        lock (_gate)
        {
            var wire = new LimitAskWire(gateway, _used, _waiting, _maxConnections, _handshakesPerSecond) { Number = Interlocked.Increment(ref _lastAsk) };
            return new(wire, _givenBack);
        }
    }

    /// <summary>Takes what the cluster grants. An answer that a newer one has overtaken counts no more.</summary>
    /// <param name="asked">The question.</param>
    /// <param name="grant">The answer.</param>
    public void Take(AskedShare asked, LimitGrantWire grant)
    {
        lock (_gate)
        {
            if (asked.Wire.Number < _answered)
            {
                return;
            }

            _answered = asked.Wire.Number;
            var givenBackSince = (int)(_givenBack - asked.GivenBack);
            (_granted, _isScarce, _rate) = (grant.Granted - givenBackSince, grant.IsScarce, grant.HandshakesPerSecond);
            _fullUntil = _granted > _used || asked.Wire.Wanted == 0 ? 0 : time.GetTimestamp() + (long)(FullFor.TotalSeconds * time.TimestampFrequency);
        }
    }

    private bool SetLimits(WebSocketConfig limits)
    {
        if (_handshakesPerSecond != limits.HandshakesPerSecond)
        {
            _rate = null;
        }

        var isOther = _maxConnections != limits.MaxConnections;
        if (isOther)
        {
            // What was granted was a share of another limit.
            (_granted, _fullUntil) = (0, 0);
        }

        (_maxConnections, _handshakesPerSecond) = (limits.MaxConnections, limits.HandshakesPerSecond);
        return isOther;
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

/// <summary>A question to the cluster.</summary>
/// <param name="Wire">The question itself.</param>
/// <param name="GivenBack">Places that had been given back before.</param>
internal readonly record struct AskedShare(LimitAskWire Wire, long GivenBack);
