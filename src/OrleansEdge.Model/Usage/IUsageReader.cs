namespace OrleansEdge.Model;

/// <summary>Reads what a ledger holds. Thread safe; what is read of one hour is of one instant.</summary>
public interface IUsageReader
{
    /// <summary>Usage of an owner in the hours [from, to), in the order of time; hours without usage are left out.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    IEnumerable<UsageHourTotals> Read(string owner, UsageHour from, UsageHour to);

    /// <summary>Owners that have usage in the hours [from, to), tenants and gateways, ordinal.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    IReadOnlyList<string> ListOwners(UsageHour from, UsageHour to);

    /// <summary>Changes that came after the statement of their bucket's month had closed, noted in [from, to), in the order of time.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    IReadOnlyList<UsageAdjustment> ListAdjustments(string owner, DateTimeOffset from, DateTimeOffset to);
}

/// <summary>Sums over all sources for one owner and hour.</summary>
/// <param name="Hour">The hour.</param>
/// <param name="Entries">In the order of their keys, each key once, with everything that ever arrived.</param>
/// <param name="Adjustments">What of that arrived after the statement of the month had closed, in the order of arrival.</param>
public sealed record UsageHourTotals(UsageHour Hour, IReadOnlyList<UsageEntry> Entries, IReadOnlyList<UsageAdjustment> Adjustments);

/// <summary>A change of a bucket whose month's statement had closed: new maximum less old maximum.</summary>
/// <param name="At">When it was stored, UTC.</param>
/// <param name="Key">What it belongs to.</param>
/// <param name="Delta">By how much the counts grew.</param>
public sealed record UsageAdjustment(DateTimeOffset At, UsageKey Key, UsageCounts Delta);
