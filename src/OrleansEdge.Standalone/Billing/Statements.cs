using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Makes statements out of the ledger. Thread safe.</summary>
internal sealed class Statements
{
    /// <summary>How long after a statement's closing it is made for good: a report that was taken before it closed may be seen in the
    /// ledger a little later, and must be on it.</summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromMinutes(1);

    private readonly IUsageReader _usage;

    public Statements(IUsageReader usage) => _usage = usage;

    /// <summary>The last month whose statement can be made for good.</summary>
    public static UsageMonth LastSettled(DateTimeOffset now)
    {
        var month = UsageMonth.At(now).Previous;
        return now < month.ClosesAt + SettleTime ? month.Previous : month;
    }

    /// <summary>A month's statement, and what is used of the plans after it.</summary>
    /// <exception cref="IOException">The ledger cannot be read.</exception>
    public (Statement Statement, PlanUse Use) Make(Account account, UsageMonth month, bool isClosed)
    {
        var builder = new StatementBuilder(account.Tenant, month, account.Plans, account.Terms, CarryInto(account, month));
        builder.AddAdjustments(ListLate(account, month));
        foreach (var hour in _usage.Read(account.Tenant, UsageHour.At(month.Start), UsageHour.At(month.End)))
        {
            builder.Add(hour);
        }

        return (builder.Build(isClosed), builder.Use);
    }

    /// <summary>What is used of the plans before a month.</summary>
    public PlanUse CarryInto(Account account, UsageMonth month)
    {
        if (account.Plans.FirstMonth is not { } first)
        {
            return PlanUse.Nothing;
        }

        var (next, use) = account.Closed is { } closed && closed < month ? (closed.Next, account.ClosedUse) : (first, PlanUse.Nothing);
        for (; next < month; next = next.Next)
        {
            use = WalkThrough(account, next, use);
        }

        return use;
    }

    /// <summary>Begins to walk through a month, with the late usage that goes on its statement.</summary>
    public PlanWalk Begin(Account account, UsageMonth month, PlanUse before) => new(account.Plans, month, before, ListLate(account, month));

    /// <summary>Hours of a month [from, to); none where no plan covers any of the month.</summary>
    public IEnumerable<UsageHourTotals> ReadCovered(Account account, UsageMonth month, UsageHour from, UsageHour to)
        => account.Plans.AnyWithin(month.Start, month.End) ? _usage.Read(account.Tenant, from, to) : [];

    private PlanUse WalkThrough(Account account, UsageMonth month, PlanUse before)
    {
        var walk = Begin(account, month, before);
        foreach (var hour in ReadCovered(account, month, UsageHour.At(month.Start), UsageHour.At(month.End)))
        {
            walk.Add(hour);
        }

        return walk.Use;
    }

    private IReadOnlyList<UsageAdjustment> ListLate(Account account, UsageMonth month)
        => _usage.ListAdjustments(account.Tenant, StatementPeriod.AdjustmentsFrom(month), StatementPeriod.AdjustmentsTo(month));
}
