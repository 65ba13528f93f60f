using System.Net.Sockets;
using System.Text;
using OrleansEdge.Relay.Admission;

namespace OrleansEdge.Relay.Transport;

/// <summary>Refuses connections that there is no descriptor for, below HTTP: a plain one is answered 503 <c>edge_overloaded</c>, one
/// that is about to speak TLS is closed. Thread safe.</summary>
internal sealed class OverloadRefusal(LingeringClose lingering, TimeProvider time)
{
    /// <summary>How long a client may take to ask, and then to end: 0.25 s each.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    // Each keeps a descriptor for a moment, of those that are to be saved: beyond this many the rest is closed without a word.
    private const int MaxAtOnce = 32;

    private static readonly byte[] Answer = MakeAnswer(Refusal.EdgeOverloaded);

    private int _count;

    /// <summary>Takes the socket over and refuses it; does not wait for that.</summary>
    /// <param name="socket">The connection, just accepted.</param>
    /// <param name="isTls">Whether the client would speak TLS.</param>
    /// <param name="loan">Disposed when the socket is closed, or null.</param>
    public void Refuse(Socket socket, bool isTls, IDisposable? loan)
    {
        var closed = new Departure(this, loan);
        if (Interlocked.Increment(ref _count) > MaxAtOnce || isTls)
        {
            socket.Dispose();
            closed.Dispose();
            return;
        }

        _ = AnswerAsync(socket, closed);
    }

    private async Task AnswerAsync(Socket socket, Departure closed)
    {
        try
        {
            using var late = new CancellationTokenSource(Patience, time);
            // Some clients take an answer that comes before their request for a stray one.
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, late.Token);
            await socket.SendAsync(Answer, SocketFlags.None, late.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Silent or gone: nobody is there to be told.
            socket.Dispose();
        }

        lingering.Close(socket, peerHasEnded: false, Patience, closed);
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

    private sealed class Departure(OverloadRefusal refusal, IDisposable? loan) : IDisposable
    {
        public void Dispose()
        {
            Interlocked.Decrement(ref refusal._count);
            loan?.Dispose();
        }
    }
}
