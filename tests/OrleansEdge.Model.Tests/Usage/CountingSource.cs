namespace OrleansEdge.Model.Tests.Usage;

/// <summary>A source as small as it can be: what it counted, and the reports that it makes of it for one shard.</summary>
/// <param name="id">Id of the first link; the others are its successors.</param>
/// <param name="shard">The shard.</param>
/// <param name="firstNumber">Number before its first report.</param>
internal sealed class CountingSource(UsageSourceId id, UsageShard shard, long firstNumber = 0)
{
    private readonly List<Link> _links = [new(id, firstNumber)];

    /// <summary>The truth.</summary>
    public SortedDictionary<UsageKey, UsageCounts> Counters { get; private init; } = [];

    /// <summary>Nothing more will be counted.</summary>
    public bool IsOver { get; set; }

    /// <summary>Everything is reported and acknowledged, and it is over.</summary>
    public bool IsDone => IsOver && _links.TrueForAll(static link => link.IsFinalAcknowledged)
        && Enumerable.Range(0, _links.Count).All(index => Changes(index).Count == 0);

    public int Links => _links.Count;

    public void Count(UsageKey key, UsageCounts counts) => Counters[key] = Counters.GetValueOrDefault(key) + counts;

    /// <summary>The same counters as somebody finds them who knows nothing else than the last number.</summary>
    public CountingSource Found() => new(id, shard, _links.Max(static link => link.Number)) { Counters = Counters, IsOver = IsOver };

    /// <summary>A report for each link, the first link first.</summary>
    public List<UsageReport> Report() => [.. Enumerable.Range(0, _links.Count).Select(ReportOf)];

    /// <summary>Takes an answer, perhaps late or twice.</summary>
    public void Answer(UsageReport report, UsageReply reply)
    {
        var link = _links.Find(link => link.Id == report.Source);
        if (link is null)
        {
            // A found source has yet to learn of this one.
            return;
        }

        switch (reply.Kind)
        {
            case UsageReplyKind.Stored when report.Number > link.Acknowledged && link.Sent.TryGetValue(report.Number, out var sent):
                (link.Acknowledged, link.Held) = (report.Number, sent);
                link.IsFinalAcknowledged |= report.Final;
                break;
            case UsageReplyKind.Resend:
                (link.Acknowledged, link.Held, link.IsFinalAcknowledged) = (0, [], false);
                break;
            case UsageReplyKind.Forgotten:
                Counters.Clear();
                _links.ForEach(static known => known.IsFinalAcknowledged = true);
                break;
            case UsageReplyKind.Sealed when report.Number == link.Number:
                // Of an older one it may be out of date: the ledger may have been restored and have taken more since.
                link.Folded = reply.Folded.ToDictionary(static entry => entry.Key, static entry => entry.Counts);
                (link.Acknowledged, link.Held, link.IsFinalAcknowledged) = (0, [], false);
                if (link == _links[^1])
                {
                    _links.Add(new(link.Id.Successor(), firstNumber));
                }

                break;
        }
    }

    private UsageReport ReportOf(int index)
    {
        var link = _links[index];
        var target = Target(index);
        link.Number++;
        link.Sent[link.Number] = target;
        return new()
        {
            Source = link.Id,
            Gateway = "a",
            Shard = shard,
            Number = link.Number,
            Acknowledged = link.Acknowledged,
            Final = IsOver || link.IsSealed,
            Entries = Changes(index),
        };
    }

    private List<UsageEntry> Changes(int index)
        => [.. Target(index).Where(cell => cell.Value != _links[index].Held.GetValueOrDefault(cell.Key)).Select(cell => new UsageEntry(cell.Key, cell.Value))];

    /// <summary>What a link has to report: of what the links before it leave, as much as it was sealed with; all where it is open.</summary>
    private Dictionary<UsageKey, UsageCounts> Target(int index)
    {
        var target = new Dictionary<UsageKey, UsageCounts>();
        foreach (var (key, counted) in Counters)
        {
            var left = _links.Take(index).Aggregate(counted, (rest, link) => rest - link.PartOf(key, rest));
            var part = _links[index].PartOf(key, left);
            if (part != default)
            {
                target[key] = part;
            }
        }

        return target;
    }

    private sealed class Link(UsageSourceId id, long firstNumber)
    {
        public UsageSourceId Id => id;

        public long Number { get; set; } = firstNumber;

        public long Acknowledged { get; set; }

        public bool IsFinalAcknowledged { get; set; }

        public Dictionary<UsageKey, UsageCounts> Held { get; set; } = [];

        public Dictionary<UsageKey, UsageCounts>? Folded { get; set; }

        public bool IsSealed => Folded is not null;

        public Dictionary<long, Dictionary<UsageKey, UsageCounts>> Sent { get; } = [];

        public UsageCounts PartOf(UsageKey key, UsageCounts rest)
        {
            // The lower of each word.
            var bound = Folded is null ? rest : Folded.GetValueOrDefault(key);
            return rest + bound - UsageCounts.Max(rest, bound);
        }
    }
}
