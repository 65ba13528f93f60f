using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansEdge.Relay.Origins;

/// <summary>What a client asked for: the origin-form target, byte for byte as it came, and the authority (RFC 9112 section 3.2).</summary>
/// <param name="PathAndQuery">Begins with <c>/</c>, or is <c>*</c>.</param>
/// <param name="Authority">Host and port as the client wrote them; the authority of an absolute-form target overrides <c>Host</c>.</param>
internal readonly record struct RequestTarget(string PathAndQuery, string Authority)
{
    // Visible ASCII: whatever else came could end the request line early.
    private static readonly SearchValues<char> Allowed = SearchValues.Create([.. Enumerable.Range(0x21, 0x7E - 0x20).Select(c => (char)c)]);

    /// <summary>Reads the target of a request.</summary>
    /// <returns><see langword="false"/> where it cannot be put on a request line.</returns>
    public static bool TryRead(HttpContext context, out RequestTarget target)
        => TryParse(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, context.Request.Headers.Host.ToString(), out target);

    /// <summary>Reads a raw target beside the value of <c>Host</c>.</summary>
    public static bool TryParse(string rawTarget, string host, out RequestTarget target)
    {
        target = default;
        if (rawTarget.Length == 0 || rawTarget.AsSpan().ContainsAnyExcept(Allowed) || host.AsSpan().ContainsAnyExcept(Allowed))
        {
            return false;
        }
        if (rawTarget[0] == '/' || rawTarget is "*")
        {
            target = new RequestTarget(rawTarget, host);
            return true;
        }
        return TryParseAbsolute(rawTarget, out target);
    }

    /// <summary>The host of an authority: no port, no brackets.</summary>
    public static string HostOf(string authority)
    {
        if (authority.StartsWith('['))
        {
            var end = authority.IndexOf(']', StringComparison.Ordinal);
            return end < 0 ? authority : authority[1..end];
        }
        var colon = authority.IndexOf(':', StringComparison.Ordinal);
        var isBareIPv6 = colon >= 0 && authority.IndexOf(':', colon + 1) >= 0;
        return colon < 0 || isBareIPv6 ? authority : authority[..colon];
    }

    private static bool TryParseAbsolute(string rawTarget, out RequestTarget target)
    {
        target = default;
        var scheme = rawTarget.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0)
        {
            return false;
        }
        var rest = rawTarget.AsSpan(scheme + 3);
        var end = rest.IndexOfAny("/?#");
        var authority = end < 0 ? rest : rest[..end];
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        if (authority.IsEmpty)
        {
            return false;
        }
        var path = end < 0 ? string.Empty : rest[end..].ToString();
        target = new RequestTarget(path.StartsWith('/') ? path : "/" + path, authority.ToString());
        return true;
    }
}
