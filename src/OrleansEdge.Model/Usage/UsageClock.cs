namespace OrleansEdge.Model;

/// <summary>The instants with which reports are stored: those of a clock, but never before the closing of a month of which a statement was
/// made. So what comes after that is late whatever the clock says, and goes on a later statement. Immutable.</summary>
/// <param name="ClosedThrough">The last month of which statements may have been made; <see langword="null"/>: none. Whoever stores reports
/// keeps it, and has it on the disk before the first of these statements is made.</param>
public sealed record UsageClock(UsageMonth? ClosedThrough)
{
    /// <summary>The same once statements of a month may have been made.</summary>
    public UsageClock After(UsageMonth month) => ClosedThrough >= month ? this : new(month);

    /// <summary>With what is stored that comes now.</summary>
    public DateTimeOffset At(DateTimeOffset now) => ClosedThrough is { } month && month.ClosesAt > now ? month.ClosesAt : now;
}
