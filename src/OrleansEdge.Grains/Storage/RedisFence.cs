using System.Diagnostics;
using System.Globalization;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Storage;

/// <summary>Waits until what Redis has taken is in its append-only file, where a kill of its process does not reach it. Redis answers a
/// write before that: up to two seconds before, while the file is being flushed. Thread safe.</summary>
internal sealed class RedisFence(IConnectionMultiplexer redis)
{
    private const string Field = "aof_buffer_length:";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    /// <summary>Waits for all that was written before. Without an append-only file there is nothing to wait for.</summary>
    /// <exception cref="TimeoutException">It is not there within three seconds.</exception>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public Task WaitAsync() => Task.WhenAll(redis.GetServers().Where(static server => !server.IsReplica).Select(WaitAsync));

    private static async Task WaitAsync(IServer server)
    {
        var began = Stopwatch.GetTimestamp();
        while (await BufferedBytesAsync(server) > 0)
        {
            if (Stopwatch.GetElapsedTime(began) > Longest)
            {
                throw new TimeoutException("Redis has not written its append-only file for three seconds.");
            }

            await Task.Delay(Interval);
        }
    }

    // Not reported where there is no such file. The library's own call of INFO is for administrators only.
    private static async Task<long> BufferedBytesAsync(IServer server)
    {
        var info = (string?)await server.ExecuteAsync("INFO", "persistence") ?? "";
        var line = info.Split("\r\n").FirstOrDefault(static line => line.StartsWith(Field, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.AsSpan(Field.Length), CultureInfo.InvariantCulture);
    }
}
