using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace OrleansEdge.Relay.Origins;

/// <summary>The fields that tell an origin who asked and by which way: <c>X-Forwarded-For</c>, <c>-Proto</c>, <c>-Host</c>,
/// <c>Forwarded</c> (RFC 7239), <c>Via</c> (RFC 9110 section 7.6.3), <c>CDN-Loop</c> (RFC 8586). Immutable, thread safe.</summary>
/// <param name="loopToken">What this edge writes into <c>CDN-Loop</c> (<c>Edge:LoopToken</c>).</param>
/// <param name="isTrustedProxy">Whether what a peer says of others is believed (<c>Edge:TrustedProxies</c>).</param>
public sealed class ForwardedHeaders(string loopToken, Func<IPAddress, bool> isTrustedProxy)
{
    private const string Pseudonym = "OrleansEdge";
    private const string Family = "X-Forwarded-";

    private static readonly string[] Own = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "CDN-Loop"];

    /// <summary>Computes the fields of one request.</summary>
    /// <param name="context">The client's request. Its peer, <see cref="ConnectionInfo.RemoteIpAddress"/>, is appended to the addresses;
    /// what it says itself is believed only where it is a trusted proxy, and else replaced.</param>
    /// <param name="host">The host that the client asked for.</param>
    /// <returns>Names and values, one of each name. They take the place of the client's fields for which <see cref="Replaces"/>.</returns>
    public IReadOnlyList<KeyValuePair<string, string>> Apply(HttpContext context, string host)
    {
        var peer = Plain(context.Connection.RemoteIpAddress ?? IPAddress.None);
        var headers = context.Request.Headers;
        var believed = isTrustedProxy(peer);
        var scheme = context.Request.Scheme;
        var element = $"for={Node(peer)};host={Quoted(host)};proto={scheme}";
        return
        [
            new(Own[0], believed ? Append(headers[Own[0]], peer.ToString()) : peer.ToString()),
            new(Own[1], believed ? Keep(headers[Own[1]], scheme) : scheme),
            new(Own[2], believed ? Keep(headers[Own[2]], host) : host),
            new(Own[3], believed ? Append(headers[Own[3]], element) : element),
            new(Own[4], Append(headers[Own[4]], $"{Version(context.Request.Protocol)} {Pseudonym}")),
            new(Own[5], Append(headers[Own[5]], loopToken)),
        ];
    }

    /// <summary>Whether a field of the client does not go on as it came. Of an untrusted peer that is the whole <c>X-Forwarded-</c> family.</summary>
    public bool Replaces(string name, HttpContext context)
        => Own.Contains(name, StringComparer.OrdinalIgnoreCase)
            || (name.StartsWith(Family, StringComparison.OrdinalIgnoreCase) && !isTrustedProxy(Plain(context.Connection.RemoteIpAddress ?? IPAddress.None)));

    /// <summary>An address as IPv4 where it is an IPv4-mapped IPv6 address.</summary>
    internal static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static string Append(StringValues known, string value)
    {
        var before = Keep(known, string.Empty);
        return before.Length == 0 ? value : $"{before}, {value}";
    }

    private static string Keep(StringValues known, string otherwise)
    {
        var joined = string.Join(", ", known.Where(line => !string.IsNullOrWhiteSpace(line)));
        return joined.Length == 0 ? otherwise : joined;
    }

    private static string Node(IPAddress address)
        => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"\"[{address}]\"" : address.ToString();

    // A colon, as in host:port, is no token character.
    private static string Quoted(string host)
        => host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') && host.Length > 0
            ? host
            : $"\"{host.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static string Version(string protocol)
        => HttpProtocol.IsHttp2(protocol) ? "2" : protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? protocol[5..] : protocol;
}
