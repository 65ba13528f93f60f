using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Storage;

/// <summary>The connection of a silo's grains to Redis. It is made before the silo takes calls, the first of which would have to wait for
/// it; a Redis that is away by then is waited for. Thread safe.</summary>
internal sealed class RedisConnection(ConfigurationOptions redis, TimeProvider time, ILogger<RedisConnection> logger)
    : ILifecycleParticipant<ISiloLifecycle>, IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private ConnectionMultiplexer? _multiplexer;

    /// <summary>The connection; when Redis goes away later it is made again by itself.</summary>
    /// <exception cref="InvalidOperationException">The silo has not come so far in its start.</exception>
    public IConnectionMultiplexer Multiplexer => _multiplexer ?? throw new InvalidOperationException("The silo is not connected to Redis yet.");

    /// <inheritdoc/>
    public void Participate(ISiloLifecycle lifecycle)
        => lifecycle.Subscribe(nameof(RedisConnection), ServiceLifecycleStage.RuntimeStorageServices, ConnectAsync);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _multiplexer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        _multiplexer = await ConnectionMultiplexer.ConnectAsync(redis);
        var isTold = false;
        while (await FaultAsync(_multiplexer) is { } fault)
        {
            if (!isTold)
            {
                isTold = true;
                logger.RedisAway(string.Join(", ", redis.EndPoints), fault);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private static async Task<string?> FaultAsync(ConnectionMultiplexer multiplexer)
    {
        try
        {
            await multiplexer.GetDatabase().PingAsync();
            return null;
        }
        catch (Exception away) when (RedisFailures.IsAway(away))
        {
            return away.Message.Split('\n', 2)[0].TrimEnd('\r');
        }
    }
}
