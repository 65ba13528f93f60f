namespace OrleansEdge.Model;

/// <summary>What a shard knows of one source. Not thread safe.</summary>
internal sealed class UsageSourceState(UsageSourceId id)
{
    public UsageSourceId Id => id;

    /// <summary>Highest number of a report that is held; everything up to it is held.</summary>
    public long Number { get; set; }

    /// <summary>When its last report came, in whole seconds.</summary>
    public DateTimeOffset Heard { get; set; }

    public bool IsSealed { get; set; }

    public UsageCells Cells { get; init; } = new();

    /// <summary>Whether what is held is exactly what a report says. One that builds on another says it of its own keys only.</summary>
    public bool Equals(UsageReport report)
    {
        var count = 0;
        foreach (var (key, counts) in report.Entries)
        {
            if (Cells.Find(key) != counts)
            {
                return false;
            }

            count += counts == default ? 0 : 1;
        }

        return report.Acknowledged > 0 ? report.Acknowledged <= Number : count == Cells.CountOfUsed();
    }
}
