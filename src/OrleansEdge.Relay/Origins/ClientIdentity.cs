using System.Net;
using Microsoft.AspNetCore.Http;

namespace OrleansEdge.Relay.Origins;

/// <summary>Who a request is really from, where trusted proxies stand before the edge.</summary>
public static class ClientIdentity
{
    /// <summary>Walks <c>X-Forwarded-For</c> from the right until an address that is no trusted proxy. An entry that is no address ends
    /// the walk at the hop that reported it.</summary>
    /// <param name="peer">Who sent the request to the edge.</param>
    /// <param name="headers">The request's fields.</param>
    /// <param name="isTrustedProxy">Whether what an address says of others is believed.</param>
    /// <returns>The client (port 0 where none was reported) and the scheme that the client used: <c>http</c> or <c>https</c>, or
    /// <see langword="null"/> where no trusted proxy tells. An untrusted peer is the client, whatever it says.</returns>
    public static (IPEndPoint Client, string? Scheme) Resolve(IPEndPoint peer, IHeaderDictionary headers, Func<IPAddress, bool> isTrustedProxy)
    {
        if (!isTrustedProxy(ForwardedHeaders.Plain(peer.Address)))
        {
            return (peer, null);
        }
        var hops = headers.GetCommaSeparatedValues("X-Forwarded-For");
        var client = peer;
        var hop = hops.Length;
        while (hop > 0 && TryParse(hops[hop - 1], out var reported))
        {
            client = reported;
            hop--;
            if (!isTrustedProxy(client.Address))
            {
                break;
            }
        }
        return (client, SchemeOf(headers.GetCommaSeparatedValues("X-Forwarded-Proto"), hop, hops.Length));
    }

    // Proxies that append a scheme per hop give one per address; then it is that of the client's own hop.
    private static string? SchemeOf(string[] schemes, int hop, int hops)
    {
        if (schemes.Length == 0)
        {
            return null;
        }
        var stated = schemes.Length == hops && hop < hops ? schemes[hop] : schemes[^1];
        return stated.Trim().ToLowerInvariant() switch
        {
            "https" or "wss" => "https",
            "http" or "ws" => "http",
            _ => null,
        };
    }

    private static bool TryParse(string text, out IPEndPoint client)
    {
        var isAddress = IPEndPoint.TryParse(text.Trim(), out var endPoint);
        client = isAddress ? new IPEndPoint(ForwardedHeaders.Plain(endPoint!.Address), endPoint.Port) : null!;
        return isAddress;
    }
}
