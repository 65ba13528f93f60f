namespace OrleansEdge.Relay.Tests.Telemetry;

/// <summary>A clock that stands until it is told.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private long _ticks = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero).Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public void Step(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
