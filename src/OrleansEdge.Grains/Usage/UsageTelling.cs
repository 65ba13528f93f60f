using System.Diagnostics;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>Tells a tenant's account that usage was stored, without holding up who reports it. Not thread safe; used within one
/// grain.</summary>
internal sealed class UsageTelling(IGrainFactory grains, UsageShard shard)
{
    /// <summary>Least time between two calls of an account that does not care.</summary>
    public static readonly TimeSpan IdleInterval = TimeSpan.FromSeconds(5);

    // An account that is about to run out decides within half a second of what was stored.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(400);

    private Task _telling = Task.CompletedTask;
    private bool _isGrown;
    private long? _toldAt;
    private TimeSpan _interval;

    /// <summary>Notes that usage was stored.</summary>
    public void NoteGrown()
    {
        _isGrown = shard.Gateway is null;
        if (_isGrown && _telling.IsCompleted)
        {
            _telling = TellAsync();
        }
    }

    private async Task TellAsync()
    {
        while (_isGrown)
        {
            if (_toldAt is { } toldAt && _interval - Stopwatch.GetElapsedTime(toldAt) is var left && left > TimeSpan.Zero)
            {
                await Task.Delay(left);
            }

            _isGrown = false;
            _toldAt = Stopwatch.GetTimestamp();
            _interval = await TellOnceAsync() ? Interval : IdleInterval;
        }
    }

    private async Task<bool> TellOnceAsync()
    {
        try
        {
            return await grains.GetGrain<IAccountGrain>(shard.Owner).UsageGrownAsync(shard.Hour.Number);
        }
        catch (Exception)
        {
            // Whatever it was, the account looks again by itself within a minute; telling it again is sooner.
            _isGrown = true;
            return true;
        }
    }
}
