using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Transport;

/// <summary>Takes the PROXY protocol header off a connection before anything else reads it, and makes the client that it names the
/// connection's remote end point. A connection without a whole and valid one within 3 s, or not from a trusted proxy, is closed.</summary>
internal sealed class ProxyProtocolMiddleware(ConnectionDelegate next, TrustedProxies proxies, TimeProvider time, ILogger<ProxyProtocolMiddleware> logger)
{
    /// <summary>How long the header may take: 3 s.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        var edge = connection.Features.Get<IEdgeConnection>()
            ?? throw new InvalidOperationException("The PROXY protocol needs the edge's own transport.");
        if (!proxies.Contains(edge.Peer.Address))
        {
            TransportLog.ProxyNotTrusted(logger, edge.Peer, edge.Endpoint);
            return;
        }

        if (await ReadHeaderAsync(connection.Transport.Input) is { } fault)
        {
            TransportLog.ProxyHeaderMissing(logger, edge.Peer, edge.Endpoint, fault);
            return;
        }

        await next(connection);

        async ValueTask<string?> ReadHeaderAsync(PipeReader input)
        {
            using var late = new CancellationTokenSource(Patience, time);
            try
            {
                while (true)
                {
                    var read = await input.ReadAsync(late.Token);
                    switch (ReadHeader(read.Buffer, out var header))
                    {
                        case ProxyHeaderState.Complete:
                            input.AdvanceTo(read.Buffer.GetPosition(header.Length));
                            connection.RemoteEndPoint = header.Source ?? connection.RemoteEndPoint;
                            return null;
                        case ProxyHeaderState.Invalid:
                            input.AdvanceTo(read.Buffer.End);
                            return "it does not begin with a PROXY protocol header.";
                        case ProxyHeaderState.Incomplete when read.IsCompleted:
                            input.AdvanceTo(read.Buffer.End);
                            return "it ended inside the PROXY protocol header.";
                        default:
                            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                            break;
                    }
                }
            }
            catch (OperationCanceledException)
            {
                return "its PROXY protocol header did not arrive within 3 s.";
            }
            catch (ConnectionResetException)
            {
                return "it was reset before its PROXY protocol header.";
            }
        }
    }

    private static ProxyHeaderState ReadHeader(in ReadOnlySequence<byte> bytes, out ProxyHeader header) =>
        ProxyHeader.Read(bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray(), out header);
}
