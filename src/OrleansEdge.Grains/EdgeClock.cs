namespace OrleansEdge.Grains;

/// <summary>The clock of the grains' rules: what the time is, not when timers fire, which is Orleans' own.</summary>
public sealed record EdgeClock(TimeProvider Time)
{
    /// <summary>Now, UTC, in whole milliseconds.</summary>
    public DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(Time.GetUtcNow().ToUnixTimeMilliseconds());
}
