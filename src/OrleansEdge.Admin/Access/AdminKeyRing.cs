using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace OrleansEdge.Admin.Access;

/// <summary>The configured keys. Immutable, thread safe.</summary>
internal sealed class AdminKeyRing
{
    private readonly (string Name, byte[] Hash)[] _keys;

    public AdminKeyRing(IOptions<AdminOptions> options)
    {
        _keys = [.. options.Value.Keys.Select(key => key.TryGetHash(out var hash)
            ? (key.Name, hash)
            : throw new InvalidOperationException("The options were not validated."))];
    }

    public bool IsEmpty => _keys.Length == 0;

    /// <summary>The name of a key; <see langword="null"/> where it is none. How long that takes tells nothing about the keys:
    /// hashes are compared, each whole, all of them.</summary>
    public string? FindName(string presented)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(presented), hash);
        string? found = null;
        foreach (var (name, expected) in _keys)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, expected) ? name : found;
        }

        return found;
    }
}
