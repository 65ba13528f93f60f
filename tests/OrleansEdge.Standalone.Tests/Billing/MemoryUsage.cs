using OrleansEdge.Model;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.Tests.Billing;

/// <summary>A ledger in memory that outlives the control plane, and can be told to fail.</summary>
internal sealed class MemoryUsage(TimeProvider time) : IUsageStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Owner, UsageSourceId Source, UsageKey Key), UsageCounts> _highest = [];
    private readonly List<(string Owner, UsageAdjustment Adjustment)> _late = [];
    private UsageClock _clock = new(ClosedThrough: null);

    public Action<IReadOnlyCollection<UsageShard>> Stored { get; set; } = static _ => { };

    public bool IsBroken { get; set; }

    public UsageMonth? ClosedThrough => _clock.ClosedThrough;

    /// <summary>How often an owner's usage was read.</summary>
    public int Reads { get; private set; }

    public Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            foreach (var report in reports)
            {
                Store(report);
            }
        }

        Stored([.. reports.Select(report => report.Shard)]);
        return Task.FromResult<IReadOnlyList<UsageReply>>([.. reports.Select(_ => UsageReply.Stored)]);
    }

    public IEnumerable<UsageHourTotals> Read(string owner, UsageHour from, UsageHour to)
    {
        lock (_gate)
        {
            ThrowIfBroken();
            Reads++;
            return [.. _highest
                .Where(cell => cell.Key.Owner == owner && cell.Key.Key.Bucket.Hour >= from && cell.Key.Key.Bucket.Hour < to)
                .GroupBy(cell => cell.Key.Key.Bucket.Hour)
                .OrderBy(hour => hour.Key)
                .Select(hour => new UsageHourTotals(
                    hour.Key,
                    [.. hour.GroupBy(cell => cell.Key.Key, cell => cell.Value).OrderBy(key => key.Key).Select(key => new UsageEntry(key.Key, key.Aggregate((a, b) => a + b)))],
                    [.. _late.Where(late => late.Owner == owner && late.Adjustment.Key.Bucket.Hour == hour.Key).Select(late => late.Adjustment)]))];
        }
    }

    public IReadOnlyList<string> ListOwners(UsageHour from, UsageHour to)
    {
        lock (_gate)
        {
            ThrowIfBroken();
            return [.. _highest.Keys.Where(cell => cell.Key.Bucket.Hour >= from && cell.Key.Bucket.Hour < to).Select(cell => cell.Owner).Distinct().Order(StringComparer.Ordinal)];
        }
    }

    public IReadOnlyList<UsageAdjustment> ListAdjustments(string owner, DateTimeOffset from, DateTimeOffset to)
    {
        lock (_gate)
        {
            ThrowIfBroken();
            return [.. _late.Where(late => late.Owner == owner && late.Adjustment.At >= from && late.Adjustment.At < to).Select(late => late.Adjustment)];
        }
    }

    public void CloseThrough(UsageMonth month)
    {
        lock (_gate)
        {
            ThrowIfBroken();
            _clock = _clock.After(month);
        }
    }

    public void Dispose()
    {
        // It outlives the control plane, as a disk does.
    }

    private void ThrowIfBroken()
    {
        if (IsBroken)
        {
            throw new IOException("the ledger's disk is broken");
        }
    }

    private void Store(UsageReport report)
    {
        foreach (var entry in report.Entries)
        {
            var cell = (report.Shard.Owner, report.Source, entry.Key);
            var before = _highest.GetValueOrDefault(cell);
            _highest[cell] = UsageCounts.Max(before, entry.Counts);
            var at = _clock.At(time.GetUtcNow());
            if (at >= report.Shard.Hour.Month.ClosesAt && _highest[cell] != before)
            {
                _late.Add((report.Shard.Owner, new(at, entry.Key, _highest[cell] - before)));
            }
        }
    }
}
