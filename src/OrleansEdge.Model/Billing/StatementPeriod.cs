namespace OrleansEdge.Model;

/// <summary>What belongs on which statement: all usage of a month that arrived before its statement closed, and what arrived late for
/// earlier months until then.</summary>
public static class StatementPeriod
{
    /// <summary>How long after a statement's closing it is made for good: a report that was taken before it closed may be seen in the
    /// ledger a little later, and must be on it.</summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromMinutes(1);

    /// <summary>The last month whose statement can be made for good.</summary>
    public static UsageMonth LastSettled(DateTimeOffset now)
    {
        var month = UsageMonth.At(now).Previous;
        return now < month.ClosesAt + SettleTime ? month.Previous : month;
    }

    /// <summary>First instant of which late usage goes on a month's statement: when the statement before it closed.</summary>
    public static DateTimeOffset AdjustmentsFrom(UsageMonth month) => month.Previous.ClosesAt;

    /// <summary>First instant of which late usage does not go on a month's statement any more: when it closes.</summary>
    public static DateTimeOffset AdjustmentsTo(UsageMonth month) => month.ClosesAt;

    /// <summary>Start of the earliest month whose statement is open.</summary>
    public static DateTimeOffset EarliestOpen(DateTimeOffset now)
    {
        var month = UsageMonth.At(now);
        return (now < month.Previous.ClosesAt ? month.Previous : month).Start;
    }

    /// <summary>Late usage in the order in which plans pay for it: by bucket, domain and kind, then as it arrived.</summary>
    public static IEnumerable<UsageAdjustment> InOrder(IEnumerable<UsageAdjustment> adjustments)
        => adjustments.OrderBy(static adjustment => adjustment.Key).ThenBy(static adjustment => adjustment.At);

    /// <summary>Usage of an hour less what arrived after the month's statement had closed, in the order of the keys.</summary>
    public static IEnumerable<UsageEntry> OnTime(UsageHourTotals hour)
    {
        ArgumentNullException.ThrowIfNull(hour);
        if (hour.Adjustments.Count == 0)
        {
            return hour.Entries;
        }

        var late = hour.Adjustments
            .GroupBy(static adjustment => adjustment.Key)
            .ToDictionary(static group => group.Key, static group => group.Aggregate(default(UsageCounts), static (sum, next) => sum + next.Delta));
        return hour.Entries.Select(entry => entry with { Counts = entry.Counts - late.GetValueOrDefault(entry.Key) });
    }
}
