using System.Security.Cryptography;

namespace OrleansEdge.Admin.Access;

/// <summary>Settings of the admin API, section <c>Edge:Admin</c>. Read once at the start.</summary>
public sealed class AdminOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "Edge:Admin";

    /// <summary>Keys that are let in. Empty (default): only callers on this machine are, without a key.</summary>
    public IList<AdminKeyOptions> Keys { get; init; } = [];

    /// <summary>Says whether the admin API may listen on the addresses.</summary>
    /// <param name="adminAddresses">Where the admin endpoint will listen; a wildcard host is written as <c>0.0.0.0</c> or <c>[::]</c>.</param>
    /// <returns><see langword="null"/> where it may, else one sentence: an address that other machines reach needs a key.</returns>
    public string? CheckEndpoints(IEnumerable<Uri> adminAddresses)
    {
        ArgumentNullException.ThrowIfNull(adminAddresses);
        if (Keys.Count > 0)
        {
            return null;
        }

        var exposed = adminAddresses.FirstOrDefault(address => !LoopbackCaller.IsLoopbackHost(address.Host));
        return exposed is null
            ? null
            : $"The admin endpoint {exposed.Scheme}://{exposed.Authority} can be reached from other machines, but no admin key is configured; set {Section}:Keys, or listen on 127.0.0.1.";
    }
}

/// <summary>One key of the admin API. The key itself is never stored.</summary>
public sealed class AdminKeyOptions
{
    /// <summary>Who uses it, as the audit shows it; unique.</summary>
    public string Name { get; init; } = "";

    /// <summary>SHA-256 of the key's UTF-8 bytes, 64 hexadecimal digits.</summary>
    public string Sha256 { get; init; } = "";

    internal bool TryGetHash(out byte[] hash)
    {
        hash = new byte[SHA256.HashSizeInBytes];
        return Sha256.Length == 2 * SHA256.HashSizeInBytes
            && Convert.FromHexString(Sha256, hash, out _, out _) == System.Buffers.OperationStatus.Done;
    }
}
