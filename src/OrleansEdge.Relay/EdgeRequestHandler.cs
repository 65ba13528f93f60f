using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay;

/// <summary>Where every request on an edge endpoint enters: a WebSocket handshake, another HTTP request, or neither.</summary>
internal sealed class EdgeRequestHandler(
    WebSocketHandler webSockets,
    HttpForwarding forwarding,
    Admission.Admission admission,
    TrustedProxies trusted,
    ILogger<EdgeRequestHandler> log)
{
    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            await DispatchAsync(context, Identify(context));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left; there is nobody to answer.
        }
        catch (Exception e) when (e is not BadHttpRequestException)
        {
            log.RequestFaulted(context.Request.Host.Host, e);
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Clear();
            await RefusalResponse.WriteAsync(context, Refusal.EdgeFault, "The edge failed; its log says more.", null);
        }
    }

    private Task DispatchAsync(HttpContext context, ClientConnection client) => HandshakeValidation.Classify(context) switch
    {
        RequestKind.WebSocket => webSockets.HandleAsync(context, client),
        RequestKind.OtherConnect => RefusalResponse.WriteAsync(context, Refusal.MethodUnsupported, "CONNECT is answered for WebSocket only.", null),
        _ => HandleHttpAsync(context, client),
    };

    private async Task HandleHttpAsync(HttpContext context, ClientConnection client)
    {
        DomainSnapshot? domain;
        try
        {
            domain = await admission.FindAsync(context, client);
        }
        catch (DomainUnavailableException)
        {
            await Admission.Admission.ConfigUnavailable.WriteAsync(context);
            return;
        }

        if (admission.CheckHttp(context, domain, client, out var usedUp) is { } refused)
        {
            await refused.WriteAsync(context);
            return;
        }

        await forwarding.ForwardAsync(context, domain!, client, usedUp);
    }

    private ClientConnection Identify(HttpContext context)
    {
        var peer = new IPEndPoint(context.Connection.RemoteIpAddress ?? IPAddress.None, context.Connection.RemotePort);
        var isTrusted = trusted.Contains(peer.Address);
        var (address, scheme) = ClientIdentity.Resolve(peer, context.Request.Headers, trusted.Contains);
        return new ClientConnection(address, peer, isTrusted, (scheme ?? context.Request.Scheme) == Uri.UriSchemeHttps, context.Request.Host.Host);
    }
}
