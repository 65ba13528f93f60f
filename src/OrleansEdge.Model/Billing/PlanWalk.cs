namespace OrleansEdge.Model;

/// <summary>What a month's usage takes of the plans, kept up to date while usage comes in, also late and for hours long past: from a
/// changed hour on it is walked again, from the last hour before it whose state was kept. Not thread safe.</summary>
public sealed class PlanWalk
{
    // States of the newest hours are all kept, of older ones the first of each day: late usage is nearly always an hour or two late.
    private const int NewestKept = 3;
    private const int HoursOfDay = 24;

    private readonly PrepaidPlans _plans;
    private readonly PlanUse _start;
    private readonly List<(UsageHour Hour, PlanUse Before)> _kept = [];
    private UsageHour _next;

    /// <summary>Begins a month.</summary>
    /// <param name="plans">The tenant's plans.</param>
    /// <param name="month">The month.</param>
    /// <param name="before">What earlier statements used.</param>
    /// <param name="adjustments">Late usage that goes on the month's statement (<see cref="StatementPeriod"/>); it comes before the
    /// month's own.</param>
    public PlanWalk(PrepaidPlans plans, UsageMonth month, PlanUse before, IEnumerable<UsageAdjustment> adjustments)
    {
        _plans = plans;
        Month = month;
        var allocation = new PlanAllocation(plans, before);
        foreach (var adjustment in StatementPeriod.InOrder(adjustments))
        {
            allocation.Take(adjustment.Key.Kind, adjustment.Key.Bucket, adjustment.Delta.BillableBytes);
        }

        Use = _start = allocation.Use;
        _next = UsageHour.At(month.Start);
    }

    /// <summary>The month.</summary>
    public UsageMonth Month { get; }

    /// <summary>What is used after the hours that were added.</summary>
    public PlanUse Use { get; private set; }

    /// <summary>Forgets what was added from an hour on, or a little more.</summary>
    /// <param name="changed">An hour of the month whose usage changed.</param>
    /// <returns>The hour from which on all hours have to be added again.</returns>
    public UsageHour Rewind(UsageHour changed)
    {
        if (changed < _next)
        {
            var index = _kept.FindLastIndex(kept => kept.Hour <= changed);
            (_next, Use) = index < 0 ? (UsageHour.At(Month.Start), _start) : _kept[index];
            _kept.RemoveRange(Math.Max(index, 0), _kept.Count - Math.Max(index, 0));
        }

        return _next;
    }

    /// <summary>Adds an hour of the month, later than those that were added.</summary>
    public void Add(UsageHourTotals hour)
    {
        ArgumentNullException.ThrowIfNull(hour);
        if (hour.Hour < _next)
        {
            throw new ArgumentException($"The hour {hour.Hour} was added already.", nameof(hour));
        }

        _kept.Add((hour.Hour, Use));
        _next = new(hour.Hour.Number + 1);
        Thin();
        var allocation = new PlanAllocation(_plans, Use);
        foreach (var entry in StatementPeriod.OnTime(hour))
        {
            allocation.Take(entry.Key.Kind, entry.Key.Bucket, entry.Counts.BillableBytes);
        }

        Use = allocation.Use;
    }

    private void Thin()
    {
        var index = _kept.Count - NewestKept - 1;
        if (index > 0 && DayOf(_kept[index].Hour) == DayOf(_kept[index - 1].Hour))
        {
            _kept.RemoveAt(index);
        }
    }

    private static int DayOf(UsageHour hour) => hour.Number / HoursOfDay;
}
