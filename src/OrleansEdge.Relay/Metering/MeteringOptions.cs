namespace OrleansEdge.Relay.Metering;

/// <summary>How usage is counted and reported, section <c>Edge:Metering</c>.</summary>
public sealed class MeteringOptions
{
    /// <summary>Where counters lie until they are reported. Default: <c>spool</c> under the data directory.</summary>
    public string? SpoolDirectory { get; set; }

    /// <summary>How often changed counters are reported. Default 2 s.</summary>
    public TimeSpan ReportInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long counters are kept after the ledger has acknowledged the last of them, so that a ledger that lost something
    /// gets it again. Default 1 h.</summary>
    public TimeSpan Retain { get; set; } = TimeSpan.FromHours(1);

    /// <summary>After which silence the ledger takes a source for dead and folds its counters. Default 24 h.</summary>
    public TimeSpan DeadAfter { get; set; } = TimeSpan.FromHours(24);

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        if (ReportInterval < TimeSpan.FromMilliseconds(100) || ReportInterval > TimeSpan.FromMinutes(1))
        {
            yield return $"Edge:Metering:ReportInterval is {ReportInterval}; it must be 0.1 s to 1 minute.";
        }

        if (Retain < TimeSpan.Zero || Retain > TimeSpan.FromDays(2))
        {
            yield return $"Edge:Metering:Retain is {Retain}; it must be 0 to 2 days.";
        }

        if (DeadAfter < TimeSpan.FromSeconds(1) || DeadAfter > TimeSpan.FromDays(7))
        {
            yield return $"Edge:Metering:DeadAfter is {DeadAfter}; it must be 1 s to 7 days.";
        }
    }
}
