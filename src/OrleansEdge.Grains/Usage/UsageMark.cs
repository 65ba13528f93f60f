using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Usage;

/// <summary>The last month of which a statement may have been made, for all tenants: what <see cref="UsageClock"/> needs. Thread safe.</summary>
internal sealed class UsageMark(RedisStore redis)
{
    // Months are written so that their order is that of text.
    private const string Raise = """
        local mark = redis.call('GET', KEYS[1]) or ''
        if ARGV[1] > mark then redis.call('SET', KEYS[1], ARGV[1]) end
        """;

    private RedisKey Key => redis.Key("usage/closed");

    /// <summary>The clock by which reports are stored now.</summary>
    public async Task<UsageClock> ReadAsync()
    {
        var mark = (string?)await redis.Database.StringGetAsync(Key);
        return mark is null ? new(null)
            : UsageMonth.TryParse(mark, out var month) ? new(month)
            : throw new RedisDamageException(Key.ToString(), $"\"{mark}\" is no month.", null);
    }

    /// <summary>Notes that statements of a month may be made from now on. Called before usage is read for the first of them.</summary>
    public Task CloseThroughAsync(UsageMonth month) => redis.Database.ScriptEvaluateAsync(Raise, [Key], [month.ToString()]);
}
