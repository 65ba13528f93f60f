using System.Security.Cryptography;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>The key from which the secrets of all tenants' webhooks follow, <c>billing/webhook.key</c>: 32 random bytes, made when the
/// first secret is needed. Thread safe.</summary>
internal sealed class WebhookKey
{
    private readonly string _path;
    private readonly Lock _gate = new();
    private byte[]? _key;

    public WebhookKey(DataFolder data) => _path = Path.Combine(data.Folder(out _, "billing"), "webhook.key");

    /// <summary>The secret of a tenant.</summary>
    /// <exception cref="IOException">The file cannot be read or made, or is damaged.</exception>
    public byte[] SecretOf(string tenant) => WebhookMessage.SecretOf(Get(), tenant);

    private byte[] Get()
    {
        lock (_gate)
        {
            return _key ??= ReadOrMake();
        }
    }

    private byte[] ReadOrMake()
    {
        if (!File.Exists(_path))
        {
            var made = RandomNumberGenerator.GetBytes(WebhookMessage.KeyBytes);
            DurableFile.ReplacePrivate(_path, made);
            return made;
        }

        var key = File.ReadAllBytes(_path);
        return key.Length == WebhookMessage.KeyBytes ? key : throw new IOException($"The key {_path} has {key.Length} bytes, not {WebhookMessage.KeyBytes}.");
    }
}
