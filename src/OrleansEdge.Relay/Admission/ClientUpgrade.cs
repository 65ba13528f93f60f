using System.Buffers;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Admission;

/// <summary>The client's side of a session that is about to begin: its transport, taken over from the HTTP layer, and the answer that
/// tells it so. The two are apart so that a session is known to the edge before its client knows of it.</summary>
/// <param name="Leg">The transport; what came behind the handshake is received from it first. Of use once the answer is sent.</param>
/// <param name="AnswerAsync">Sends 101 (HTTP/2: 200) with the origin's end-to-end fields.</param>
internal sealed record ClientUpgrade(RelayLeg Leg, Func<Task> AnswerAsync)
{
    /// <summary>Takes the transport over.</summary>
    public static Task<ClientUpgrade> PrepareAsync(HttpContext context, HandshakeRequest request, IEnumerable<KeyValuePair<string, string>> originHeaders)
    {
        foreach (var (name, value) in originHeaders)
        {
            context.Response.Headers.Append(name, value);
        }

        return request.IsHttp2 ? Task.FromResult(PrepareHttp2(context)) : PrepareHttp11Async(context, request.Key);
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

    private static ClientUpgrade PrepareHttp2(HttpContext context)
    {
        var leg = new Http2Leg(context);
        return new ClientUpgrade(leg, async () => leg.Open(await context.Features.GetRequiredFeature<IHttpExtendedConnectFeature>().AcceptAsync()));
    }

    private static async Task<ClientUpgrade> PrepareHttp11Async(HttpContext context, string key)
    {
        context.Response.Headers.Upgrade = "websocket";
        context.Response.Headers.SecWebSocketAccept = OriginHandshake.AcceptFor(key);
        var connection = context.Features.GetRequiredFeature<IEdgeConnection>();
        var tls = context.Features.Get<ISslStreamFeature>()?.SslStream;

        // Before the 101: a client that ends its sending right after it must not make the HTTP server close the socket.
        if (tls is null)
        {
            await connection.StopReceivingAsync();
        }
        else
        {
            connection.HoldOpen();
        }

        var early = TakeEarlyBytes(context);
        RelayLeg leg = tls is null ? new SocketLeg(connection.Socket, early) : new TlsLeg(tls, connection.Socket, early, () => connection.IsBroken);
        return new ClientUpgrade(leg, () => context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync());
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
