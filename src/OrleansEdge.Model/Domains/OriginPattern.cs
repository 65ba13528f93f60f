using System.Buffers;
using System.Globalization;

namespace OrleansEdge.Model;

/// <summary>A web origin (RFC 6454) or a pattern of such: scheme, host and port; the port is -1 where the scheme has none of its
/// own and none is written.</summary>
internal readonly ref struct OriginPattern
{
    private const int MaxLength = 300;

    private static readonly SearchValues<char> NotInAuthority = SearchValues.Create("/?#@, \t");

    private OriginPattern(ReadOnlySpan<char> scheme, ReadOnlySpan<char> host, int port)
    {
        Scheme = scheme;
        Host = host;
        Port = port;
    }

    public ReadOnlySpan<char> Scheme { get; }

    public ReadOnlySpan<char> Host { get; }

    public int Port { get; }

    /// <summary>Says what is wrong with an entry of <c>access.allowedOrigins</c>.</summary>
    public static string? Validate(string entry)
    {
        if (entry.Length > MaxLength)
        {
            return $"has {entry.Length} characters, {MaxLength} is the most";
        }

        if (entry == "*")
        {
            return "leave the list empty to let in every origin";
        }

        if (entry is "null" or "file://")
        {
            return null;
        }

        if (!TryParse(entry, out var origin))
        {
            return $"{DomainName.Quote(entry)} is not an origin such as https://app.example.com: scheme, host, an optional port and nothing else";
        }

        var host = origin.Host.ToString();
        return (host.StartsWith(DomainName.WildcardPrefix, StringComparison.Ordinal) ? DomainName.Validate(host) : DomainName.ValidateHost(host))
            is { } fault ? $"{DomainName.Quote(entry)}: {fault}" : null;
    }

    /// <summary>Reads <c>scheme://host</c> or <c>scheme://host:port</c>, without checking the characters of the host.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out OriginPattern origin)
    {
        origin = default;
        var colon = text.IndexOf("://", StringComparison.Ordinal);
        if (colon <= 0 || !IsScheme(text[..colon]))
        {
            return false;
        }

        var scheme = text[..colon];
        var authority = text[(colon + "://".Length)..];
        var port = DefaultPort(scheme);
        var portColon = authority.LastIndexOf(':');
        if (portColon > authority.LastIndexOf(']'))
        {
            if (!TryParsePort(authority[(portColon + 1)..], out port))
            {
                return false;
            }

            authority = authority[..portColon];
        }

        origin = new(scheme, authority, port);
        return authority.Length > 0 && !authority.ContainsAny(NotInAuthority);
    }

    /// <summary>The form under which equal origins are equal: lower case, punycode, the scheme's own port left out.</summary>
    public string Normalize()
    {
        var host = DomainName.Normalize(Host.ToString());
        var scheme = Scheme.ToString().ToLowerInvariant();
        var authority = host.Contains(':') ? $"[{host}]" : host;
        return Port == DefaultPort(scheme) ? $"{scheme}://{authority}" : $"{scheme}://{authority}:{Port}";
    }

    public static int DefaultPort(ReadOnlySpan<char> scheme) => scheme switch
    {
        _ when scheme.Equals("https", StringComparison.OrdinalIgnoreCase) || scheme.Equals("wss", StringComparison.OrdinalIgnoreCase) => 443,
        _ when scheme.Equals("http", StringComparison.OrdinalIgnoreCase) || scheme.Equals("ws", StringComparison.OrdinalIgnoreCase) => 80,
        _ => -1,
    };

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port)
        => int.TryParse(text, NumberStyles.None, null, out port) && port is > 0 and <= 65535;

    private static bool IsScheme(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
            {
                return false;
            }
        }

        return char.IsAsciiLetter(text[0]);
    }
}
