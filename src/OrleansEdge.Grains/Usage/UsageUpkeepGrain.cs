using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>Folds hours in the order of time, once their corrections are over, and notes in Redis how far it is.</summary>
internal sealed class UsageUpkeepGrain(RedisStore redis, RedisUsageReader usage, EdgeClock clock, ILogger<UsageUpkeepGrain> logger) : Grain, IUsageUpkeepGrain
{
    private const int OwnersAtOnce = 32;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(30);

    // A source that was heard at the last moment, declared dead a day later, could be folded three days after that.
    private static readonly TimeSpan After = UsageMonth.CorrectionWindow + TimeSpan.FromDays(2);

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(LookAsync, new GrainTimerCreationOptions { DueTime = TimeSpan.FromSeconds(1), Period = Interval, KeepAlive = true, Interleave = true });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task WakeAsync() => Task.CompletedTask;

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FoldAsync();
        }
        catch (Exception failure)
        {
            logger.UsageNotFolded(failure);
        }
    }

    private async Task FoldAsync()
    {
        var began = Stopwatch.GetTimestamp();
        var key = UsageKeys.FoldedUntil(redis);
        var from = new UsageHour((int?)await redis.Database.StringGetAsync(key) ?? 0);
        var month = UsageMonth.At(clock.Now - After);
        var to = month.Previous.ClosesAt <= clock.Now - After ? month : month.Previous;
        foreach (var hour in await usage.ListHoursAsync(from, UsageHour.At(to.Start)))
        {
            await FoldAsync(hour);
            await redis.Database.StringSetAsync(key, hour.Number + 1);
            if (Stopwatch.GetElapsedTime(began) > LongestLook)
            {
                return;
            }
        }
    }

    private async Task FoldAsync(UsageHour hour)
    {
        var owners = await usage.ListOwnersAsync(hour, new(hour.Number + 1));
        foreach (var some in owners.Chunk(OwnersAtOnce))
        {
            await Task.WhenAll(some.Select(owner => GrainFactory.GetUsageGrain(new(owner, hour)).TendAsync()));
        }

        logger.UsageFolded(hour, owners.Count);
    }
}
