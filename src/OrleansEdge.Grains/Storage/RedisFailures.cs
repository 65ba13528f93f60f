using Orleans.Persistence.Redis;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Storage;

/// <summary>What goes wrong with Redis.</summary>
internal static class RedisFailures
{
    /// <summary>Whether Redis gave no answer, or refused the command: what was asked for may have been done or not.</summary>
    public static bool IsAway(Exception failure)
        => failure is RedisException or RedisCommandException or TimeoutException or OrleansException { InnerException: RedisStorageException };
}
