using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using OrleansEdge.Relay.Admission;

namespace OrleansEdge.Relay.Transport;

/// <summary>The first thing that a connection meets at an endpoint: it learns the endpoint's name, and is refused where no
/// descriptor is left for it. A plain one is refused with 503 <c>edge_overloaded</c>, one that is about to speak TLS by closing.</summary>
internal sealed class EndpointEntry(
    ConnectionDelegate next, string name, bool isTls, DescriptorBudget? budget, TimeProvider time, ILogger<EndpointEntry> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);
    private static readonly byte[] Answer = MakeAnswer(Refusal.EdgeOverloaded);

    public Task OnConnectionAsync(ConnectionContext connection)
    {
        if (connection.Features.Get<IEdgeConnection>() is not EdgeConnection edge)
        {
            return next(connection);
        }

        edge.Endpoint = name;
        return edge.IsBeyondDescriptors || !HasRoom(edge) ? RefuseAsync(edge) : next(connection);
    }

    private bool HasRoom(EdgeConnection connection)
    {
        if (budget is null)
        {
            return true;
        }

        var lease = budget.TryTake();
        connection.Hold(lease);
        return lease is not null;
    }

    private async Task RefuseAsync(EdgeConnection connection)
    {
        TransportLog.ConnectionRefused(logger, connection.Peer, name);
        connection.ClosePatience = Patience;
        if (isTls)
        {
            return;
        }

        using var late = new CancellationTokenSource(Patience, time);
        try
        {
            // Some clients take an answer that comes before their request for a stray one.
            await connection.Transport.Input.ReadAsync(late.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ConnectionResetException)
        {
            // Slow or gone; it is closed all the same.
            return;
        }

        await connection.Transport.Output.WriteAsync(Answer, CancellationToken.None);
    }

    private static byte[] MakeAnswer(Refusal refusal)
    {
        var body = $$"""{"type":"about:blank","title":"{{refusal.Title}}","status":{{refusal.Status}},"code":"{{refusal.Code}}","detail":"No descriptor is left for the connection."}""";
        var head = $"""
            HTTP/1.1 {refusal.Status} Service Unavailable
            Retry-After: 1
            Connection: close
            Proxy-Status: OrleansEdge; error={refusal.ProxyError}
            Content-Type: application/problem+json
            Content-Length: {Encoding.UTF8.GetByteCount(body)}


            """;
        return Encoding.UTF8.GetBytes(head.ReplaceLineEndings("\r\n") + body);
    }
}
