using System.Net.Sockets;

namespace OrleansEdge.Relay.Transport;

/// <summary>Closes a socket so that the peer can still read what was sent last: ends the sending, then receives and discards until
/// the peer ends too or the time is over. Closing a socket with unread input would reset the connection instead, and the reset
/// destroys what the peer has not read yet. Thread safe.</summary>
internal sealed class LingeringClose(TimeProvider time)
{
    /// <summary>How long a peer may take to end: 2 s.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // Beyond this many at once the rest is closed without lingering, so that a flood of them cannot keep descriptors.
    private const int MaxAtOnce = 1024;

    // What is discarded is never read, so every connection may write over it.
    private static readonly Memory<byte> Discarded = GC.AllocateUninitializedArray<byte>(64 * 1024, pinned: true);

    private int _count;

    /// <summary>Number of sockets that are being closed.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Takes the socket over and closes it; does not wait for that.</summary>
    /// <param name="socket">The socket. Already closed is allowed.</param>
    /// <param name="peerHasEnded">The peer's end was received, so nothing unread can be there.</param>
    /// <param name="patience">How long the peer may take to end.</param>
    /// <param name="closed">Disposed when the socket is closed, or null.</param>
    public void Close(Socket socket, bool peerHasEnded, TimeSpan patience, IDisposable? closed)
    {
        if (!TryEndSending(socket) || peerHasEnded || !TryEnter())
        {
            socket.Dispose();
            closed?.Dispose();
            return;
        }

        _ = DiscardAsync(socket, patience, closed);
    }

    private async Task DiscardAsync(Socket socket, TimeSpan patience, IDisposable? closed)
    {
        try
        {
            using var over = new CancellationTokenSource(patience, time);
            while (await socket.ReceiveAsync(Discarded, SocketFlags.None, over.Token) > 0)
            {
                over.Token.ThrowIfCancellationRequested();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The peer reset the connection or was too slow: either way there is nobody left to be gentle with.
        }
        finally
        {
            Interlocked.Decrement(ref _count);
            socket.Dispose();
            closed?.Dispose();
        }
    }

    private bool TryEnter()
    {
        if (Interlocked.Increment(ref _count) <= MaxAtOnce)
        {
            return true;
        }

        Interlocked.Decrement(ref _count);
        return false;
    }

    private static bool TryEndSending(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
