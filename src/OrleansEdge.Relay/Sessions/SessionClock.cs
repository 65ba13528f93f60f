namespace OrleansEdge.Relay.Sessions;

/// <summary>A session's place in the clock.</summary>
internal sealed class ClockEntry(RelaySession session)
{
    public RelaySession Session { get; } = session;

    internal ClockEntry? Next { get; set; }

    internal ClockEntry? Previous { get; set; }

    internal long DueTick { get; set; } = -1;

    internal bool IsRemoved { get; set; }
}

/// <summary>One timer for all sessions: a wheel of slots, each a tick wide. Frames never touch it; a session whose time has come
/// looks at its own time stamps and says when to look again. So the cost grows with sessions, not with traffic. Never early, at
/// most two ticks late. Thread safe.</summary>
internal sealed class SessionClock : IDisposable
{
    /// <summary>Width of a slot.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    private const int Slots = 512;

    private readonly Lock _gate = new();
    private readonly ClockEntry?[] _slots = new ClockEntry?[Slots];
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly long _origin;
    private readonly long _tickLength;
    private long _passed;
    private int _turning;

    public SessionClock(TimeProvider time)
    {
        _time = time;
        _origin = time.GetTimestamp();
        _tickLength = TicksIn(Tick, time);
        _timer = time.CreateTimer(static clock => ((SessionClock)clock!).Turn(), this, Tick, Tick);
    }

    /// <summary>Called at each tick, for what is done about as often.</summary>
    public event Action? Ticked;

    /// <summary>A span in units of the time provider's time stamps.</summary>
    public static long TicksIn(TimeSpan span, TimeProvider time) => (long)(span.TotalSeconds * time.TimestampFrequency);

    /// <summary>Has a session checked at a time stamp or up to two ticks after it; replaces what was asked before.
    /// <see cref="long.MaxValue"/>: not at all.</summary>
    public void CheckAt(ClockEntry entry, long timestamp)
    {
        lock (_gate)
        {
            Unlink(entry);
            if (timestamp != long.MaxValue && !entry.IsRemoved)
            {
                Link(entry, Math.Max(_passed + 1, ((timestamp - _origin) / _tickLength) + 1));
            }
        }
    }

    /// <summary>Takes a session out for good.</summary>
    public void Remove(ClockEntry entry)
    {
        lock (_gate)
        {
            entry.IsRemoved = true;
            Unlink(entry);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Turn()
    {
        if (Interlocked.Exchange(ref _turning, 1) != 0)
        {
            return;
        }

        try
        {
            var due = new List<ClockEntry>();
            CollectDue(due);
            foreach (var entry in due)
            {
                CheckAt(entry, entry.Session.Check(_time.GetTimestamp()));
            }

            Ticked?.Invoke();
        }
        finally
        {
            Volatile.Write(ref _turning, 0);
        }
    }

    private void CollectDue(List<ClockEntry> due)
    {
        lock (_gate)
        {
            var current = (_time.GetTimestamp() - _origin) / _tickLength;
            var first = Math.Max(_passed + 1, current - Slots + 1);
            for (var tick = first; tick <= current; tick++)
            {
                CollectSlot(tick, current, due);
            }

            _passed = Math.Max(_passed, current);
        }
    }

    private void CollectSlot(long tick, long current, List<ClockEntry> due)
    {
        for (var entry = _slots[tick % Slots]; entry is not null;)
        {
            var next = entry.Next;
            if (entry.DueTick <= current)
            {
                Unlink(entry);
                due.Add(entry);
            }

            entry = next;
        }
    }

    private void Link(ClockEntry entry, long tick)
    {
        entry.DueTick = tick;
        ref var slot = ref _slots[tick % Slots];
        entry.Next = slot;
        if (slot is not null)
        {
            slot.Previous = entry;
        }

        slot = entry;
    }

    private void Unlink(ClockEntry entry)
    {
        if (entry.DueTick < 0)
        {
            return;
        }

        ref var slot = ref _slots[entry.DueTick % Slots];
        if (entry.Previous is { } previous)
        {
            previous.Next = entry.Next;
        }
        else
        {
            slot = entry.Next;
        }

        if (entry.Next is { } next)
        {
            next.Previous = entry.Previous;
        }

        entry.Next = entry.Previous = null;
        entry.DueTick = -1;
    }
}
