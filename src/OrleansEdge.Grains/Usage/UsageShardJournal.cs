using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>The ledger of one shard in Redis: its journal, and its place in the indexes, which is taken before anything can be found
/// missing there. Not thread safe.</summary>
internal sealed class UsageShardJournal(RedisStore redis, UsageShard shard)
{
    /// <summary>How often it is noted that an hour changes.</summary>
    public static readonly TimeSpan MarkInterval = TimeSpan.FromSeconds(30);

    // What was appended is replayed when the shard is read, so it may be as much as the ledger itself, and a little.
    private const int LeastBytesToCompact = 64 << 10;

    private readonly RedisJournal _journal = redis.Journal(UsageKeys.JournalOf(shard));
    private bool _isIndexed;
    private bool _isIndexedAsLate;
    private DateTimeOffset? _markedAt;

    /// <summary>Reads the ledger. From then on, what is stored builds on it.</summary>
    /// <exception cref="RedisDamageException">What stands there is damaged.</exception>
    public async Task<UsageShardLedger> LoadAsync()
    {
        (_isIndexed, _isIndexedAsLate, _markedAt) = (false, false, null);
        var elements = await _journal.LoadAsync();
        try
        {
            return UsageElements.Replay(shard, elements);
        }
        catch (FormatException fault)
        {
            throw new RedisDamageException(UsageKeys.JournalOf(shard), fault.Message, fault);
        }
    }

    /// <summary>Stores what a ledger has become.</summary>
    /// <param name="ledger">The ledger that was loaded, with everything applied to it.</param>
    /// <param name="at">When the reports arrived.</param>
    /// <param name="taken">The reports that it took.</param>
    /// <param name="isTended">Whether sources were sealed or folded, which reports do not tell.</param>
    /// <returns>False: somebody else has written since it was loaded; nothing was stored.</returns>
    public async Task<bool> TryStoreAsync(UsageShardLedger ledger, DateTimeOffset at, IReadOnlyList<UsageReport> taken, bool isTended)
    {
        await IndexAsync(ledger);
        await MarkAsync(at);
        return isTended || _journal.Count == 0 || _journal.AppendedBytes > Math.Max(LeastBytesToCompact, _journal.BaseBytes)
            ? await _journal.TryReplaceAsync(UsageElements.OfLedger(ledger))
            : await _journal.TryAppendAsync(UsageElements.OfReports(at, taken));
    }

    // Once for each load, not once for all: where Redis lost something it may have lost more of an index than of the journal.
    private async Task IndexAsync(UsageShardLedger ledger)
    {
        var (database, hour) = (redis.Database, shard.Hour);
        if (!_isIndexed && ledger.HasUsage)
        {
            await Task.WhenAll(
                database.SortedSetAddAsync(UsageKeys.AllHours(redis), hour.Number, hour.Number),
                database.SortedSetAddAsync(UsageKeys.HoursOf(redis, shard.Owner), hour.Number, hour.Number),
                database.SetAddAsync(UsageKeys.OwnersOf(redis, hour), shard.Owner));
            _isIndexed = true;
        }

        if (!_isIndexedAsLate && ledger.Adjustments.Count > 0)
        {
            await database.SortedSetAddAsync(UsageKeys.LateHoursOf(redis, shard.Owner), hour.Number, hour.Number);
            _isIndexedAsLate = true;
        }
    }

    private async Task MarkAsync(DateTimeOffset at)
    {
        if (_markedAt is { } markedAt && (at - markedAt).Duration() < MarkInterval)
        {
            return;
        }

        await redis.Database.SortedSetAddAsync(UsageKeys.ChangedHoursOf(redis, shard.Owner), shard.Hour.Number, at.ToUnixTimeMilliseconds());
        _markedAt = at;
    }
}
