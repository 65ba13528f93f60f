using System.Runtime.CompilerServices;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Usage;

/// <summary>Reads usage straight from Redis, where everything is that was acknowledged; no grain is woken for it. Thread safe; what is
/// read of one hour is of one instant.</summary>
/// <remarks>All methods throw <see cref="RedisDamageException"/> for what cannot be understood, and what
/// <see cref="RedisFailures.IsAway"/> knows where Redis does not answer.</remarks>
internal sealed class RedisUsageReader(RedisStore redis)
{
    // Asked for in one go, and all that is in memory at a time.
    private const int HoursAtOnce = 64;

    // Clocks of silos differ, and what is noted before a write is seen after it.
    private static readonly TimeSpan ChangeMargin = UsageShardJournal.MarkInterval + TimeSpan.FromMinutes(1);

    /// <summary>Usage of an owner in the hours [from, to), in the order of time; hours without usage are left out.</summary>
    public IAsyncEnumerable<UsageHourTotals> ReadAsync(string owner, UsageHour from, UsageHour to, CancellationToken cancellationToken = default)
        => ReadAsync(UsageKeys.HoursOf(redis, owner), owner, from, to, cancellationToken);

    /// <summary>Usage of several owners in one hour, in the order of the owners; those without usage are left out.</summary>
    public async IAsyncEnumerable<(string Owner, UsageHourTotals Totals)> ReadHourAsync(
        IEnumerable<string> owners, UsageHour hour, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var some in owners.Chunk(HoursAtOnce))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var shards = await Task.WhenAll(some.Select(owner => ReadAsync(new UsageShard(owner, hour))));
            foreach (var (owner, totals) in some.Zip(shards).Where(static pair => pair.Second.Entries.Count > 0))
            {
                yield return (owner, totals);
            }
        }
    }

    /// <summary>Owners that have usage in the hours [from, to), tenants and gateways, ordinal.</summary>
    public async Task<IReadOnlyList<string>> ListOwnersAsync(UsageHour from, UsageHour to)
    {
        var owners = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var some in (await ListHoursAsync(UsageKeys.AllHours(redis), from, to)).Chunk(HoursAtOnce))
        {
            var members = await Task.WhenAll(some.Select(hour => redis.Database.SetMembersAsync(UsageKeys.OwnersOf(redis, hour))));
            owners.UnionWith(members.SelectMany(static hour => hour).Select(static owner => owner.ToString()));
        }

        return [.. owners];
    }

    /// <summary>Hours in which anybody has usage, in [from, to), in the order of time.</summary>
    public Task<UsageHour[]> ListHoursAsync(UsageHour from, UsageHour to) => ListHoursAsync(UsageKeys.AllHours(redis), from, to);

    /// <summary>Changes that came after the statement of their bucket's month had closed, noted in [from, to), in the order of time.</summary>
    public async Task<IReadOnlyList<UsageAdjustment>> ListAdjustmentsAsync(string owner, DateTimeOffset from, DateTimeOffset to)
    {
        var adjustments = new List<UsageAdjustment>();
        await foreach (var totals in ReadAsync(UsageKeys.LateHoursOf(redis, owner), owner, new(0), UsageHour.At(to), CancellationToken.None))
        {
            adjustments.AddRange(totals.Adjustments.Where(adjustment => adjustment.At >= from && adjustment.At < to));
        }

        return [.. adjustments.OrderBy(static adjustment => adjustment.At)];
    }

    /// <summary>Hours of an owner that changed after an instant, and maybe some that changed shortly before it.</summary>
    public async Task<IReadOnlyList<UsageHour>> ListChangedAsync(string owner, DateTimeOffset after)
    {
        var since = (after - ChangeMargin).ToUnixTimeMilliseconds();
        var hours = await redis.Database.SortedSetRangeByScoreAsync(UsageKeys.ChangedHoursOf(redis, owner), since);
        return Array.ConvertAll(hours, static hour => new UsageHour((int)hour));
    }

    private async IAsyncEnumerable<UsageHourTotals> ReadAsync(
        RedisKey index, string owner, UsageHour from, UsageHour to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var some in (await ListHoursAsync(index, from, to)).Chunk(HoursAtOnce))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var totals in await Task.WhenAll(some.Select(hour => ReadAsync(new UsageShard(owner, hour)))))
            {
                if (totals.Entries.Count > 0)
                {
                    yield return totals;
                }
            }
        }
    }

    private async Task<UsageHour[]> ListHoursAsync(RedisKey index, UsageHour from, UsageHour to)
    {
        var hours = await redis.Database.SortedSetRangeByScoreAsync(index, from.Number, to.Number, Exclude.Stop);
        return Array.ConvertAll(hours, static hour => new UsageHour((int)hour));
    }

    private async Task<UsageHourTotals> ReadAsync(UsageShard shard)
    {
        var ledger = await new UsageShardJournal(redis, shard).LoadAsync();
        return new(shard.Hour, ledger.Totals(), [.. ledger.Adjustments]);
    }
}
