namespace OrleansEdge.Testing;

/// <summary>A clock that a test moves. It stands still otherwise: timers fire inside <see cref="Advance"/>, in the order of their due
/// times, on the thread that advances. Thread safe.</summary>
public sealed class ManualTimeProvider : TimeProvider
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _armed = [];
    private readonly List<(TimeSpan DueTime, TaskCompletionSource Seen)> _waiting = [];
    private DateTimeOffset _now;
    private TimeSpan _step;

    /// <summary>A clock.</summary>
    /// <param name="start">Where it stands; default: the beginning of 2030, UTC.</param>
    public ManualTimeProvider(DateTimeOffset? start = null) => _now = start ?? new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now + _step;
        }
    }

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _now.Ticks;
        }
    }

    /// <summary>Sets the clock on the wall, back or forward, as a person or NTP does: time does not pass by it.</summary>
    public void Step(TimeSpan by)
    {
        lock (_lock)
        {
            _step += by;
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock and fires what comes due on the way, periodic timers as often as they are due.</summary>
    /// <param name="by">How far; not negative.</param>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        DateTimeOffset end;
        lock (_lock)
        {
            end = _now + by;
        }
        while (NextDue(end) is { } due)
        {
            due.Fire();
        }
    }

    /// <summary>Completes when a timer is armed that is due in exactly this time from the moment of arming: arm the wait, then advance.</summary>
    /// <param name="dueTime">What the code under test waits for.</param>
    /// <exception cref="TimeoutException">Nobody armed such a timer within 30 s of real time.</exception>
    public async Task WhenArmedAsync(TimeSpan dueTime)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_armed.Exists(timer => timer.DueTime == dueTime))
            {
                return;
            }
            _waiting.Add((dueTime, seen));
        }
        try
        {
            await seen.Task.WaitAsync(Patience);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"No timer of {dueTime} was armed within {Patience}.", exception);
        }
    }

    private ManualTimer? NextDue(DateTimeOffset end)
    {
        lock (_lock)
        {
            var due = _armed.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
            _now = due is null ? end : due.Due > _now ? due.Due : _now;
            due?.Rearm();
            return due;
        }
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public TimeSpan DueTime { get; private set; }

        public DateTimeOffset Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                clock._armed.Remove(this);
                _period = period;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    Arm(dueTime);
                }
            }
            return true;
        }

        // Called under the clock's lock.
        public void Rearm()
        {
            clock._armed.Remove(this);
            if (_period > TimeSpan.Zero)
            {
                Arm(_period);
            }
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (clock._lock)
            {
                clock._armed.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(TimeSpan dueTime)
        {
            (DueTime, Due) = (dueTime, clock._now + dueTime);
            clock._armed.Add(this);
            foreach (var waiting in clock._waiting.Where(waiting => waiting.DueTime == dueTime))
            {
                waiting.Seen.TrySetResult();
            }
            clock._waiting.RemoveAll(waiting => waiting.DueTime == dueTime);
        }
    }
}
