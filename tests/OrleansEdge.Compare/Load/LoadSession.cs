using System.Net;
using System.Net.Sockets;

namespace OrleansEdge.Compare.Load;

/// <summary>One WebSocket of the load. Not thread safe.</summary>
internal sealed class LoadSession : IDisposable
{
    private const int SmallBuffer = 1024;
    private const int SourceAddresses = 8;

    // IPPROTO_IP and IP_BIND_ADDRESS_NO_PORT of Linux.
    private const int Ip = 0;
    private const int BindWithoutPort = 24;

    private static int _opened;

    private readonly Socket _socket;
    private readonly FrameReader _reader;

    private LoadSession(Socket socket)
    {
        _socket = socket;
        _reader = new(socket, SmallBuffer);
    }

    /// <summary>Opens one.</summary>
    /// <exception cref="IOException">It was refused.</exception>
    public static async Task<LoadSession> OpenAsync(int port, byte[] handshake)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // One address has not enough ports for sessions that come and go all the time.
            socket.SetRawSocketOption(Ip, BindWithoutPort, BitConverter.GetBytes(1));
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(2 + (Interlocked.Increment(ref _opened) % SourceAddresses))]), 0));
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
            var session = new LoadSession(socket);
            await socket.SendAsync(handshake);
            var head = await session._reader.ReadHttpHeadAsync();
            return head.StartsWith("HTTP/1.1 101", StringComparison.Ordinal) ? session : throw new IOException($"The handshake was answered: {head}");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a frame and waits for the next one that comes.</summary>
    public async ValueTask<FrameHead> ExchangeAsync(ReadOnlyMemory<byte> frame)
    {
        while (!frame.IsEmpty)
        {
            frame = frame[await _socket.SendAsync(frame)..];
        }

        return await ReceiveAsync();
    }

    /// <summary>Waits for the next frame.</summary>
    public async ValueTask<FrameHead> ReceiveAsync() => (await _reader.ReadFrameAsync()).Head;

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
