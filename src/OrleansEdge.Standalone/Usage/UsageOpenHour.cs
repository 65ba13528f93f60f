using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>An hour that reports come for: what its file has, and above it the ledgers of the owners that reports came for. Not thread
/// safe.</summary>
internal sealed class UsageOpenHour : IDisposable
{
    private readonly Dictionary<string, UsageShardLedger> _ledgers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly UsageHour _hour;
    private UsageSegment? _file;

    /// <param name="hour">The hour.</param>
    /// <param name="file">Its file, which this takes over; null: it has none.</param>
    public UsageOpenHour(UsageHour hour, UsageSegment? file) => (_hour, _file) = (hour, file);

    /// <summary>When the last report came for it.</summary>
    public DateTimeOffset TouchedAt { get; set; }

    /// <summary>Whether there is something that its file has not.</summary>
    public bool IsChanged => _changed.Count > 0;

    /// <summary>Whether its file was found to be damaged: somebody may have put another one in its place since.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>The ledgers in memory. What is not among them is in the file alone.</summary>
    public IReadOnlyDictionary<string, UsageShardLedger> Ledgers => _ledgers;

    /// <summary>The ledger of an owner, in memory, in the file, or new.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public UsageShardLedger Find(string owner)
        => _ledgers.GetValueOrDefault(owner) ?? Reading(static (file, owner) => file.Find(owner), owner) ?? new(new(owner, _hour));

    /// <summary>The ledger of an owner, in memory, to be changed.</summary>
    /// <exception cref="IOException">It was not in memory and the file cannot be read.</exception>
    public UsageShardLedger Change(string owner)
    {
        if (!_ledgers.TryGetValue(owner, out var ledger))
        {
            ledger = Find(owner);
            _ledgers.Add(owner, ledger);
        }

        _changed.Add(owner);
        return ledger;
    }

    /// <summary>Has the ledger of an owner in memory, so that <see cref="Change"/> needs no disk.</summary>
    public void Keep(UsageShardLedger ledger) => _ledgers.TryAdd(ledger.Shard.Owner, ledger);

    /// <summary>The file as it is to be.</summary>
    /// <exception cref="IOException">The file as it is cannot be read.</exception>
    public UsageSegmentBuilder Build()
    {
        var builder = Reading(static (file, hour) => hour.BuildOn(file), this) ?? new(_hour);
        foreach (var owner in _changed)
        {
            builder.Add(_ledgers[owner]);
        }

        return builder;
    }

    /// <summary>Takes another file in the place of one that was damaged. It may be an older copy, so all that is in memory has to be
    /// written to it.</summary>
    public void Reopen(UsageSegment file)
    {
        _file?.Dispose();
        _file = file;
        _changed.UnionWith(_ledgers.Keys);
        IsDamaged = false;
    }

    /// <summary>The same hour above its new file.</summary>
    /// <param name="file">The new file, in which everything is.</param>
    public UsageOpenHour Above(UsageSegment file)
    {
        var hour = new UsageOpenHour(_hour, file) { TouchedAt = TouchedAt };
        foreach (var (owner, ledger) in _ledgers)
        {
            hour._ledgers.Add(owner, ledger);
        }

        return hour;
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private UsageSegmentBuilder BuildOn(UsageSegment file)
    {
        var builder = new UsageSegmentBuilder(_hour);
        foreach (var (ledger, block) in file.ReadAll())
        {
            if (!_changed.Contains(ledger.Shard.Owner))
            {
                builder.Add(ledger, block);
            }
        }

        return builder;
    }

    private T? Reading<TState, T>(Func<UsageSegment, TState, T?> read, TState state)
        where T : class
    {
        try
        {
            return _file is null ? null : read(_file, state);
        }
        catch (UsageDamageException)
        {
            IsDamaged = true;
            throw;
        }
    }
}
