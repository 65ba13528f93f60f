using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansEdge.Relay.Sessions;

/// <summary>The transport of one side of a session. One receive and one send may be under way at a time; <see cref="Abort"/>
/// and <see cref="Dispose"/> may be called at any time and make both fail. A failed operation throws; after a failure the leg
/// is of no more use in that direction.</summary>
internal abstract class RelayLeg(ReadOnlyMemory<byte> early) : IDisposable
{
    /// <summary>Answer of <see cref="ReceiveAsync"/> where nothing was there after all.</summary>
    public const int Nothing = -1;

    private ReadOnlyMemory<byte> _early = early;

    /// <summary>Completes when bytes or the end can be received, holding no buffer meanwhile.</summary>
    public ValueTask WaitReadableAsync() => _early.IsEmpty ? WaitCoreAsync() : ValueTask.CompletedTask;

    /// <summary>Receives what is there; 0 at the end, <see cref="Nothing"/> where the wait was woken for nothing.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        if (_early.IsEmpty)
        {
            return ReceiveCoreAsync(buffer);
        }

        var count = Math.Min(buffer.Length, _early.Length);
        _early[..count].CopyTo(buffer);
        _early = count == _early.Length ? default : _early[count..];
        return new(count);
    }

    /// <summary>Bytes that the kernel (HTTP/2: the connection's frame writer) has taken so far, of a send that failed too.</summary>
    public long BytesTaken { get; protected set; }

    /// <summary>Sends all bytes; completes when the kernel (HTTP/2: the connection's frame writer) has taken them.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Ends the sending side alone, in order: FIN, close_notify and FIN, or END_STREAM.</summary>
    public abstract ValueTask FinishSendingAsync();

    /// <summary>Cuts both directions at once: RST or RST_STREAM.</summary>
    public abstract void Abort();

    /// <summary>Gives the transport back. In order only after <see cref="FinishSendingAsync"/> and the peer's end.</summary>
    public abstract void Dispose();

    /// <summary>Waits by a read of no bytes, which streams over sockets complete when there is something to read.</summary>
    protected static async ValueTask WaitReadableAsync(Stream stream)
    {
#pragma warning disable CA2022 // No byte is asked for.
        _ = await stream.ReadAsync(Memory<byte>.Empty);
#pragma warning restore CA2022
    }

    protected abstract ValueTask WaitCoreAsync();

    protected abstract ValueTask<int> ReceiveCoreAsync(Memory<byte> buffer);
}

/// <summary>A plain TCP socket that the session owns.</summary>
internal sealed class SocketLeg : RelayLeg
{
    private readonly Socket _socket;

    public SocketLeg(Socket socket, ReadOnlyMemory<byte> early)
        : base(early)
    {
        _socket = socket;
        socket.Blocking = false;
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        var rest = bytes[SendNow(bytes.Span)..];
        return rest.IsEmpty ? ValueTask.CompletedTask : SendRestAsync(rest);
    }

    public override ValueTask FinishSendingAsync()
    {
        _socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }

    public override void Abort() => _socket.Close(0);

    public override void Dispose() => _socket.Dispose();

    // The runtime's asynchronous send does not tell how much was taken of one that fails; of one byte that is known.
    private async ValueTask SendRestAsync(ReadOnlyMemory<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            var taken = await _socket.SendAsync(rest[..1]);
            BytesTaken += taken;
            rest = rest[taken..];
            rest = rest[SendNow(rest.Span)..];
        }
    }

    private int SendNow(ReadOnlySpan<byte> bytes)
    {
        var taken = _socket.Send(bytes, SocketFlags.None, out var error);
        BytesTaken += taken;
        return error is SocketError.Success or SocketError.WouldBlock ? taken : throw new SocketException((int)error);
    }

    protected override async ValueTask WaitCoreAsync() => await _socket.ReceiveAsync(Memory<byte>.Empty);

    // The runtime completes a receive of no bytes at any event of the socket, also at one whose bytes were received before. A
    // receive that waited then would keep the caller's buffer while the session is idle.
    protected override ValueTask<int> ReceiveCoreAsync(Memory<byte> buffer)
    {
        var count = _socket.Receive(buffer.Span, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success => new(count),
            SocketError.WouldBlock => new(Nothing),
            _ => ValueTask.FromException<int>(new SocketException((int)error)),
        };
    }
}

/// <summary>TLS over a socket that the session owns.</summary>
/// <param name="tls">The stream.</param>
/// <param name="socket">The socket below it.</param>
/// <param name="early">Bytes that were read already.</param>
/// <param name="isBroken">Whether sending has failed below the stream; <see langword="null"/>: it throws then.</param>
internal sealed class TlsLeg(SslStream tls, Socket socket, ReadOnlyMemory<byte> early, Func<bool>? isBroken = null) : RelayLeg(early)
{
    // RFC 8446 section 5.1.
    private const int MaxRecord = 16 * 1024;

    // Record by record, so that of a send that fails no more than one is in doubt.
    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var record = bytes[..Math.Min(bytes.Length, MaxRecord)];
            await tls.WriteAsync(record);
            if (isBroken?.Invoke() == true)
            {
                throw new IOException("The connection is broken.");
            }

            BytesTaken += record.Length;
            bytes = bytes[record.Length..];
        }
    }

    public override async ValueTask FinishSendingAsync()
    {
        await tls.ShutdownAsync();
        socket.Shutdown(SocketShutdown.Send);
    }

    public override void Abort() => socket.Close(0);

    public override void Dispose() => socket.Dispose();

    protected override ValueTask WaitCoreAsync() => WaitReadableAsync(tls);

    protected override ValueTask<int> ReceiveCoreAsync(Memory<byte> buffer) => tls.ReadAsync(buffer);
}

/// <summary>An HTTP/2 stream opened by extended CONNECT (RFC 8441). Kestrel keeps what arrives until it is read, within the
/// stream's flow-control window, so that waiting costs no buffer here.</summary>
internal sealed class Http2Leg(HttpContext context) : RelayLeg(default)
{
    private const int NoError = 0;
    private const int Cancel = 8;

    private Stream _stream = Stream.Null;
    private volatile bool _peerEnded;

    /// <summary>Gives the leg the stream of the request that was accepted.</summary>
    public void Open(Stream stream) => _stream = stream;

    // What is written to a stream that the client has reset is dropped, and the write says nothing of it.
    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _stream.WriteAsync(bytes);
        if (context.RequestAborted.IsCancellationRequested)
        {
            throw new IOException("The client has reset the stream.");
        }

        BytesTaken += bytes.Length;
    }

    public override ValueTask FinishSendingAsync() => new(context.Response.CompleteAsync());

    public override void Abort() => Reset(Cancel);

    /// <summary>The stream ends with the request; a read that is still under way is given up.</summary>
    public override void Dispose()
    {
        if (!_peerEnded)
        {
            Reset(NoError);
        }
    }

    protected override ValueTask WaitCoreAsync() => WaitReadableAsync(_stream);

    protected override async ValueTask<int> ReceiveCoreAsync(Memory<byte> buffer)
    {
        var count = await _stream.ReadAsync(buffer);
        _peerEnded = count == 0;
        return count;
    }

    private void Reset(int errorCode) => context.Features.GetRequiredFeature<IHttpResetFeature>().Reset(errorCode);
}
