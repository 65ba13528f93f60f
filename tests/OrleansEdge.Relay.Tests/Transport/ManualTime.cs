namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>Time that stands still until it is moved. Tells when somebody waits on it.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _sync = new();
    private readonly List<Alarm> _alarms = [];
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, callback, state);
        alarm.Change(dueTime, period);
        return alarm;
    }

    /// <summary>Waits until somebody has armed a timer of that length.</summary>
    public async Task ArmedAsync(TimeSpan length)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!IsArmed(length))
        {
            await Task.Delay(5, late.Token);
        }
    }

    public void Advance(TimeSpan by)
    {
        List<Alarm> due;
        lock (_sync)
        {
            _now += by;
            due = [.. _alarms.Where(alarm => alarm.Due <= _now)];
            _alarms.RemoveAll(due.Contains);
        }

        due.ForEach(alarm => alarm.Ring());
    }

    private bool IsArmed(TimeSpan length)
    {
        lock (_sync)
        {
            return _alarms.Exists(alarm => alarm.Length == length);
        }
    }

    private sealed class Alarm(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public TimeSpan Length { get; private set; }

        public void Ring() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._sync)
            {
                time._alarms.Remove(this);
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    (Length, Due) = (dueTime, time._now + dueTime);
                    time._alarms.Add(this);
                }
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
