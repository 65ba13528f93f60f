using System.Security.Cryptography;
using System.Text;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>The key from which the secrets of all tenants' webhooks follow, <c>billing/webhook.key</c>: 32 random bytes, made when the
/// first secret is needed. Thread safe.</summary>
internal sealed class WebhookKey
{
    private const int Bytes = 32;

    private readonly string _path;
    private readonly Lock _gate = new();
    private byte[]? _key;

    public WebhookKey(DataFolder data) => _path = Path.Combine(data.Folder(out _, "billing"), "webhook.key");

    /// <summary>The secret of a tenant.</summary>
    /// <exception cref="IOException">The file cannot be read or made, or is damaged.</exception>
    public byte[] SecretOf(string tenant) => HMACSHA256.HashData(Get(), Encoding.UTF8.GetBytes(tenant));

    /// <summary>A secret as the tenant gets it.</summary>
    public static string Text(byte[] secret) => $"whsec_{Convert.ToBase64String(secret)}";

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
            var made = RandomNumberGenerator.GetBytes(Bytes);
            DurableFile.ReplacePrivate(_path, made);
            return made;
        }

        var key = File.ReadAllBytes(_path);
        return key.Length == Bytes ? key : throw new IOException($"The key {_path} has {key.Length} bytes, not {Bytes}.");
    }
}
