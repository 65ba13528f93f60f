using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace OrleansEdge.Clustering.Hosting;

/// <summary>Holds the start of a silo up until Redis answers: Orleans would give up at once, and the order in which the machines of a
/// cluster come up is nobody's choice. Registered before the silo.</summary>
internal sealed partial class RedisWait(ConfigurationOptions redis, TimeProvider time, ILogger<RedisWait> logger) : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var isTold = false;
        while (await FaultAsync() is { } fault)
        {
            if (!isTold)
            {
                isTold = true;
                RedisAway(string.Join(", ", redis.EndPoints), fault);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<string?> FaultAsync()
    {
        try
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(redis);
            await connection.GetDatabase().PingAsync();
            return null;
        }
        catch (RedisException away)
        {
            return away.Message.Split('\n', 2)[0].TrimEnd('\r');
        }
    }

    [LoggerMessage(6000, LogLevel.Warning, "Redis at {Servers} does not answer; the silo starts when it does. {Reason}")]
    private partial void RedisAway(string servers, string reason);
}
