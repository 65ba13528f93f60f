using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>Says that usage cannot be stored, not once for each of the many grains that find it out. Thread safe.</summary>
internal sealed class UsageTrouble(ILogger<UsageGrain> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private long _nextAt;

    /// <summary>Notes that a write failed, after all attempts.</summary>
    public void Note(UsageShard shard, Exception failure)
    {
        var (now, next) = (Stopwatch.GetTimestamp(), Interlocked.Read(ref _nextAt));
        if (now < next || Interlocked.CompareExchange(ref _nextAt, now + (long)(Interval.TotalSeconds * Stopwatch.Frequency), next) != next)
        {
            return;
        }

        if (failure is RedisDamageException)
        {
            logger.UsageDamaged(failure.Message);
        }
        else if (RedisFailures.IsAway(failure))
        {
            logger.UsageNotStored(shard.Owner, failure.Message);
        }
        else
        {
            logger.UsageFailed(failure, shard.Owner);
        }
    }
}
