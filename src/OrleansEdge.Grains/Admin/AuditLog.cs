using System.Globalization;
using System.Text.Json;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Admin;

/// <summary>The audit of the cluster, a list in Redis; the id of a line is its place in it. Thread safe.</summary>
internal sealed class AuditLog(RedisStore redis)
{
    // KEYS: the list, and a hash with the highest number of each thing that is in it. ARGV: a thing, then numbers and lines.
    private const string AppendOnce = """
        local done = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
        for i = 2, #ARGV, 2 do
            if tonumber(ARGV[i]) > done then
                redis.call('RPUSH', KEYS[1], ARGV[i + 1])
                redis.call('HSET', KEYS[2], ARGV[1], ARGV[i])
            end
        end
        """;

    private static readonly JsonSerializerOptions Json = new(EdgeJson.Options);

    // One slot of a Redis Cluster for both.
    private RedisKey Lines => redis.Key("{audit}/lines");

    private RedisKey Done => redis.Key("{audit}/numbers");

    /// <summary>Appends a line.</summary>
    public Task AppendAsync(AuditEntry entry) => redis.Database.ListRightPushAsync(Lines, Write(entry));

    /// <summary>Appends those lines of one thing that are not there yet.</summary>
    /// <param name="kind">Kind of the thing.</param>
    /// <param name="name">Its name.</param>
    /// <param name="lines">Oldest first, with numbers that rise and never come again.</param>
    public Task AppendOnceAsync(string kind, string name, IEnumerable<(long Number, AuditEntry Line)> lines)
    {
        var arguments = new List<RedisValue> { $"{kind}/{name}" };
        foreach (var (number, line) in lines)
        {
            arguments.Add(number);
            arguments.Add(Write(line));
        }

        return redis.Database.ScriptEvaluateAsync(AppendOnce, [Lines, Done], [.. arguments]);
    }

    /// <summary>Lines after an id, oldest first.</summary>
    public async Task<Page<AuditEntry>> ListAsync(long after, int limit)
    {
        var lines = await redis.Database.ListRangeAsync(Lines, after, after + limit);
        var items = lines.Take(limit).Select((line, index) => Read(line, after + index + 1)).ToList();
        return new(items, lines.Length > limit ? AuditWords.Id(after + limit) : null);
    }

    private static byte[] Write(AuditEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry with { Id = "" }, Json);

    private static AuditEntry Read(RedisValue line, long id)
        => JsonSerializer.Deserialize<AuditEntry>((byte[])line!, Json)! with { Id = id.ToString(CultureInfo.InvariantCulture) };
}
