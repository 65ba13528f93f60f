namespace OrleansEdge.Model;

/// <summary>A plan as it is ordered.</summary>
/// <param name="Kind">What it pays for, and nothing else.</param>
/// <param name="Bytes">How much, up and down together: 1 to <see cref="PlanDocument.MaxBytes"/>.</param>
/// <param name="ValidFrom">It covers the buckets that start in [validFrom, validTo); on a bound of buckets, UTC.</param>
/// <param name="ValidTo">End of its validity, on a bound of buckets, UTC.</param>
public sealed record PlanOrder(UsageKind Kind, long Bytes, DateTimeOffset ValidFrom, DateTimeOffset ValidTo);

/// <summary>A plan that was bought. Immutable.</summary>
/// <param name="Id">Unique within the tenant.</param>
/// <param name="Order">What was bought.</param>
/// <param name="BoughtAt">When, UTC.</param>
public sealed record PrepaidPlan(string Id, PlanOrder Order, DateTimeOffset BoughtAt)
{
    /// <summary>Whether it is valid at an instant; it covers the buckets at whose start it is.</summary>
    public bool IsValidAt(DateTimeOffset time) => Order.ValidFrom <= time && time < Order.ValidTo;

    /// <summary>Whether it covers some of the buckets that start in [from, to).</summary>
    public bool IsValidWithin(DateTimeOffset from, DateTimeOffset to) => Order.ValidFrom < to && from < Order.ValidTo;
}
