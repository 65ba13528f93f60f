using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
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
        SHA256.HashData(BytesOf(presented), hash);
        string? found = null;
        foreach (var (name, expected) in _keys)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, expected) ? name : found;
        }

        return found;
    }

    // A host may have its server decode header fields as Latin-1 to hand their bytes on; then those bytes are what was sent.
    private static byte[] BytesOf(string presented)
    {
        var bytes = Encoding.Latin1.GetBytes(presented);
        return Utf8.IsValid(bytes) && presented.All(character => character <= byte.MaxValue) ? bytes : Encoding.UTF8.GetBytes(presented);
    }
}
