using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Usage;

/// <summary>Stores reports: first in the journal, then in memory, some time later in the files of the hours. Replaying a journal over files
/// that have it already changes nothing, so they can be written one by one, in any order, before the journal goes. Thread safe; changes
/// wait for each other.</summary>
internal sealed class UsageStore : IDisposable
{
    private const long Idle = long.MaxValue;

    private readonly UsageHours _hours;
    private readonly UsageJournal _journal;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _changing = new();
    private readonly HashSet<UsageHour> _unreadable = [];
    private readonly UsageMonthMark _closed;
    private volatile UsageClock _clock;

    // Ticks of the time with which reports are being stored.
    private long _storing = Idle;

    /// <exception cref="IOException">The folder cannot be read or written, or is damaged.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be.</exception>
    public UsageStore(string folder, TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        DurableFile.CreateFolder(folder);
        _closed = new(folder);
        _clock = new(_closed.Read());
        _hours = new(folder);
        _journal = new(folder, logger);
        try
        {
            var batches = 0;
            _journal.Open(mustExist: _hours.Files > 0, batch => (batches, _) = (batches + 1, _hours.Apply(batch, time.GetUtcNow())));
            _logger.LedgerOpened(folder, _hours.Files, batches);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the journal.</summary>
    public long JournalBytes => _journal.Length;

    /// <summary>Whether there is something that the files of the hours have not.</summary>
    public bool IsChanged => _hours.IsChanged;

    /// <inheritdoc cref="IUsageStore.ClosedThrough"/>
    public UsageMonth? ClosedThrough => _clock.ClosedThrough;

    /// <inheritdoc cref="IUsageStore.CloseThrough"/>
    public void CloseThrough(UsageMonth month)
    {
        lock (_changing)
        {
            var clock = _clock.After(month);
            if (clock != _clock)
            {
                _closed.Write(month);
                _clock = clock;
            }
        }
    }

    /// <summary>Stores reports that are well formed. Where the disk refuses them nothing has changed.</summary>
    /// <returns>A reply for each, in their order.</returns>
    public UsageReply[] Store(IReadOnlyList<UsageReport> reports)
    {
        var replies = new UsageReply[reports.Count];
        Array.Fill(replies, UsageReply.Unavailable);
        lock (_changing)
        {
            // Set before the clock is read: who reads and finds it idle has the earlier time.
            Interlocked.Exchange(ref _storing, 0);
            try
            {
                var left = Enumerable.Range(0, reports.Count).ToList();
                while (left.Count > 0)
                {
                    left = StoreSome(reports, left, replies);
                }
            }
            finally
            {
                Interlocked.Exchange(ref _storing, Idle);
            }
        }

        return replies;
    }

    /// <summary>Brings everything into the files of the hours and begins the journal anew.</summary>
    /// <exception cref="IOException">The disk refuses it: the journal has all that the files lack.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void Checkpoint()
    {
        lock (_changing)
        {
            _hours.WriteChanged();
            _journal.Restart();
            _hours.CloseUntouched(_time.GetUtcNow());
        }
    }

    /// <summary>The hours in which sources are to be sealed or folded, oldest first.</summary>
    public IReadOnlyList<UsageHour> FindMaintainable(TimeSpan deadAfter)
    {
        var now = _time.GetUtcNow();
        return [.. _hours.ListFiles().Where(hour => TrySummaryOf(hour) is { } summary && (summary.HasDead(now, deadAfter) || summary.IsFoldable(now)))];
    }

    /// <summary>Seals the dead sources of an hour, and folds those that can be.</summary>
    /// <exception cref="IOException">The disk refuses it: nothing has changed.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void Maintain(UsageHour hour, TimeSpan deadAfter)
    {
        lock (_changing)
        {
            _hours.WriteChanged(hour);
            _hours.Maintain(hour, _time.GetUtcNow(), deadAfter);
        }
    }

    /// <inheritdoc cref="IUsageReader.Read"/>
    public IEnumerable<UsageHourTotals> Read(string owner, UsageHour from, UsageHour to)
    {
        foreach (var hour in _hours.List(from, to))
        {
            WaitForWhatCameBefore(hour.Month.ClosesAt);
            var totals = _hours.Read(new(owner, hour), ledger => new UsageHourTotals(hour, ledger.Totals(), [.. ledger.Adjustments]));
            if (totals is { Entries.Count: > 0 })
            {
                yield return totals;
            }
        }
    }

    /// <inheritdoc cref="IUsageReader.ListOwners"/>
    public IReadOnlyList<string> ListOwners(UsageHour from, UsageHour to)
    {
        var owners = new HashSet<string>(StringComparer.Ordinal);
        foreach (var hour in _hours.List(from, to))
        {
            WaitForWhatCameBefore(hour.Month.ClosesAt);
            _hours.ListOwners(hour, owners);
        }

        return [.. owners.Order(StringComparer.Ordinal)];
    }

    /// <inheritdoc cref="IUsageReader.ListAdjustments"/>
    public IReadOnlyList<UsageAdjustment> ListAdjustments(string owner, DateTimeOffset from, DateTimeOffset to)
    {
        WaitForWhatCameBefore(to);
        var adjustments = new List<UsageAdjustment>();
        foreach (var hour in _hours.List(new(0), UsageHour.At(to)).Where(hour => hour.Month.ClosesAt < to))
        {
            var shard = new UsageShard(owner, hour);
            if (_hours.IsAdjusted(shard, from, to))
            {
                adjustments.AddRange(_hours.Read(shard, static ledger => ledger.Adjustments.ToArray()) ?? []);
            }
        }

        return [.. adjustments.Where(adjustment => adjustment.At >= from && adjustment.At < to).OrderBy(static adjustment => adjustment.At)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_changing)
        {
            _hours.Dispose();
            _journal.Dispose();
        }
    }

    /// <summary>Stores all that can be with one flush. A report waits where one before it may change the answer to it: one of the same
    /// source and shard, one of the same shard where it would be refused, or one that waits itself.</summary>
    /// <returns>Those that are left.</returns>
    private List<int> StoreSome(IReadOnlyList<UsageReport> reports, List<int> left, UsageReply[] replies)
    {
        var now = _time.GetUtcNow();
        var (taken, later) = (new List<int>(left.Count), new List<int>());
        var sources = new HashSet<(UsageShard, UsageSourceId)>(left.Count);
        var (takenShards, laterShards) = (new HashSet<UsageShard>(left.Count), new HashSet<UsageShard>());
        foreach (var index in left)
        {
            var report = reports[index];
            replies[index] = Judge(report, now);
            var isTaken = replies[index].Kind == UsageReplyKind.Stored;
            if (laterShards.Contains(report.Shard) || (takenShards.Contains(report.Shard) && !(isTaken && sources.Add((report.Shard, report.Source)))))
            {
                later.Add(index);
                laterShards.Add(report.Shard);
            }
            else if (isTaken)
            {
                taken.Add(index);
                takenShards.Add(report.Shard);
                sources.Add((report.Shard, report.Source));
            }
        }

        Store(reports, taken, replies);
        return later;
    }

    private void Store(IReadOnlyList<UsageReport> reports, List<int> taken, UsageReply[] replies)
    {
        if (taken.Count == 0)
        {
            return;
        }

        var now = _time.GetUtcNow();
        var batch = new UsageBatch(_clock.At(now), [.. taken.Select(index => reports[index])]);
        Interlocked.Exchange(ref _storing, batch.At.UtcTicks);
        try
        {
            _journal.Append(batch);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            _logger.ReportsNotStored(taken.Count, failure.Message);
            taken.ForEach(index => replies[index] = UsageReply.Unavailable);
            return;
        }

        var stored = _hours.Apply(batch, now);
        for (var number = 0; number < taken.Count; number++)
        {
            replies[taken[number]] = stored[number];
        }
    }

    private UsageReply Judge(UsageReport report, DateTimeOffset now)
    {
        try
        {
            var reply = _hours.Keep(report.Shard, now).Judge(report);
            _unreadable.Remove(report.Shard.Hour);
            return reply;
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            Note(report.Shard.Hour, failure);
            return UsageReply.Unavailable;
        }
    }

    private UsageSegmentSummary? TrySummaryOf(UsageHour hour)
    {
        try
        {
            return _hours.SummaryOf(hour);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            lock (_changing)
            {
                Note(hour, failure);
            }

            return null;
        }
    }

    // Said once for each hour, not with each report.
    private void Note(UsageHour hour, Exception failure)
    {
        if (_unreadable.Add(hour))
        {
            _logger.HourNotReadable(failure.Message);
        }
    }

    // What is stored with a time before a statement's closing belongs on it. Who reads after the closing waits until it can be seen.
    private void WaitForWhatCameBefore(DateTimeOffset time)
    {
        if (_time.GetUtcNow() >= time && Interlocked.Read(ref _storing) < time.UtcTicks)
        {
            lock (_changing)
            {
                // Whoever was storing has done it.
            }
        }
    }
}
