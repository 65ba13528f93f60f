namespace OrleansEdge.Grains.Usage;

/// <summary>How usage is stored, section <c>Edge:Metering</c> of a silo.</summary>
public sealed class UsageGrainOptions
{
    /// <summary>How long a source may be unheard before it is declared dead. Default 24 h.</summary>
    public TimeSpan DeadAfter { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Least time between two writes of one owner's hour; what comes meanwhile goes with the second. Default 500 ms.</summary>
    public TimeSpan WriteInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        if (DeadAfter < TimeSpan.FromSeconds(1) || DeadAfter > TimeSpan.FromDays(7))
        {
            yield return $"Edge:Metering:DeadAfter is {DeadAfter}; it must be 1 s to 7 days.";
        }

        if (WriteInterval < TimeSpan.Zero || WriteInterval > TimeSpan.FromSeconds(2))
        {
            yield return $"Edge:Metering:WriteInterval is {WriteInterval}; it must be 0 to 2 s.";
        }
    }
}
