using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Usage;

/// <summary>Where usage lies in Redis. Sorted sets of hours have the hour's number as member, and as score
/// where nothing else is said.</summary>
internal static class UsageKeys
{
    /// <summary>Name of a shard's journal.</summary>
    public static string JournalOf(UsageShard shard) => $"usage/{shard.Hour.Number}/{shard.Owner}";

    /// <summary>Sorted set: all hours with usage.</summary>
    public static RedisKey AllHours(RedisStore redis) => redis.Key("usage/hours");

    /// <summary>Sorted set: the hours in which an owner has usage.</summary>
    public static RedisKey HoursOf(RedisStore redis, string owner) => redis.Key($"usage/hours/{owner}");

    /// <summary>Sorted set: the hours in which an owner may have adjustments.</summary>
    public static RedisKey LateHoursOf(RedisStore redis, string owner) => redis.Key($"usage/late/{owner}");

    /// <summary>Sorted set: the hours of an owner by when they last changed, in milliseconds since 1970, which is up to
    /// <see cref="UsageShardJournal.MarkInterval"/> too early.</summary>
    public static RedisKey ChangedHoursOf(RedisStore redis, string owner) => redis.Key($"usage/changed/{owner}");

    /// <summary>Set: who has usage in an hour.</summary>
    public static RedisKey OwnersOf(RedisStore redis, UsageHour hour) => redis.Key($"usage/owners/{hour.Number}");

    /// <summary>Number of the hour up to which all hours were folded.</summary>
    public static RedisKey FoldedUntil(RedisStore redis) => redis.Key("usage/folded-until");
}
