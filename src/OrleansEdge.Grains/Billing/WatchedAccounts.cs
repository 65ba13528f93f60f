using System.Text;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Billing;

/// <summary>The accounts in which something may come due without anybody's call, in Redis: so that whoever looks after them finds them
/// when the silo is gone where they were. Thread safe.</summary>
internal sealed class WatchedAccounts(RedisStore redis)
{
    /// <summary>Adds a tenant.</summary>
    public Task AddAsync(string tenant) => redis.Database.SetAddAsync(KeyOf(PartOf(tenant)), tenant);

    /// <summary>Removes a tenant.</summary>
    public Task RemoveAsync(string tenant) => redis.Database.SetRemoveAsync(KeyOf(PartOf(tenant)), tenant);

    /// <summary>The tenants of a part.</summary>
    public IAsyncEnumerable<RedisValue> ListAsync(long part) => redis.Database.SetScanAsync(KeyOf(part));

    private static long PartOf(string tenant) => Crc32C.Of(Encoding.UTF8.GetBytes(tenant)) % IBillingUpkeepGrain.Count;

    private RedisKey KeyOf(long part) => redis.Key($"billing/watched/{part}");
}
