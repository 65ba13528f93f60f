using OrleansEdge.Model;

namespace OrleansEdge.Relay.Metering;

/// <summary>What one source tells one part of the ledger, and what it knows to be stored there. Counters are cumulative, so that a report
/// that is lost or repeated does no harm. Where the ledger has sealed the source, what was counted beyond the sealed values goes under
/// the source's successor. Not thread safe; one report is under way at a time.</summary>
/// <param name="header">Who counted.</param>
/// <param name="shard">The part of the ledger.</param>
/// <param name="lastNumber">At least the number of any report that others have made of the same counters.</param>
internal sealed class ShardReports(SpoolHeader header, UsageShard shard, long lastNumber)
{
    /// <summary>Most entries of a report.</summary>
    public const int MostEntries = 1000;

    private readonly Dictionary<UsageKey, Counter> _counters = [];
    private readonly HashSet<Counter> _changed = [];
    private UsageSourceId _source = header.Source;
    private UsagePredecessor? _predecessor;
    private long _number = lastNumber;
    private long _acknowledged;
    private bool _isFinal;
    private StoredShard? _stored;

    public UsageShard Shard => shard;

    /// <summary>Whether the ledger has everything, for good.</summary>
    public bool IsSettled => _stored is not null;

    /// <summary>What must still be there for as long as the counters are kept; of use where settled.</summary>
    public StoredShard Stored => _stored ?? throw new InvalidOperationException("The reports are not settled.");

    /// <summary>When the ledger last answered for this shard.</summary>
    public long HeardAt { get; private set; }

    /// <summary>Before then it is left alone: the ledger had no answer for it.</summary>
    public long RetryAt { get; set; }

    /// <summary>Billable bytes that the ledger has not acknowledged.</summary>
    public long UnreportedBytes => _changed.Sum(static counter => counter.Unreported.BillableBytes);

    /// <summary>Takes the value that a counter has now.</summary>
    public void Count(UsageKey key, in UsageCounts value)
    {
        if (!_counters.TryGetValue(key, out var counter))
        {
            _counters[key] = counter = new(key);
        }

        if (counter.Value != value)
        {
            counter.Value = value;
            NoteChange(counter);
        }
    }

    /// <summary>What is to be told now.</summary>
    /// <param name="isFinal">Whether the counters will not change any more.</param>
    /// <param name="asks">Whether to ask where there is nothing to tell.</param>
    /// <returns><see langword="null"/>: nothing.</returns>
    public UsageReport? Take(bool isFinal, bool asks)
    {
        var isWanted = _changed.Count > 0 || isFinal || (asks && _acknowledged > 0);
        if (IsSettled || !isWanted)
        {
            return null;
        }

        _isFinal = isFinal;
        return new UsageReport
        {
            Source = _source,
            Predecessor = _predecessor,
            Gateway = header.Gateway,
            Shard = shard,
            Number = ++_number,
            Acknowledged = _acknowledged,
            Final = isFinal && _changed.Count <= MostEntries,
            Entries = [.. _changed.Take(MostEntries).Select(static counter => new UsageEntry(counter.Key, counter.Own))],
        };
    }

    /// <summary>Takes the answer to a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="reply">The answer.</param>
    /// <param name="now">When it came.</param>
    /// <param name="retryAt">When to try again where it is none.</param>
    public void Note(UsageReport report, UsageReply reply, long now, long retryAt)
    {
        if (reply.Kind == UsageReplyKind.Unavailable)
        {
            RetryAt = retryAt;
            return;
        }

        RetryAt = 0;
        if (report.Source != _source)
        {
            return;
        }

        HeardAt = now;
        switch (reply.Kind)
        {
            case UsageReplyKind.Stored:
                NoteStored(report);
                break;
            case UsageReplyKind.Resend:
                StartAgain();
                break;
            case UsageReplyKind.Sealed:
                GoOnAsSuccessor(reply.Folded);
                break;
            case UsageReplyKind.Forgotten:
                Settle();
                break;
        }
    }

    private void NoteStored(UsageReport report)
    {
        _acknowledged = Math.Max(_acknowledged, report.Number);
        foreach (var entry in report.Entries)
        {
            var counter = _counters[entry.Key];
            counter.Stored = counter.Sealed + entry.Counts;
            NoteChange(counter);
        }

        if (report.Final)
        {
            Settle();
        }
    }

    // From the first source of the chain: what the ledger has lost may be one of them, or its seal.
    private void StartAgain()
    {
        (_source, _predecessor) = (header.Source, null);
        foreach (var counter in _counters.Values)
        {
            counter.Sealed = default;
        }

        SendAll();
    }

    private void SendAll()
    {
        _acknowledged = 0;
        foreach (var counter in _counters.Values)
        {
            counter.Stored = counter.Sealed;
            NoteChange(counter);
        }
    }

    private void GoOnAsSuccessor(IReadOnlyList<UsageEntry> folded)
    {
        foreach (var entry in folded)
        {
            if (_counters.TryGetValue(entry.Key, out var counter))
            {
                counter.Sealed += entry.Counts;
            }
        }

        if (_isFinal && _counters.Values.All(static counter => counter.Own == default))
        {
            Settle();
            return;
        }

        (_source, _predecessor) = (_source.Successor(), UsagePredecessor.Of(_source, folded));
        SendAll();
    }

    private void Settle()
    {
        _changed.Clear();
        _stored = new(shard, _source, _predecessor, Math.Max(1, _acknowledged));
    }

    private void NoteChange(Counter counter)
    {
        if (counter.Unreported == default)
        {
            _changed.Remove(counter);
        }
        else
        {
            _changed.Add(counter);
        }
    }

    private sealed class Counter(UsageKey key)
    {
        public UsageKey Key { get; } = key;

        /// <summary>What was counted.</summary>
        public UsageCounts Value { get; set; }

        /// <summary>What of that the ledger holds under earlier sources of the chain, for good.</summary>
        public UsageCounts Sealed { get; set; }

        /// <summary>What of that is known to be stored.</summary>
        public UsageCounts Stored { get; set; }

        /// <summary>What the source of the moment has to report.</summary>
        public UsageCounts Own => Over(Value, Sealed);

        public UsageCounts Unreported => Over(Value, Stored);

        private static UsageCounts Over(in UsageCounts a, in UsageCounts b) => UsageCounts.Max(a - b, default);
    }
}

/// <summary>What the ledger is known to hold of a source that has nothing more to tell it.</summary>
/// <param name="Shard">The part of the ledger.</param>
/// <param name="Source">The last source of the chain.</param>
/// <param name="Predecessor">What it follows, if it does.</param>
/// <param name="Acknowledged">A number of a report that was acknowledged.</param>
internal sealed record StoredShard(UsageShard Shard, UsageSourceId Source, UsagePredecessor? Predecessor, long Acknowledged)
{
    /// <summary>Asks whether it is still there: only then the answer is that the question is stored.</summary>
    public UsageReport Ask(string gateway)
        => new()
        {
            Source = Source,
            Predecessor = Predecessor,
            Gateway = gateway,
            Shard = Shard,
            Number = Acknowledged + 1,
            Acknowledged = Acknowledged,
            Final = true,
            Entries = [],
        };

    /// <summary>Whether an answer says that all of it is there.</summary>
    public static bool Confirms(UsageReply reply) => reply.Kind is UsageReplyKind.Stored or UsageReplyKind.Forgotten;
}
