using System.Net;
using OrleansEdge.Model;
using OrleansEdge.Relay.Framing;
using OrleansEdge.Relay.Metering;

namespace OrleansEdge.Relay.Sessions;

/// <summary>What is fixed for the life of a session.</summary>
internal sealed record SessionFacts
{
    public required string Id { get; init; }

    public required string Gateway { get; init; }

    public required DomainState Domain { get; init; }

    public required DomainSnapshot Snapshot { get; init; }

    public required IPEndPoint Client { get; init; }

    public required IPEndPoint Origin { get; init; }

    public required bool IsHttp2 { get; init; }

    public required string? Subprotocol { get; init; }

    public required FrameExtensions Extensions { get; init; }

    public required string Path { get; init; }

    public required DateTimeOffset StartedAt { get; init; }
}

/// <summary>One relayed WebSocket: two sides, two pumps, one end. The first cause that is named ends it
/// (<see cref="TryEnd"/>); <see cref="SessionClosing"/> then closes both sides. Thread safe.</summary>
internal sealed class RelaySession : IPumpEvents
{
    // Stands for the time of a session that is not counted yet, or not any more.
    private const long NotCounted = long.MaxValue;

    // Shorter than an hour's counters stay open after it (UsageSpool.CloseAfter).
    private static readonly TimeSpan IdleMeterInterval = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LostPeerGrace = TimeSpan.FromSeconds(1);

    private readonly SessionServices _services;
    private readonly RelayPump _up;
    private readonly RelayPump _down;
    private readonly long _startedAt;
    private volatile SessionPolicy _policy;
    private volatile UsageMeter _meter;
    private SessionTotals _totals;
    private SessionTotals _taken;
    private long _meteredMilliseconds = NotCounted;
    private volatile bool _hasPassed;
    private int _cause = -1;
    private SessionPhase _phase = SessionPhase.Relaying;

    public RelaySession(SessionFacts facts, RelayLeg client, RelayLeg origin, SessionServices services)
    {
        Facts = facts;
        _services = services;
        _policy = SessionPolicy.From(facts.Snapshot);
        _meter = MeterOf(_policy);
        _startedAt = services.Time.GetTimestamp();
        Client = new SessionSide(client, isClient: true, _startedAt, OwnFrameSent);
        Origin = new SessionSide(origin, isClient: false, _startedAt);
        _up = new RelayPump(Client, Origin, RulesFor(fromClient: true), this, services.Time);
        _down = new RelayPump(Origin, Client, RulesFor(fromClient: false), this, services.Time);
        ClockEntry = new ClockEntry(this);
    }

    public SessionFacts Facts { get; }

    public SessionSide Client { get; }

    public SessionSide Origin { get; }

    public SessionSignals Signals { get; } = new();

    public ClockEntry ClockEntry { get; }

    public int OriginLostCode => _policy.OriginLostCode;

    public TimeSpan Age => _services.Time.GetElapsedTime(_startedAt);

    /// <summary>Bytes and messages so far. Each direction has one writer.</summary>
    public SessionTotals Totals => new(
        Volatile.Read(ref _totals.BytesUp), Volatile.Read(ref _totals.BytesDown), Volatile.Read(ref _totals.MessagesUp), Volatile.Read(ref _totals.MessagesDown));

    /// <summary>Traffic since the last call; for one caller at a time.</summary>
    public SessionTotals TakeTraffic()
    {
        var totals = Totals;
        var traffic = totals - _taken;
        _taken = totals;
        return traffic;
    }

    /// <summary>Counts the session, once its client was told of it.</summary>
    public void MeterOpening()
    {
        _meter.Add(new UsageCounts { Sessions = 1 });
        Volatile.Write(ref _meteredMilliseconds, 0);
    }

    /// <summary>Counts the time that the session has been open: of one that is idle only now and then, so that it is not reported all
    /// the time.</summary>
    public void MeterTime()
    {
        var age = Age;
        if (_hasPassed || age.TotalMilliseconds - Volatile.Read(ref _meteredMilliseconds) >= IdleMeterInterval.TotalMilliseconds)
        {
            _hasPassed = false;
            MeterTime(age);
        }
    }

    /// <summary>Counts the time that the session has been open up to an age, as far as it was not counted before.</summary>
    public void MeterTime(TimeSpan age)
    {
        var milliseconds = (long)age.TotalMilliseconds;
        var counted = Volatile.Read(ref _meteredMilliseconds);
        while (milliseconds > counted)
        {
            var seen = Interlocked.CompareExchange(ref _meteredMilliseconds, milliseconds, counted);
            if (seen == counted)
            {
                _meter.AddSessionTime(milliseconds - counted);
                return;
            }

            counted = seen;
        }
    }

    /// <summary>Counts the rest of the time, for the last time.</summary>
    /// <returns>How long the session was open: to the millisecond what was counted.</returns>
    public TimeSpan MeterEnd()
    {
        var age = Age;
        while (true)
        {
            var counted = Volatile.Read(ref _meteredMilliseconds);
            if (counted == NotCounted)
            {
                return age;
            }

            // Somebody may have counted a moment later than this age.
            var last = Math.Max((long)age.TotalMilliseconds, counted);
            if (Interlocked.CompareExchange(ref _meteredMilliseconds, NotCounted, counted) == counted)
            {
                _meter.AddSessionTime(last - counted);
                return last > age.TotalMilliseconds ? TimeSpan.FromMilliseconds(last) : age;
            }
        }
    }

    /// <summary>Relays until the session has ended and both transports are given back.</summary>
    public async Task<SessionEnd> RunAsync()
    {
        var up = _up.RunAsync();
        var down = _down.RunAsync();
        _services.Clock.CheckAt(ClockEntry, NextCheck(_services.Time.GetTimestamp()));
        await Signals.WaitAsync(Sessions.Signals.End);
        _services.Clock.Remove(ClockEntry);
        await CloseAsync();
        Client.Leg.Dispose();
        Origin.Leg.Dispose();
        await Task.WhenAll(up, down);
        return new SessionEnd(SessionEndRule.Of((EndCause)_cause), _phase, Client.Sender.CloseCode, Origin.Sender.CloseCode);
    }

    /// <summary>Names the cause of the end; only the first one counts.</summary>
    /// <returns>Whether this one did.</returns>
    public bool TryEnd(EndCause cause)
    {
        if (Interlocked.CompareExchange(ref _cause, (int)cause, -1) != -1)
        {
            return false;
        }

        _phase = cause == EndCause.EdgeDraining ? SessionPhase.Draining : SessionPhase.Relaying;
        Signals.Raise(Sessions.Signals.End);
        return true;
    }

    /// <summary>Cuts both sides, however far the closing got.</summary>
    public void Cut()
    {
        TryEnd(EndCause.EdgeDraining);
        Client.Leg.Abort();
        Origin.Leg.Abort();
    }

    /// <summary>Puts a newer document of the domain in force.</summary>
    public void Apply(DomainSnapshot snapshot)
    {
        if (snapshot.TenantBlocked)
        {
            TryEnd(EndCause.TenantBlocked);
            return;
        }

        if (!snapshot.Config.WebSocket.Enabled || snapshot.Config.Acceleration == Acceleration.Static)
        {
            TryEnd(EndCause.DomainDisabled);
            return;
        }

        if (snapshot.Exhausted.HasFlag(ExhaustedQuota.Websocket))
        {
            TryEnd(EndCause.QuotaExhausted);
            return;
        }

        var policy = SessionPolicy.From(snapshot);
        if (policy != _policy)
        {
            if (policy.Tenant != _policy.Tenant)
            {
                MeterTime(Age);
                _meter = MeterOf(policy);
            }

            _policy = policy;
            _services.Clock.CheckAt(ClockEntry, _services.Time.GetTimestamp());
        }
    }

    /// <summary>Does what is due: ends the session or pings a side.</summary>
    /// <returns>When to look again, as a time stamp; <see cref="long.MaxValue"/>: when the policy changes.</returns>
    public long Check(long now)
    {
        var policy = _policy;
        if (IsDue(policy.Timeout, LastActivityAt(policy), now))
        {
            TryEnd(EndCause.IdleTimeout);
        }
        else if (IsDue(policy.Lifetime, _startedAt, now))
        {
            TryEnd(EndCause.SessionLifetime);
        }
        else if (policy.PingInterval > TimeSpan.Zero)
        {
            CheckPing(Client, policy, now);
            CheckPing(Origin, policy, now);
        }

        return Volatile.Read(ref _cause) == -1 ? NextCheck(now) : long.MaxValue;
    }

    public SessionInfo Describe()
    {
        var totals = Totals;
        var sinceActivity = _services.Time.GetElapsedTime(LastActivityAt(_policy));
        return new SessionInfo
        {
            Id = Facts.Id,
            Domain = Facts.Snapshot.Domain,
            Tenant = _policy.Tenant,
            Gateway = Facts.Gateway,
            Client = Facts.Client.ToString(),
            Origin = Facts.Origin.ToString(),
            Protocol = Facts.IsHttp2 ? "h2" : "http/1.1",
            Subprotocol = Facts.Subprotocol,
            StartedAt = Facts.StartedAt,
            LastActivityAt = _services.Time.GetUtcNow() - sinceActivity,
            BytesUp = totals.BytesUp,
            BytesDown = totals.BytesDown,
            MessagesUp = totals.MessagesUp,
            MessagesDown = totals.MessagesDown,
        };
    }

    bool IPumpEvents.RelaysClose(SessionSide source)
    {
        var own = source.IsClient ? EndCause.ClientClose : EndCause.OriginClose;
        return TryEnd(own) || (EndCause)_cause is EndCause.ClientClose or EndCause.OriginClose;
    }

    void IPumpEvents.Passed(SessionSide source, int read, int taken, int messages)
    {
        _hasPassed = true;
        if (source.IsClient)
        {
            Volatile.Write(ref _totals.BytesUp, _totals.BytesUp + read);
            Volatile.Write(ref _totals.MessagesUp, _totals.MessagesUp + messages);
            _meter.Add(new UsageCounts { BytesUp = read, MessagesUp = messages, OriginBytesUp = taken });
            return;
        }

        // Of what a failed send left out it is not known which messages it held.
        messages = taken == read ? messages : 0;
        Volatile.Write(ref _totals.BytesDown, _totals.BytesDown + taken);
        Volatile.Write(ref _totals.MessagesDown, _totals.MessagesDown + messages);
        _meter.Add(new UsageCounts { BytesDown = taken, MessagesDown = messages, OriginBytesDown = read });
    }

    void IPumpEvents.AnswerSwallowed(SessionSide source, int length)
    {
        if (source.IsClient)
        {
            _meter.Add(new UsageCounts { EdgeBytesUp = length });
        }
    }

    void IPumpEvents.CloseSeen(SessionSide source) => Signals.Raise(source.Closed);

    void IPumpEvents.FrameRefused(SessionSide source, ScanStop why)
    {
        var cause = (source.IsClient, why) switch
        {
            (true, ScanStop.MessageTooBig) => EndCause.ClientMessageTooBig,
            (false, ScanStop.MessageTooBig) => EndCause.OriginMessageTooBig,
            (true, _) => EndCause.ClientProtocolError,
            (false, _) => EndCause.OriginProtocolError,
        };
        if (!TryEnd(cause))
        {
            // It cannot answer any more in a way that the edge understands.
            Signals.Raise(source.Closed);
        }
    }

    // A peer that closed properly and then went away makes sends fail before its Close is read. So what it sent is read first.
    void IPumpEvents.SendFailed(SessionSide target) => _ = EndLostAsync(target);

    void IPumpEvents.SourceGone(SessionSide source)
    {
        TryEnd(source.IsClient ? EndCause.ClientLost : EndCause.OriginLost);
        Signals.Raise(source.Gone);
    }

    void IPumpEvents.Faulted(SessionSide source, Exception fault)
    {
        _services.Log.SessionFaulted(Facts.Id, Facts.Snapshot.Domain, fault);
        TryEnd(EndCause.EdgeFault);
    }

    private void OwnFrameSent(int length) => _meter.Add(new UsageCounts { EdgeBytesDown = length });

    private UsageMeter MeterOf(SessionPolicy policy) => _services.Spool.MeterOf(policy.Tenant, Facts.Snapshot.Domain, UsageKind.Websocket);

    // Whatever goes wrong here, the transports are given back and the end is told.
    private async Task CloseAsync()
    {
        try
        {
            await new SessionClosing(this, _services.Time).RunAsync((EndCause)_cause);
        }
        catch (Exception fault)
        {
            _services.Log.SessionFaulted(Facts.Id, Facts.Snapshot.Domain, fault);
        }
    }

    private async Task EndLostAsync(SessionSide side)
    {
        await Signals.WaitAsync(Sessions.Signals.End).WithinAsync(LostPeerGrace, _services.Time);
        TryEnd(side.IsClient ? EndCause.ClientLost : EndCause.OriginLost);
    }

    private FrameRules RulesFor(bool fromClient)
    {
        var webSocket = Facts.Snapshot.Config.WebSocket;
        return new(fromClient, webSocket.Protocol, Facts.Extensions, webSocket.MaxMessageBytes);
    }

    private long LastActivityAt(SessionPolicy policy) => policy.IdleCounts == IdleCounts.Messages
        ? Math.Max(_up.LastDataAt, _down.LastDataAt)
        : Math.Max(_up.LastFrameAt, _down.LastFrameAt);

    private void CheckPing(SessionSide side, SessionPolicy policy, long now)
    {
        if (!side.IsRead)
        {
            return;
        }

        if (side.PingSentAt != 0 && side.LastByteAt > side.PingSentAt)
        {
            side.PingSentAt = 0;
        }

        if (side.PingSentAt != 0)
        {
            if (IsDue(policy.PingInterval * 2, side.PingSentAt, now))
            {
                TryEnd(side.IsClient ? EndCause.ClientPingTimeout : EndCause.OriginPingTimeout);
            }
        }
        else if (!side.OwesPeerPong && IsDue(policy.PingInterval, side.LastByteAt, now))
        {
            side.TryPing(now);
        }
    }

    private bool IsDue(TimeSpan limit, long since, long now) => limit > TimeSpan.Zero && _services.Time.GetElapsedTime(since, now) >= limit;

    private long NextCheck(long now)
    {
        var policy = _policy;
        var next = Math.Min(DueAt(policy.Timeout, LastActivityAt(policy)), DueAt(policy.Lifetime, _startedAt));
        if (policy.PingInterval > TimeSpan.Zero)
        {
            next = Math.Min(next, Math.Min(NextPingCheck(Client, policy, now), NextPingCheck(Origin, policy, now)));
        }

        return next;
    }

    // A side that is not read, owes a pong or had no room for a ping is looked at again soon.
    private long NextPingCheck(SessionSide side, SessionPolicy policy, long now)
    {
        var due = side.PingSentAt != 0 ? DueAt(policy.PingInterval * 2, side.PingSentAt) : DueAt(policy.PingInterval, side.LastByteAt);
        return Math.Max(due, now + SessionClock.TicksIn(SessionClock.Tick, _services.Time));
    }

    private long DueAt(TimeSpan limit, long since)
        => limit > TimeSpan.Zero ? since + SessionClock.TicksIn(limit, _services.Time) : long.MaxValue;
}

/// <summary>Bytes (WebSocket frames on the client leg) and data messages of a session.</summary>
internal record struct SessionTotals
{
    public long BytesUp;
    public long BytesDown;
    public long MessagesUp;
    public long MessagesDown;

    public SessionTotals(long bytesUp, long bytesDown, long messagesUp, long messagesDown)
        => (BytesUp, BytesDown, MessagesUp, MessagesDown) = (bytesUp, bytesDown, messagesUp, messagesDown);

    public static SessionTotals operator +(SessionTotals a, SessionTotals b)
        => new(a.BytesUp + b.BytesUp, a.BytesDown + b.BytesDown, a.MessagesUp + b.MessagesUp, a.MessagesDown + b.MessagesDown);

    public static SessionTotals operator -(SessionTotals a, SessionTotals b)
        => new(a.BytesUp - b.BytesUp, a.BytesDown - b.BytesDown, a.MessagesUp - b.MessagesUp, a.MessagesDown - b.MessagesDown);
}
