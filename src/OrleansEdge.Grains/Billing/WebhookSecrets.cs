using System.Security.Cryptography;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Billing;

/// <summary>The key of the cluster from which the secrets of all tenants' webhooks follow: random, made when the first secret is needed,
/// kept in Redis under <c>webhook-key</c>. Thread safe.</summary>
internal sealed class WebhookSecrets(RedisStore redis)
{
    private byte[]? _key;

    /// <summary>The secret of a tenant.</summary>
    public async Task<byte[]> OfAsync(string tenant) => WebhookMessage.SecretOf(_key ??= await ReadOrMakeAsync(), tenant);

    private async Task<byte[]> ReadOrMakeAsync()
    {
        var name = redis.Key("webhook-key");
        await redis.Database.StringSetAsync(name, RandomNumberGenerator.GetBytes(WebhookMessage.KeyBytes), when: When.NotExists);
        var key = (byte[]?)await redis.Database.StringGetAsync(name) ?? [];
        return key.Length == WebhookMessage.KeyBytes
            ? key
            : throw new RedisDamageException(name.ToString(), $"it has {key.Length} bytes, not {WebhookMessage.KeyBytes}");
    }
}
