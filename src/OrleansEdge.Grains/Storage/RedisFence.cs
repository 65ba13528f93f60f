using System.Diagnostics;
using System.Globalization;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Storage;

/// <summary>Waits until what Redis has taken is in its append-only file, where a kill of its process does not reach it. Redis answers a
/// write before that: up to two seconds before, while the file is being flushed. Thread safe.</summary>
internal sealed class RedisFence(IConnectionMultiplexer redis)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    /// <summary>Waits for all that was written before. Without an append-only file there is nothing to wait for.</summary>
    /// <exception cref="TimeoutException">It is not there within three seconds.</exception>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public Task WaitAsync() => Task.WhenAll(redis.GetServers().Where(static server => !server.IsReplica).Select(WaitAsync));

    private static async Task WaitAsync(IServer server)
    {
        var began = Stopwatch.GetTimestamp();
        var progress = new AppendOnlyProgress();
        while (!progress.Note(await ReadAsync(server)))
        {
            if (Stopwatch.GetElapsedTime(began) > Longest)
            {
                throw new TimeoutException("Redis has not written its append-only file for three seconds.");
            }

            await Task.Delay(Interval);
        }
    }

    // The library's own call of INFO is for administrators only.
    private static async Task<AppendOnlyFile> ReadAsync(IServer server) => AppendOnlyFile.Parse((string?)await server.ExecuteAsync("INFO", "persistence") ?? "");
}

/// <summary>What Redis says of its append-only file; all 0: there is none.</summary>
/// <param name="Size">Bytes in the file.</param>
/// <param name="Buffered">Bytes that wait to be written to it.</param>
/// <param name="Rewrites">How often it was written anew, which changes its size.</param>
internal readonly record struct AppendOnlyFile(long Size, long Buffered, long Rewrites)
{
    /// <summary>Reads the answer to <c>INFO persistence</c>.</summary>
    public static AppendOnlyFile Parse(string info)
    {
        var fields = info.Split("\r\n").Select(static line => line.Split(':', 2)).Where(static field => field.Length == 2)
            .ToDictionary(static field => field[0], static field => field[1], StringComparer.Ordinal);
        return new(Number("aof_current_size"), Number("aof_buffer_length"), Number("aof_rewrites"));

        long Number(string name) => fields.TryGetValue(name, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
    }
}

/// <summary>Finds out when what Redis has taken is in its append-only file. Others write all the time, so the buffer need never be seen
/// empty: what was in it is in the file when that has grown by as much. Not thread safe.</summary>
internal sealed class AppendOnlyProgress
{
    private AppendOnlyFile? _seen;
    private long _goal;

    /// <summary>Takes what Redis says now.</summary>
    /// <returns>Whether everything is in the file that Redis had taken when this was first called.</returns>
    public bool Note(AppendOnlyFile now)
    {
        if (_seen is not { } seen || now.Rewrites != seen.Rewrites || now.Size < seen.Size)
        {
            _goal = now.Size + now.Buffered;
        }

        _seen = now;
        return now.Size >= _goal;
    }
}
