using OrleansEdge.Model;

namespace OrleansEdge.Relay.Metering;

/// <summary>The reports of one spool file, to every part of the ledger that it concerns. Not thread safe.</summary>
/// <param name="header">Who counted.</param>
/// <param name="takenUp">How often the file was taken up before: so the numbers of reports rise through all lives of a source.</param>
internal sealed class UsageSource(SpoolHeader header, long takenUp = 0)
{
    /// <summary>How long a shard is left alone that has nothing new, until it is asked whether it still has what it acknowledged.</summary>
    public static readonly TimeSpan AskAfter = TimeSpan.FromMinutes(1);

    private const int NumbersOfALife = 40;
    private const int MostReports = 200;
    private const int MostEntries = 10 * ShardReports.MostEntries;

    private readonly Dictionary<string, ShardReports> _shards = new(StringComparer.Ordinal);

    public SpoolHeader Header => header;

    /// <summary>Whether the ledger has everything, for good.</summary>
    public bool IsSettled => _shards.Values.All(static shard => shard.IsSettled);

    /// <summary>Billable bytes of tenants that the ledger has not acknowledged.</summary>
    public long UnreportedBytes => _shards.Values.Where(static shard => shard.Shard.Gateway is null).Sum(static shard => shard.UnreportedBytes);

    /// <summary>What the ledger holds, where settled.</summary>
    public IReadOnlyList<StoredShard> Stored => [.. _shards.Values.Select(static shard => shard.Stored)];

    /// <summary>Takes the values that counters have now. Beside those of the tenants there is a sum of all for each kind and bucket, told
    /// as the gateway's own, with which the tenants' are compared.</summary>
    public void Count(IEnumerable<(SpoolAccount Account, UsageBucket Bucket, UsageCounts Counts)> cells)
    {
        var sums = new Dictionary<UsageKey, UsageCounts>();
        foreach (var (account, bucket, counts) in cells)
        {
            ShardOf(account.Tenant).Count(new(account.Domain, account.Kind, bucket), counts);
            var key = new UsageKey("", account.Kind, bucket);
            sums[key] = sums.GetValueOrDefault(key) + counts;
        }

        var gateway = UsageShard.OwnerOfGateway(header.Gateway);
        foreach (var (key, sum) in sums)
        {
            ShardOf(gateway).Count(key, sum);
        }
    }

    /// <summary>The next reports, at most one for each shard; none: there is nothing to tell now.</summary>
    /// <param name="isFinal">Whether the counters will not change any more.</param>
    /// <param name="askBefore">Shards that were heard before this time stamp are asked.</param>
    /// <param name="now">Shards that are to be left alone until later than this time stamp are.</param>
    public IReadOnlyList<UsageReport> Take(bool isFinal, long askBefore, long now)
    {
        var reports = new List<UsageReport>();
        var entries = 0;
        foreach (var shard in _shards.Values)
        {
            if (shard.RetryAt <= now && shard.Take(isFinal, asks: shard.HeardAt < askBefore) is { } report)
            {
                reports.Add(report);
                entries += report.Entries.Count;
                if (reports.Count == MostReports || entries >= MostEntries)
                {
                    break;
                }
            }
        }

        return reports;
    }

    /// <summary>Takes the answer to a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="reply">The answer.</param>
    /// <param name="now">When it came.</param>
    /// <param name="retryAt">When to try the shard again where it is none.</param>
    public void Note(UsageReport report, UsageReply reply, long now, long retryAt) => _shards[report.Shard.Owner].Note(report, reply, now, retryAt);

    /// <summary>Leaves no shard alone any more.</summary>
    public void RetryAll()
    {
        foreach (var shard in _shards.Values)
        {
            shard.RetryAt = 0;
        }
    }

    private ShardReports ShardOf(string owner)
    {
        if (!_shards.TryGetValue(owner, out var shard))
        {
            _shards[owner] = shard = new(header, new(owner, header.Hour), takenUp << NumbersOfALife);
        }

        return shard;
    }
}
