using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using OrleansEdge.Admin.Answers;

namespace OrleansEdge.Admin.Access;

/// <summary>Who may call while no key is configured: programs on this machine, and nothing that a web page or a proxy on this
/// machine passes on for somebody else.</summary>
internal static class LoopbackCaller
{
    /// <returns><see langword="null"/> where the caller is let in.</returns>
    public static Problem? Refuse(HttpContext context)
    {
        var request = context.Request;
        if (!IsLoopbackPeer(context.Connection.RemoteIpAddress))
        {
            return Denied("Without an admin key only callers on this machine are answered.");
        }

        // A name that an attacker points at 127.0.0.1 comes from a loopback peer too, but with its own Host (DNS rebinding).
        if (!IsLoopbackHost(request.Host.Host))
        {
            return Denied("Without an admin key the Host header must name this machine, as localhost or 127.0.0.1 do.");
        }

        if (IsForwarded(request.Headers))
        {
            return Denied("Without an admin key forwarded requests are not answered.");
        }

        return IsForeign(request) ? Denied("Without an admin key requests of other web origins are not answered.") : null;
    }

    public static bool IsLoopbackHost(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IsLoopbackPeer(address));

    private static bool IsLoopbackPeer(IPAddress? address)
        => address is not null && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static bool IsForwarded(IHeaderDictionary headers)
        => headers.ContainsKey("Forwarded") || headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey(HeaderNames.Via);

    private static bool IsForeign(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0 && site.ToString() is not ("same-origin" or "none"))
        {
            return true;
        }

        var origin = request.Headers.Origin;
        return origin.Count > 0 && !IsOwnOrigin(origin.ToString(), request);
    }

    private static bool IsOwnOrigin(string origin, HttpRequest request)
        => Uri.TryCreate(origin, UriKind.Absolute, out var theirs)
        && Uri.TryCreate($"{request.Scheme}://{request.Host.Value}", UriKind.Absolute, out var ours)
        && theirs.Scheme == ours.Scheme
        && theirs.Authority == ours.Authority;

    private static Problem Denied(string detail) => new(StatusCodes.Status403Forbidden, "caller_denied", detail);
}
