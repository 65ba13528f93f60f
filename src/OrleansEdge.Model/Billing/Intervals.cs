namespace OrleansEdge.Model;

/// <summary>What answers about usage share.</summary>
internal static class Intervals
{
    public static DateTimeOffset Floor(DateTimeOffset time, int seconds)
        => new(time.UtcTicks - (time.UtcTicks % (seconds * TimeSpan.TicksPerSecond)), TimeSpan.Zero);

    public static DateTimeOffset Ceiling(DateTimeOffset time, int seconds)
    {
        var floor = Floor(time, seconds);
        return floor == time ? floor : floor.AddSeconds(seconds);
    }

    public static UsageTotal Total(UsageCounts sum)
        => new(sum.BytesUp, sum.BytesDown, sum.MessagesUp, sum.MessagesDown, sum.Sessions, sum.SessionMilliseconds);

    public static ControlFailure TooBig() => new(
        ControlFailureKind.Invalid, "range_too_big", $"The answer would have more than {UsageQuery.MaxPoints} points: ask for less time or wider intervals.");
}
