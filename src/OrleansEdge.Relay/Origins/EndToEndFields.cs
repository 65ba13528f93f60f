using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace OrleansEdge.Relay.Origins;

/// <summary>Which header fields go on to the next hop (RFC 9110 section 7.6.1).</summary>
internal static class EndToEndFields
{
    private static readonly FrozenSet<string> HopByHop = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings");

    // A client that lists these in Connection could otherwise strip what the handshake, the framing, routing or access decisions of
    // the origin stand on.
    private static readonly FrozenSet<string> NotRemovable = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "Host", "Cookie", "Authorization", "Origin", "Forwarded", "Via", "CDN-Loop", "Content-Length", "Content-Type", "Expect");

    /// <summary>The fields that <c>Connection</c> names; <see langword="null"/> where it names none.</summary>
    public static HashSet<string>? NamedBy(StringValues connection)
    {
        HashSet<string>? named = null;
        foreach (var line in connection)
        {
            foreach (var option in (line ?? string.Empty).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!IsCommonOption(option) && !IsNotRemovable(option))
                {
                    (named ??= new(StringComparer.OrdinalIgnoreCase)).Add(option);
                }
            }
        }
        return named;
    }

    /// <summary>Whether a request's field goes on.</summary>
    public static bool Passes(string name, HashSet<string>? namedByConnection)
        => !name.StartsWith(':')
            && !HopByHop.Contains(name)
            && !name.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase)
            && namedByConnection?.Contains(name) != true;

    /// <summary>Whether a response's field goes on: as in a request, but <c>Proxy-Status</c> (RFC 9209) is for all on the way.</summary>
    public static bool PassesDown(string name, HashSet<string>? namedByConnection)
        => Passes(name, namedByConnection) || name.Equals("Proxy-Status", StringComparison.OrdinalIgnoreCase);

    private static bool IsCommonOption(string option)
        => option.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
            || option.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
            || option.Equals("close", StringComparison.OrdinalIgnoreCase);

    private static bool IsNotRemovable(string name)
        => NotRemovable.Contains(name)
            || name.StartsWith("Sec-WebSocket-", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase);
}
