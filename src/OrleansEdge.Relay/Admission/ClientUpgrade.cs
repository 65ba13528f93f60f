using System.Buffers;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Admission;

/// <summary>Accepts the client's handshake and takes its transport over from the HTTP layer.</summary>
internal static class ClientUpgrade
{
    /// <summary>Sends 101 (HTTP/2: 200) with the origin's end-to-end fields.</summary>
    /// <returns>The client's side; what came behind the handshake is received from it first.</returns>
    public static Task<RelayLeg> AcceptAsync(HttpContext context, HandshakeRequest request, IEnumerable<KeyValuePair<string, string>> originHeaders)
    {
        foreach (var (name, value) in originHeaders)
        {
            context.Response.Headers.Append(name, value);
        }

        return request.IsHttp2 ? AcceptHttp2Async(context) : AcceptHttp11Async(context, request.Key);
    }

    /// <summary>Whether bytes came behind the head of an HTTP/1.1 request that has no body.</summary>
    public static bool HasEarlyBytes(HttpContext context)
    {
        var input = context.Features.Get<IConnectionTransportFeature>()?.Transport.Input;
        if (input is null || !input.TryRead(out var read))
        {
            return false;
        }

        input.AdvanceTo(read.Buffer.Start);
        return !read.Buffer.IsEmpty;
    }

    private static async Task<RelayLeg> AcceptHttp2Async(HttpContext context)
    {
        var stream = await context.Features.GetRequiredFeature<IHttpExtendedConnectFeature>().AcceptAsync();
        return new Http2Leg(context, stream);
    }

    private static async Task<RelayLeg> AcceptHttp11Async(HttpContext context, string key)
    {
        context.Response.Headers.Upgrade = "websocket";
        context.Response.Headers.SecWebSocketAccept = OriginHandshake.AcceptFor(key);
        var connection = context.Features.GetRequiredFeature<IEdgeConnection>();
        var tls = context.Features.Get<ISslStreamFeature>()?.SslStream;

        // Taken over before the 101: a client that ends its sending right after it must not make the HTTP server close the socket.
        if (tls is null)
        {
            await connection.StopReceivingAsync();
        }
        else
        {
            connection.HoldOpen();
        }

        await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        var early = TakeEarlyBytes(context);
        return tls is null ? new SocketLeg(connection.Socket, early) : new TlsLeg(tls, connection.Socket, early);
    }

    private static byte[] TakeEarlyBytes(HttpContext context)
    {
        var input = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Input;
        if (!input.TryRead(out var read))
        {
            return [];
        }

        var early = read.Buffer.ToArray();
        input.AdvanceTo(read.Buffer.End);
        return early;
    }
}
