using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>A ledger that takes nothing and holds nothing.</summary>
internal sealed class NoUsage : IUsageStore
{
    public Action<IReadOnlyCollection<UsageShard>> Stored { get; set; } = static _ => { };

    public UsageMonth? ClosedThrough => null;

    public Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<UsageReply>>([.. reports.Select(static _ => UsageReply.Unavailable)]);

    public IEnumerable<UsageHourTotals> Read(string owner, UsageHour from, UsageHour to) => [];

    public IReadOnlyList<string> ListOwners(UsageHour from, UsageHour to) => [];

    public IReadOnlyList<UsageAdjustment> ListAdjustments(string owner, DateTimeOffset from, DateTimeOffset to) => [];

    public void CloseThrough(UsageMonth month)
    {
        // Nothing comes late.
    }

    public void Dispose()
    {
        // It holds nothing.
    }
}
