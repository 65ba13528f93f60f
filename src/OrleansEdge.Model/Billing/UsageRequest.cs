namespace OrleansEdge.Model;

/// <summary>Usage that a calculation needs before it can go on. Calculations give requests one after the other; whoever has the ledger
/// reads for each, in whatever way he reads: first the late usage, then the hours in the order of time.</summary>
public sealed class UsageRequest
{
    private readonly Action<IReadOnlyList<UsageAdjustment>>? _addLate;
    private readonly Action<UsageHourTotals> _addHour;

    internal UsageRequest(UsageMonth month, UsageHour from, UsageHour to, Action<IReadOnlyList<UsageAdjustment>>? addLate, Action<UsageHourTotals> addHour)
    {
        (Month, From, To) = (month, from, to);
        _addLate = addLate;
        _addHour = addHour;
    }

    /// <summary>The month of the hours.</summary>
    public UsageMonth Month { get; }

    /// <summary>First hour that is wanted.</summary>
    public UsageHour From { get; }

    /// <summary>End of the hours, not included; the first one where none is wanted.</summary>
    public UsageHour To { get; }

    /// <summary>Whether late usage that goes on the month's statement is wanted, from <see cref="StatementPeriod.AdjustmentsFrom"/> to
    /// <see cref="StatementPeriod.AdjustmentsTo"/>.</summary>
    public bool WantsLate => _addLate is not null;

    /// <summary>Takes the late usage, in any order.</summary>
    public void AddLate(IReadOnlyList<UsageAdjustment> adjustments) => _addLate?.Invoke(adjustments);

    /// <summary>Takes an hour.</summary>
    public void AddHour(UsageHourTotals hour) => _addHour(hour);
}
