using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace OrleansEdge.Model;

/// <summary>Finds what belongs to a host name: the exact name, else the wildcard with the longest suffix. Thread safe; reading
/// takes no lock and allocates nothing, and a change of one name is seen whole.</summary>
/// <typeparam name="T">What is found.</typeparam>
public sealed class DomainIndex<T>
    where T : class
{
    private readonly ConcurrentDictionary<string, T> _exact = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, T> _below = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, T>.AlternateLookup<ReadOnlySpan<char>> _belowBySpan;

    /// <summary>An empty index.</summary>
    public DomainIndex() => _belowBySpan = _below.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>What serves a host.</summary>
    /// <param name="normalizedHost">Host name as <see cref="DomainName.Normalize"/> makes it.</param>
    /// <returns><see langword="null"/> where nothing does.</returns>
    public T? Find(string normalizedHost)
    {
        ArgumentNullException.ThrowIfNull(normalizedHost);
        if (normalizedHost.Length > DomainName.MaxLength)
        {
            return null;
        }

        return _exact.TryGetValue(normalizedHost, out var exact) ? exact : FindBelow(normalizedHost);
    }

    /// <summary>What stands under a name, where a wildcard is a name like any other.</summary>
    public bool TryGet(string domain, [MaybeNullWhen(false)] out T value)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return Of(domain, out var key).TryGetValue(key, out value);
    }

    /// <summary>Puts a value under a name: a host name or <c>*.</c> and a host name, normalised.</summary>
    public void Set(string domain, T value)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(value);
        Of(domain, out var key)[key] = value;
    }

    /// <summary>Takes a name away.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Remove(string domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return Of(domain, out var key).TryRemove(key, out _);
    }

    private ConcurrentDictionary<string, T> Of(string domain, out string key)
    {
        var wildcard = domain.StartsWith(DomainName.WildcardPrefix, StringComparison.Ordinal);
        key = wildcard ? domain[DomainName.WildcardPrefix.Length..] : domain;
        return wildcard ? _below : _exact;
    }

    private T? FindBelow(string host)
    {
        for (var dot = host.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = host.IndexOf('.', dot + 1))
        {
            // A host that begins with a dot has no label below the suffix.
            if (dot > 0 && _belowBySpan.TryGetValue(host.AsSpan(dot + 1), out var value))
            {
                return value;
            }
        }

        return null;
    }
}
