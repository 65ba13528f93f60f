namespace OrleansEdge.Model;

/// <summary>The ledger of one owner and hour: a grow-only counter for each source and key. The highest value of each count wins, and a
/// total is the sum over the sources, so that reports may be lost, repeated and reordered. Rules only: no clock, no I/O. Not thread
/// safe.</summary>
/// <remarks>
/// <para>A source is <em>sealed</em> by its final report, or when it was not heard for long (<see cref="SealUnheard"/>). Its values then
/// stay as they are, and a report that says anything else is answered <see cref="UsageReplyKind.Sealed"/> with them; the reporter carries
/// the rest on under the <see cref="UsageSourceId.Successor"/>. It heeds that answer to its newest report only: of an older one it may be
/// out of date, where the ledger was restored in between.</para>
/// <para>Once the month's statement has closed, the values of sealed sources are <em>folded</em> into plain sums and only the ids stay
/// (<see cref="Fold"/>). A report of a folded source is answered <see cref="UsageReplyKind.Forgotten"/>: from then on what a source had
/// not reported before it was declared dead is given up, so that nothing can be counted twice.</para>
/// </remarks>
public sealed class UsageShardLedger
{
    private readonly SortedList<UsageSourceId, UsageSourceState> _sources = [];
    private readonly SortedSet<UsageSourceId> _folded = [];
    private readonly List<UsageAdjustment> _adjustments = [];
    private UsageCells _foldedSums = new();

    /// <summary>An empty ledger.</summary>
    public UsageShardLedger(UsageShard shard) => Shard = shard;

    /// <summary>Whose usage this is, and of which hour.</summary>
    public UsageShard Shard { get; }

    /// <summary>Growth of totals since the statement of the month closed, in the order of arrival. What one key gained within five
    /// minutes is one adjustment.</summary>
    public IReadOnlyList<UsageAdjustment> Adjustments => _adjustments;

    /// <summary>Whether any source has reported anything.</summary>
    public bool HasUsage => _foldedSums.Count > 0 || _sources.Values.Any(static source => source.Cells.Count > 0);

    /// <summary>When the source was last heard that was unheard for longest among those that are not sealed, UTC, in whole seconds;
    /// <see langword="null"/>: all are sealed.</summary>
    public DateTimeOffset? UnsealedSince
        => _sources.Values.Where(static source => !source.IsSealed).Select(static source => (DateTimeOffset?)source.Heard).Min();

    /// <summary>When the last sealed source can be folded that now waits for it, UTC; <see langword="null"/>: none waits.</summary>
    public DateTimeOffset? FoldableAt
        => _sources.Values.Where(static source => source.IsSealed).Select(source => (DateTimeOffset?)FoldAt(source)).Max();

    internal IList<UsageSourceState> SourceStates => _sources.Values;

    internal IReadOnlyCollection<UsageSourceId> FoldedIds => _folded;

    internal UsageCells FoldedSums => _foldedSums;

    /// <summary>Whether <see cref="Apply"/> would take a report now (stored), or what it would answer instead. Changes nothing.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Apply"/>.</exception>
    public UsageReply Judge(UsageReport report)
    {
        UsageReportRules.Check(report);
        return report.Shard == Shard ? Answer(report) : throw new ArgumentException("The report is for another shard.", nameof(report));
    }

    /// <summary>Takes a report.</summary>
    /// <param name="report">What a source has counted so far.</param>
    /// <param name="now">When it arrived. From the instant on at which the statement of the month closes, growth is an adjustment.</param>
    /// <returns>Stored, unless the shard has lost what it acknowledged, or the source that this one succeeds, or its seal (resend), or the
    /// source is sealed with other values than the report says (sealed); then nothing has changed. A final report that finds higher values
    /// than its own, which only a restored ledger or a restored source can have, seals them and is answered with them.</returns>
    /// <exception cref="ArgumentException">The report is for another shard, or <see cref="UsageReportRules.Check"/> finds a fault.</exception>
    public UsageReply Apply(UsageReport report, DateTimeOffset now)
    {
        var reply = Judge(report);
        if (reply.Kind != UsageReplyKind.Stored)
        {
            return reply;
        }

        var source = SourceOf(report.Source);
        if (!source.IsSealed)
        {
            Raise(source, report.Entries, now);
        }

        source.Number = Math.Max(source.Number, report.Number);
        source.IsSealed |= report.Final;
        source.Heard = Later(source.Heard, now);
        return source.IsSealed ? AnswerSealed(source, report) : reply;
    }

    /// <summary>Sums over all sources, in the order of their keys.</summary>
    public IReadOnlyList<UsageEntry> Totals()
    {
        var sums = _foldedSums;
        foreach (var source in _sources.Values)
        {
            sums = sums.Count == 0 ? source.Cells : source.Cells.Count == 0 ? sums : UsageCells.Sum(sums, source.Cells);
        }

        return sums.ToArray();
    }

    /// <summary>The sources that are not folded, in the order of their ids.</summary>
    public IReadOnlyList<UsageSourceTotals> Sources()
        => [.. _sources.Values.Select(static source => new UsageSourceTotals(source.Id, source.Number, source.Heard, source.IsSealed, source.Cells.ToArray()))];

    /// <summary>Declares dead the sources that were not heard for so long: seals them.</summary>
    /// <returns>Whether there were any.</returns>
    public bool SealUnheard(DateTimeOffset now, TimeSpan deadAfter)
    {
        var dead = _sources.Values.Where(source => !source.IsSealed && now - source.Heard >= deadAfter).ToList();
        dead.ForEach(static source => source.IsSealed = true);
        return dead.Count > 0;
    }

    /// <summary>Moves the values of sealed sources into plain sums and keeps only their ids: those of a closed statement that were not
    /// heard for <see cref="UsageMonth.CorrectionWindow"/>, which leaves somebody declared dead by mistake as long to come back.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Fold(DateTimeOffset now)
    {
        var done = _sources.Values.Where(source => source.IsSealed && FoldAt(source) <= now).ToList();
        foreach (var source in done)
        {
            _foldedSums = UsageCells.Sum(_foldedSums, source.Cells);
            _folded.Add(source.Id);
            _sources.Remove(source.Id);
        }

        return done.Count > 0;
    }

    /// <summary>Writes the whole ledger. The same ledger gives the same bytes. Whoever keeps them adds a checksum.</summary>
    public void Write(System.Buffers.IBufferWriter<byte> output) => UsageShardFormat.Write(this, output);

    /// <summary>Reads what <see cref="Write"/> wrote, in this or an earlier version of the program.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static UsageShardLedger Read(UsageShard shard, ReadOnlySpan<byte> bytes) => UsageShardFormat.Read(shard, bytes);

    internal void Restore(UsageCells foldedSums, IEnumerable<UsageSourceId> folded, IEnumerable<UsageSourceState> sources, IEnumerable<UsageAdjustment> adjustments)
    {
        _foldedSums = foldedSums;
        _folded.UnionWith(folded);
        _adjustments.AddRange(adjustments);
        foreach (var source in sources)
        {
            _sources[source.Id] = source;
        }
    }

    private UsageReply Answer(UsageReport report)
    {
        if (_folded.Contains(report.Source))
        {
            return UsageReply.Forgotten;
        }

        var source = _sources.GetValueOrDefault(report.Source);
        if (source is { IsSealed: true })
        {
            return AnswerSealed(source, report);
        }

        var hasLost = (source?.Number ?? 0) < report.Acknowledged || (report.Predecessor is { } before && !Has(before));
        return hasLost ? UsageReply.Resend : UsageReply.Stored;
    }

    // A successor comes only after its source was sealed. Where that is not known here, the shard has lost the source or its seal, and must
    // have the source's part again before it can take the rest. A shard that was restored may have sealed it once more, with less.
    private bool Has(UsagePredecessor before)
        => _folded.Contains(before.Source)
        || (_sources.GetValueOrDefault(before.Source) is { IsSealed: true } source && UsageCellFormat.ChecksumOf(source.Cells.Entries) == before.Checksum);

    private static UsageReply AnswerSealed(UsageSourceState source, UsageReport report)
        => source.Equals(report) ? UsageReply.Stored : new(UsageReplyKind.Sealed, source.Cells.ToArray());

    private UsageSourceState SourceOf(UsageSourceId id)
    {
        if (!_sources.TryGetValue(id, out var source))
        {
            source = new(id);
            _sources.Add(id, source);
        }

        return source;
    }

    private void Raise(UsageSourceState source, IReadOnlyList<UsageEntry> entries, DateTimeOffset now)
    {
        var isLate = now >= Shard.Hour.Month.ClosesAt;
        foreach (var entry in entries)
        {
            var growth = source.Cells.Raise(entry);
            if (isLate && growth != default)
            {
                Adjust(new(now.ToUniversalTime(), entry.Key, growth));
            }
        }
    }

    // A source that lives on would else leave an adjustment with each of its reports. Statements close on bounds of buckets, so those
    // that are joined here belong to the same one.
    private void Adjust(UsageAdjustment adjustment)
    {
        var arrival = UsageBucket.At(adjustment.At);
        for (var index = _adjustments.Count - 1; index >= 0 && UsageBucket.At(_adjustments[index].At) == arrival; index--)
        {
            if (_adjustments[index].Key == adjustment.Key)
            {
                _adjustments[index] = _adjustments[index] with { Delta = _adjustments[index].Delta + adjustment.Delta };
                return;
            }
        }

        _adjustments.Add(adjustment with { At = adjustment.At.AddTicks(-(adjustment.At.Ticks % TimeSpan.TicksPerMillisecond)) });
    }

    private DateTimeOffset FoldAt(UsageSourceState source) => Later(Shard.Hour.Month.ClosesAt, source.Heard + UsageMonth.CorrectionWindow);

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b)
    {
        var later = (a > b ? a : b).ToUniversalTime();
        return later.AddTicks(-(later.Ticks % TimeSpan.TicksPerSecond));
    }
}

/// <summary>What a shard knows of one source.</summary>
/// <param name="Source">Who counted.</param>
/// <param name="Number">Highest number of a report that is held.</param>
/// <param name="Heard">When its last report came, UTC, in whole seconds.</param>
/// <param name="IsSealed">Whether its values stay as they are.</param>
/// <param name="Entries">Its values, in the order of their keys.</param>
public sealed record UsageSourceTotals(UsageSourceId Source, long Number, DateTimeOffset Heard, bool IsSealed, IReadOnlyList<UsageEntry> Entries);
