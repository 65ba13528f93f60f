using Microsoft.Extensions.Options;
using Orleans.Configuration;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Storage;

/// <summary>The Redis of the cluster, for what grains keep there themselves. Every key begins with the service's id. Thread safe.</summary>
internal sealed class RedisStore(IConnectionMultiplexer redis, IOptions<ClusterOptions> cluster)
{
    private readonly string _prefix = cluster.Value.ServiceId + "/";

    /// <summary>The database.</summary>
    public IDatabase Database => redis.GetDatabase();

    /// <summary>A key of this service.</summary>
    public RedisKey Key(string name) => _prefix + name;

    /// <summary>A journal.</summary>
    public RedisJournal Journal(string name) => new(Database, Key(name));
}
