using System.Buffers;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Tests.Metering;

/// <summary>The ledger's rules in memory, behind a connection that a test can spoil.</summary>
internal sealed class MemoryLedger(TimeProvider time) : IUsageSink
{
    private Dictionary<UsageShard, UsageShardLedger> _shards = [];

    /// <summary>What happens to the next reports, in turn; then all goes well.</summary>
    public Queue<Fault> Faults { get; } = new();

    /// <summary>Owner whose part is away while the others answer.</summary>
    public string? AwayOwner { get; set; }

    /// <summary>Hour whose parts are away while the others answer.</summary>
    public UsageHour? AwayHour { get; set; }

    public List<UsageReport> Reports { get; } = [];

    public enum Fault
    {
        /// <summary>All goes well.</summary>
        None,

        /// <summary>Says that it is away.</summary>
        Refused,

        /// <summary>The reports are lost.</summary>
        Lost,

        /// <summary>The reports are stored and the answer is lost.</summary>
        AnswerLost,

        /// <summary>The reports come twice.</summary>
        Twice,

        /// <summary>The reports are stored and no answer ever comes.</summary>
        Silent,

        /// <summary>The reports come once more after the next ones.</summary>
        Late,
    }

    private List<UsageReport> _late = [];

    public async Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
    {
        Reports.AddRange(reports);
        var fault = Faults.Count > 0 ? Faults.Dequeue() : Fault.None;
        switch (fault)
        {
            case Fault.Refused:
                return [.. reports.Select(static _ => UsageReply.Unavailable)];
            case Fault.Lost:
                throw new IOException("lost");
            case Fault.AnswerLost:
                Apply(reports);
                throw new IOException("answer lost");
            case Fault.Twice:
                Apply(reports);
                break;
            case Fault.Silent:
                Apply(reports);
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
                break;
        }

        var replies = Apply(reports);
        Apply(_late);
        _late = fault == Fault.Late ? [.. reports] : [];
        return replies;
    }

    /// <summary>A copy of all that is stored.</summary>
    public Dictionary<UsageShard, UsageShardLedger> Copy() => _shards.ToDictionary(static shard => shard.Key, static shard => Copy(shard.Value));

    /// <summary>Puts a copy in the place of what is stored.</summary>
    public void Restore(Dictionary<UsageShard, UsageShardLedger> copy) => _shards = copy;

    /// <summary>Declares every source dead that has sent nothing for as long.</summary>
    public void SealUnheard(TimeSpan deadAfter)
    {
        foreach (var shard in _shards.Values)
        {
            shard.SealUnheard(time.GetUtcNow(), deadAfter);
        }
    }

    public void Fold()
    {
        foreach (var shard in _shards.Values)
        {
            shard.Fold(time.GetUtcNow());
        }
    }

    /// <summary>Sum over all tenants, or over all gateways, by kind and bucket.</summary>
    public Dictionary<(UsageKind, UsageBucket), UsageCounts> Sums(bool ofGateways)
        => _shards.Values.Where(shard => shard.Shard.Gateway is not null == ofGateways)
            .SelectMany(static shard => shard.Totals())
            .Where(static entry => entry.Counts != default)
            .GroupBy(static entry => (entry.Key.Kind, entry.Key.Bucket))
            .ToDictionary(static group => group.Key, static group => group.Aggregate(default(UsageCounts), static (sum, entry) => sum + entry.Counts));

    /// <summary>Totals of tenants.</summary>
    public Dictionary<(string Tenant, UsageKey Key), UsageCounts> Totals()
        => _shards.Values.Where(static shard => shard.Shard.Gateway is null)
            .SelectMany(static shard => shard.Totals().Select(entry => ((shard.Shard.Owner, entry.Key), entry.Counts)))
            .Where(static entry => entry.Counts != default)
            .ToDictionary(static entry => entry.Item1, static entry => entry.Counts);

    public IEnumerable<UsageSourceTotals> Sources() => _shards.Values.SelectMany(static shard => shard.Sources());

    private static UsageShardLedger Copy(UsageShardLedger shard)
    {
        var bytes = new ArrayBufferWriter<byte>();
        shard.Write(bytes);
        return UsageShardLedger.Read(shard.Shard, bytes.WrittenSpan);
    }

    private UsageReply[] Apply(IReadOnlyList<UsageReport> reports) => [.. reports.Select(Apply)];

    private UsageReply Apply(UsageReport report)
    {
        if (report.Shard.Owner == AwayOwner || report.Shard.Hour == AwayHour)
        {
            return UsageReply.Unavailable;
        }

        if (!_shards.TryGetValue(report.Shard, out var shard))
        {
            _shards[report.Shard] = shard = new(report.Shard);
        }

        return shard.Apply(report, time.GetUtcNow());
    }
}
