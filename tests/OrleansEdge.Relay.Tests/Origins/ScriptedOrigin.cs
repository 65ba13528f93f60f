using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OrleansEdge.Relay.Tests.Origins;

/// <summary>An origin of bytes: it accepts connections and does what the test says. Every wait ends after 20 s.</summary>
internal sealed class ScriptedOrigin : IDisposable
{
    private readonly Socket _listener;

    public ScriptedOrigin(IPAddress? address = null, int port = 0)
    {
        address ??= IPAddress.Loopback;
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(address, port));
        _listener.Listen(64);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>A port on which nobody listens.</summary>
    public static int DeadPort(IPAddress? address = null)
    {
        using var origin = new ScriptedOrigin(address);
        return origin.Port;
    }

    public async Task<ScriptedPeer> AcceptAsync()
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return new ScriptedPeer(new NetworkStream(await _listener.AcceptAsync(late.Token), ownsSocket: true));
    }

    /// <summary>Accepts one connection, reads a head and answers it.</summary>
    public async Task<(ScriptedPeer Peer, string Head)> AnswerAsync(string answer)
    {
        var peer = await AcceptAsync();
        var head = await peer.ReadHeadAsync();
        await peer.SendAsync(answer);
        return (peer, head);
    }

    public void Dispose() => _listener.Dispose();
}

/// <summary>One end of a connection, by bytes.</summary>
internal sealed class ScriptedPeer(Stream stream) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<byte> _received = [];

    public Stream Stream => stream;

    public static async Task<ScriptedPeer> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new ScriptedPeer(new NetworkStream(socket, ownsSocket: true));
    }

    public async Task SendAsync(string text) => await SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        using var late = new CancellationTokenSource(Patience);
        await stream.WriteAsync(bytes, late.Token);
        await stream.FlushAsync(late.Token);
    }

    public Task<string> ReadHeadAsync() => ReadToAsync("\r\n\r\n");

    /// <summary>Everything up to and with the marker; the rest stays.</summary>
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
            if (await ReceiveAsync(marker) == 0)
            {
                throw new EndOfStreamException($"The peer ended before '{marker}': '{text}'");
            }
        }
    }

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
    public void Reset() => ((NetworkStream)stream).Socket.Close(0);

    public void Dispose() => stream.Dispose();

    private async Task<int> ReceiveAsync(string awaited)
    {
        using var late = new CancellationTokenSource(Patience);
        var buffer = new byte[64 * 1024];
        try
        {
            var read = await stream.ReadAsync(buffer, late.Token);
            _received.AddRange(buffer.AsSpan(0, read));
            return read;
        }
        catch (OperationCanceledException exception)
        {
            throw new TimeoutException($"Waited for '{awaited}' and have '{Encoding.Latin1.GetString([.. _received])}'", exception);
        }
    }
}
