using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>A TCP client that sends and receives bytes and nothing else. Every wait ends after 20 s.</summary>
internal sealed class RawClient(Socket socket) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<byte> _received = [];

    public Socket Socket { get; } = socket;

    public static async Task<RawClient> ConnectAsync(EndPoint server, Action<Socket>? prepare = null)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        prepare?.Invoke(socket);
        await socket.ConnectAsync(server);
        return new RawClient(socket);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        using var late = new CancellationTokenSource(Patience);
        await Socket.SendAsync(bytes, late.Token);
    }

    /// <summary>Everything up to and with the marker; what comes behind it stays for the next call.</summary>
    public async Task<string> ReadToAsync(string marker)
    {
        while (true)
        {
            var text = Encoding.Latin1.GetString([.. _received]);
            var at = text.IndexOf(marker, StringComparison.Ordinal);
            if (at >= 0)
            {
                _received.RemoveRange(0, at + marker.Length);
                return text[..(at + marker.Length)];
            }

            if (await ReceiveAsync($"'{marker}'") == 0)
            {
                throw new EndOfStreamException($"The server ended before '{marker}': '{text}'");
            }
        }
    }

    /// <summary>Everything up to the server's end. A reset throws <see cref="SocketException"/>.</summary>
    public async Task<string> ReadToEndAsync()
    {
        while (await ReceiveAsync("the end") > 0)
        {
        }

        var text = Encoding.Latin1.GetString([.. _received]);
        _received.Clear();
        return text;
    }

    /// <summary>Closes with a reset.</summary>
    public void Reset() => Socket.Close(0);

    public void Dispose() => Socket.Dispose();

    private async Task<int> ReceiveAsync(string awaited)
    {
        using var late = new CancellationTokenSource(Patience);
        var buffer = new byte[64 * 1024];
        try
        {
            var received = await Socket.ReceiveAsync(buffer, late.Token);
            _received.AddRange(buffer.AsSpan(0, received));
            return received;
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"Waited for {awaited} and have '{Encoding.Latin1.GetString([.. _received])}'", e);
        }
    }
}
