namespace OrleansEdge.Model.Tests.Usage;

/// <summary>A source as small as it can be: what it counted, and the reports that it makes of it for one shard, one at a time. It reports
/// the last link of its chain alone, and heeds the answer to its newest report alone, as a gateway does.</summary>
/// <param name="id">Id of the first link; the others are its successors.</param>
/// <param name="shard">The shard.</param>
/// <param name="firstNumber">Number before its first report.</param>
internal sealed class CountingSource(UsageSourceId id, UsageShard shard, long firstNumber = 0)
{
    private readonly Dictionary<UsageKey, UsageCounts> _sealed = [];
    private readonly Dictionary<UsageKey, UsageCounts> _stored = [];
    private readonly UsageSourceId _first = id;
    private UsageSourceId _link = id;
    private UsagePredecessor? _linkBefore;
    private long _number = firstNumber;
    private long _acknowledged;

    /// <summary>The truth.</summary>
    public SortedDictionary<UsageKey, UsageCounts> Counters { get; private init; } = [];

    /// <summary>Nothing more will be counted.</summary>
    public bool IsOver { get; set; }

    /// <summary>Everything is reported and acknowledged, and it is over.</summary>
    public bool IsDone { get; private set; }

    public void Count(UsageKey key, UsageCounts counts) => Counters[key] = Counters.GetValueOrDefault(key) + counts;

    /// <summary>The same counters as somebody finds them who knows nothing else than the last number.</summary>
    public CountingSource Found() => new(_first, shard, _number + 1) { Counters = Counters, IsOver = IsOver };

    /// <summary>The next report.</summary>
    public UsageReport Report() => new()
    {
        Source = _link,
        Predecessor = _linkBefore,
        Gateway = "a",
        Shard = shard,
        Number = ++_number,
        Acknowledged = _acknowledged,
        Final = IsOver,
        Entries = [.. Counters.Keys.Where(key => Over(key, _stored) != default).Select(key => new UsageEntry(key, Over(key, _sealed)))],
    };

    /// <summary>Takes an answer, perhaps late or twice.</summary>
    public void Answer(UsageReport report, UsageReply reply)
    {
        if (report.Number != _number || report.Source != _link)
        {
            return;
        }

        switch (reply.Kind)
        {
            case UsageReplyKind.Stored:
                _acknowledged = report.Number;
                foreach (var (key, counts) in report.Entries)
                {
                    _stored[key] = _sealed.GetValueOrDefault(key) + counts;
                }

                IsDone = report.Final;
                break;
            case UsageReplyKind.Resend:
                _sealed.Clear();
                GoOn(_first, null);
                break;
            case UsageReplyKind.Forgotten:
                Counters.Clear();
                IsDone = true;
                break;
            case UsageReplyKind.Sealed:
                foreach (var (key, counts) in reply.Folded)
                {
                    _sealed[key] = _sealed.GetValueOrDefault(key) + counts;
                }

                GoOn(_link.Successor(), UsagePredecessor.Of(_link, reply.Folded));
                break;
        }
    }

    private void GoOn(UsageSourceId link, UsagePredecessor? before)
    {
        (_link, _linkBefore) = (link, before);
        (_acknowledged, IsDone) = (0, false);
        _stored.Clear();
        foreach (var (key, counts) in _sealed)
        {
            _stored[key] = counts;
        }
    }

    private UsageCounts Over(UsageKey key, Dictionary<UsageKey, UsageCounts> known)
        => UsageCounts.Max(Counters[key] - known.GetValueOrDefault(key), default);
}
