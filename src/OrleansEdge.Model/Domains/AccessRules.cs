using System.Net;

namespace OrleansEdge.Model;

/// <summary>The access rules of a domain, compiled for the handshake. Immutable, thread safe; checking allocates nothing.</summary>
public sealed class AccessRules
{
    private readonly HashSet<string> _origins;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _originsBySpan;
    private readonly OriginsBelow[] _originsBelow;
    private readonly AddressSet _allowed;
    private readonly AddressSet _denied;

    private AccessRules(HashSet<string> origins, OriginsBelow[] originsBelow, AddressSet allowed, AddressSet denied)
    {
        _origins = origins;
        _originsBySpan = origins.GetAlternateLookup<ReadOnlySpan<char>>();
        _originsBelow = originsBelow;
        _allowed = allowed;
        _denied = denied;
    }

    /// <summary>Compiles the rules of a valid document.</summary>
    /// <exception cref="ArgumentException">An entry is not valid.</exception>
    public static AccessRules Compile(AccessConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var origins = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var below = new List<OriginsBelow>();
        foreach (var entry in config.AllowedOrigins)
        {
            AddOrigin(entry, origins, below);
        }

        return new(origins, [.. below], AddressSet.Compile(config.AllowedAddresses), AddressSet.Compile(config.DeniedAddresses));
    }

    /// <summary>Whether a handshake with this <c>Origin</c> header (RFC 6455 section 4.1) is let in; <see langword="null"/>: it has none.
    /// Letter case does not count, and nor does the port that a scheme has by itself.</summary>
    public bool AllowsOrigin(string? originHeader)
    {
        if (_origins.Count == 0 && _originsBelow.Length == 0)
        {
            return true;
        }

        return originHeader is not null && (_origins.Contains(originHeader) || AllowsParsedOrigin(originHeader));
    }

    /// <summary>Whether a client address is let in. IPv4 addresses mapped to IPv6 are compared as IPv4.</summary>
    public bool AllowsAddress(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return !_denied.Contains(address) && (_allowed.IsEmpty || _allowed.Contains(address));
    }

    private static void AddOrigin(string entry, HashSet<string> origins, List<OriginsBelow> below)
    {
        if (OriginPattern.Validate(entry) is { } fault)
        {
            throw new ArgumentException(fault, nameof(entry));
        }

        if (!OriginPattern.TryParse(entry, out var pattern))
        {
            origins.Add(entry);
        }
        else if (pattern.Host.StartsWith(DomainName.WildcardPrefix))
        {
            var suffix = DomainName.Normalize(pattern.Host.ToString())[1..];
            below.Add(new(pattern.Scheme.ToString(), suffix, pattern.Port));
        }
        else
        {
            origins.Add(pattern.Normalize());
        }
    }

    private bool AllowsParsedOrigin(ReadOnlySpan<char> header)
    {
        if (!OriginPattern.TryParse(header, out var origin))
        {
            return false;
        }

        var withoutPort = header[..(origin.Scheme.Length + "://".Length + origin.Host.Length)];
        if (origin.Port == OriginPattern.DefaultPort(origin.Scheme) && _originsBySpan.Contains(withoutPort))
        {
            return true;
        }

        foreach (var below in _originsBelow)
        {
            if (below.Holds(origin))
            {
                return true;
            }
        }

        return false;
    }

    private readonly record struct OriginsBelow(string Scheme, string Suffix, int Port)
    {
        public bool Holds(OriginPattern origin)
            => origin.Port == Port
                && origin.Host.Length > Suffix.Length
                && origin.Host.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)
                && origin.Scheme.Equals(Scheme, StringComparison.OrdinalIgnoreCase);
    }
}
