using System.Runtime.ExceptionServices;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Usage;

/// <summary>The hours of the ledger: those with files, and those that are open because reports come for them. Reading is thread safe;
/// changing calls must not overlap.</summary>
internal sealed class UsageHours : IDisposable
{
    // How long an hour stays in memory that no report comes for.
    private static readonly TimeSpan OpenFor = TimeSpan.FromMinutes(15);

    private readonly UsageHourFolder _folder;
    private readonly Lock _lock = new();
    private readonly Dictionary<UsageHour, UsageOpenHour> _open = [];
    private readonly SortedSet<UsageHour> _files;
    private readonly Dictionary<UsageHour, UsageSegmentSummary> _summaries = [];

    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be.</exception>
    public UsageHours(string folder)
    {
        _folder = new(folder);
        _files = [.. _folder.List()];
    }

    /// <summary>How many hours have files.</summary>
    public int Files
    {
        get
        {
            lock (_lock)
            {
                return _files.Count;
            }
        }
    }

    /// <summary>Whether there is something that the files have not.</summary>
    public bool IsChanged
    {
        get
        {
            lock (_lock)
            {
                return _open.Values.Any(static hour => hour.IsChanged);
            }
        }
    }

    /// <summary>Has the ledger of a shard in memory, to be judged by and changed without any disk.</summary>
    /// <exception cref="IOException">The hour's file cannot be read.</exception>
    public UsageShardLedger Keep(UsageShard shard, DateTimeOffset now)
    {
        var hour = Open(shard.Hour, now);
        ReopenIfDamaged(shard.Hour, hour);
        var ledger = hour.Find(shard.Owner);
        lock (_lock)
        {
            hour.Keep(ledger);
            return ledger;
        }
    }

    /// <summary>Applies reports; who reads an hour sees all of them or none.</summary>
    public UsageReply[] Apply(UsageBatch batch, DateTimeOffset now)
    {
        lock (_lock)
        {
            return [.. batch.Reports.Select(report => Open(report.Shard.Hour, now).Change(report.Shard.Owner).Apply(report, batch.At))];
        }
    }

    /// <summary>Brings into the files what they have not. One that cannot be written keeps none of the others from it.</summary>
    /// <exception cref="IOException">The disk refuses some; what is not in the files stays in memory.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void WriteChanged()
    {
        ExceptionDispatchInfo? refused = null;
        foreach (var hour in _open.Keys.ToList())
        {
            try
            {
                WriteChanged(hour);
            }
            catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
            {
                refused ??= ExceptionDispatchInfo.Capture(failure);
            }
        }

        refused?.Throw();
    }

    /// <summary>The same for one hour.</summary>
    /// <exception cref="IOException">The disk refuses it; what is not in the file stays in memory.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void WriteChanged(UsageHour hour)
    {
        if (_open.TryGetValue(hour, out var open) && open.IsChanged)
        {
            ReopenIfDamaged(hour, open);
            Write(hour, open.Build(), open);
        }
    }

    /// <summary>Lets go of the hours that no report came for lately.</summary>
    public void CloseUntouched(DateTimeOffset now)
    {
        lock (_lock)
        {
            foreach (var (hour, _) in _open.Where(pair => !pair.Value.IsChanged && now - pair.Value.TouchedAt >= OpenFor).ToList())
            {
                Close(hour);
            }
        }
    }

    /// <summary>Seals the dead sources of an hour whose changes are in its file, and folds those that can be.</summary>
    /// <exception cref="IOException">The disk refuses it: nothing has changed.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void Maintain(UsageHour hour, DateTimeOffset now, TimeSpan deadAfter)
    {
        var builder = new UsageSegmentBuilder(hour);
        using (var file = _folder.Open(hour))
        {
            foreach (var (ledger, block) in file.ReadAll())
            {
                if (ledger.SealUnheard(now, deadAfter) | ledger.Fold(now))
                {
                    builder.Add(ledger);
                }
                else
                {
                    builder.Add(ledger, block);
                }
            }
        }

        Write(hour, builder, opened: null);
    }

    /// <summary>Hours in [from, to) that have a file or are open, in order.</summary>
    public UsageHour[] List(UsageHour from, UsageHour to)
    {
        if (from >= to)
        {
            return [];
        }

        lock (_lock)
        {
            var hours = _files.GetViewBetween(from, new(to.Number - 1)).ToHashSet();
            hours.UnionWith(_open.Keys.Where(hour => hour >= from && hour < to));
            return [.. hours.Order()];
        }
    }

    /// <summary>Hours with files, in order.</summary>
    public UsageHour[] ListFiles()
    {
        lock (_lock)
        {
            return [.. _files];
        }
    }

    /// <summary>Reads the ledger of a shard while it does not change.</summary>
    /// <returns>What was read; null: there is no such ledger.</returns>
    /// <exception cref="IOException">The hour's file cannot be read.</exception>
    public T? Read<T>(UsageShard shard, Func<UsageShardLedger, T> read)
        where T : class
    {
        lock (_lock)
        {
            if (_open.TryGetValue(shard.Hour, out var open) && open.Ledgers.TryGetValue(shard.Owner, out var ledger))
            {
                return read(ledger);
            }

            if (!_files.Contains(shard.Hour))
            {
                return null;
            }
        }

        // A newer file that takes its place meanwhile is as good.
        using var file = _folder.Open(shard.Hour);
        return file.Find(shard.Owner) is { } stored ? read(stored) : null;
    }

    /// <summary>Adds the owners that have usage in an hour to a set.</summary>
    /// <exception cref="IOException">The hour's file cannot be read.</exception>
    public void ListOwners(UsageHour hour, HashSet<string> owners)
    {
        lock (_lock)
        {
            if (_open.TryGetValue(hour, out var open))
            {
                owners.UnionWith(open.Ledgers.Values.Where(static ledger => ledger.HasUsage).Select(static ledger => ledger.Shard.Owner));
            }

            if (!_files.Contains(hour))
            {
                return;
            }
        }

        using var file = _folder.Open(hour);
        file.ListOwners(owners);
    }

    /// <summary>Whether an owner's hour may have adjustments that came in [from, to).</summary>
    /// <exception cref="IOException">The hour's file cannot be read.</exception>
    public bool IsAdjusted(UsageShard shard, DateTimeOffset from, DateTimeOffset to)
    {
        lock (_lock)
        {
            if (_open.TryGetValue(shard.Hour, out var open) && open.Ledgers.ContainsKey(shard.Owner))
            {
                return true;
            }

            if (!_files.Contains(shard.Hour))
            {
                return false;
            }
        }

        return SummaryOf(shard.Hour).IsAdjusted(from, to);
    }

    /// <summary>What the file of an hour says of it.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public UsageSegmentSummary SummaryOf(UsageHour hour)
    {
        lock (_lock)
        {
            if (_summaries.TryGetValue(hour, out var known))
            {
                return known;
            }
        }

        using var file = _folder.Open(hour);
        lock (_lock)
        {
            // A file that was written meanwhile has left its own.
            return _summaries.TryGetValue(hour, out var newer) ? newer : _summaries[hour] = file.Summary;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _open.Keys.ToList().ForEach(Close);
        }
    }

    private UsageOpenHour Open(UsageHour hour, DateTimeOffset now)
    {
        lock (_lock)
        {
            if (!_open.TryGetValue(hour, out var open))
            {
                open = new(hour, _files.Contains(hour) ? _folder.Open(hour) : null);
                _open.Add(hour, open);
            }

            open.TouchedAt = now;
            return open;
        }
    }

    // Where the operator has put a sound file in its place, that is another file.
    private void ReopenIfDamaged(UsageHour hour, UsageOpenHour open)
    {
        lock (_lock)
        {
            if (open.IsDamaged)
            {
                open.Reopen(_folder.Open(hour));
                _summaries.Remove(hour);
            }
        }
    }

    /// <param name="hour">The hour.</param>
    /// <param name="builder">Its new file.</param>
    /// <param name="opened">What stays in memory above the new file; null: nothing.</param>
    private void Write(UsageHour hour, UsageSegmentBuilder builder, UsageOpenHour? opened)
    {
        _folder.Replace(hour, builder.Build());
        var above = opened?.Above(_folder.Open(hour));
        lock (_lock)
        {
            Close(hour);
            _files.Add(hour);
            _summaries[hour] = builder.Summary;
            if (above is not null)
            {
                _open.Add(hour, above);
            }
        }
    }

    private void Close(UsageHour hour)
    {
        if (_open.Remove(hour, out var open))
        {
            open.Dispose();
        }
    }
}
