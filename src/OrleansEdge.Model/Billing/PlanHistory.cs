namespace OrleansEdge.Model;

/// <summary>What months in the past used of an account's plans. Not thread safe.</summary>
public sealed class PlanHistory(Account account)
{
    /// <summary>What is used before the month that was asked for last.</summary>
    public PlanUse Use { get; private set; } = PlanUse.Nothing;

    /// <summary>Walks from the last closed statement up to a month.</summary>
    public IEnumerable<UsageRequest> WalkTo(UsageMonth month)
    {
        Use = PlanUse.Nothing;
        if (account.Plans.FirstMonth is not { } first)
        {
            yield break;
        }

        (var next, Use) = account.Closed is { } closed && closed < month ? (closed.Next, account.ClosedUse) : (first, PlanUse.Nothing);
        for (; next < month; next = next.Next)
        {
            PlanWalk? walk = null;
            yield return BeginMonth(account, next, Use, begun => walk = begun, hour => walk!.Add(hour));
            Use = walk!.Use;
        }
    }

    /// <summary>Asks for a whole month; for none of its hours where no plan covers any of it.</summary>
    internal static UsageRequest BeginMonth(Account account, UsageMonth month, PlanUse before, Action<PlanWalk> begin, Action<UsageHourTotals> addHour)
    {
        var from = UsageHour.At(month.Start);
        var to = account.Plans.AnyWithin(month.Start, month.End) ? UsageHour.At(month.End) : from;
        return new(month, from, to, late => begin(new(account.Plans, month, before, late)), addHour);
    }
}
