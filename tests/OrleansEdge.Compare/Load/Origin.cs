using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace OrleansEdge.Compare.Load;

/// <summary>An origin that takes every WebSocket: on <c>/echo</c> it sends back what comes, on <c>/push</c> it sends 256 bytes each second,
/// to each session at a time of its own or (<c>/push?aligned</c>) to all at one instant.</summary>
internal static class Origin
{
    private const int PushedBytes = 256;
    private const int SmallBuffer = 2048;

    private static readonly TimeSpan PushInterval = TimeSpan.FromSeconds(1);

    /// <summary>Serves until the process is ended.</summary>
    public static async Task RunAsync(int port)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(4096);
        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            _ = ServeAsync(socket);
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                var reader = new FrameReader(socket, SmallBuffer);
                var head = await reader.ReadHttpHeadAsync();
                await socket.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {AcceptFor(head)}\r\n\r\n"));
                if (head.Contains("/push", StringComparison.Ordinal))
                {
                    _ = PushAsync(socket, isAligned: head.Contains("aligned", StringComparison.Ordinal));
                }

                while (await EchoAsync(socket, reader))
                {
                }
            }
            catch (Exception gone) when (gone is SocketException or IOException or ObjectDisposedException)
            {
                // That is how clients of a load tool may leave.
            }
        }
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350", Justification = "RFC 6455 section 4.2.2 asks for it.")]
    private static string AcceptFor(string head)
    {
        const string Field = "Sec-WebSocket-Key:";
        var at = head.IndexOf(Field, StringComparison.OrdinalIgnoreCase) + Field.Length;
        var end = head.IndexOf('\r', at);
        var key = (end < 0 ? head[at..] : head[at..end]).Trim();
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
    }

    // A masked head is four bytes longer than the one that goes back, so the answer is made in place.
    private static async ValueTask<bool> EchoAsync(Socket socket, FrameReader reader)
    {
        var (head, frame) = await reader.ReadFrameAsync();
        Unmask(frame.Span, head);
        var start = head.Size - (head.IsMasked ? 4 : 0);
        var answer = frame[(head.Size - start)..];
        WebSocketBytes.WriteHead(answer.Span, head.First, head.Length);
        await SendAllAsync(socket, answer);
        return head.First != WebSocketBytes.Close;
    }

    private static void Unmask(Span<byte> frame, FrameHead head)
    {
        if (!head.IsMasked)
        {
            return;
        }

        var mask = System.Runtime.InteropServices.MemoryMarshal.Read<uint>(frame[(head.Size - 4)..]);
        var payload = frame[head.Size..];
        var words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(payload);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] ^= mask;
        }

        for (var i = words.Length * sizeof(uint); i < payload.Length; i++)
        {
            payload[i] ^= frame[head.Size - 4 + (i % sizeof(uint))];
        }
    }

    private static async ValueTask SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    private static async Task PushAsync(Socket socket, bool isAligned)
    {
        var frame = new byte[WebSocketBytes.MaxHead + PushedBytes];
        var length = WebSocketBytes.WriteHead(frame, WebSocketBytes.Binary, PushedBytes) + PushedBytes;
        try
        {
            if (isAligned)
            {
                var now = Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
                await Task.Delay(TimeSpan.FromSeconds(Math.Ceiling(now) - now));
            }

            using var timer = new PeriodicTimer(PushInterval);
            do
            {
                await socket.SendAsync(frame.AsMemory(0, length));
            }
            while (await timer.WaitForNextTickAsync());
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The client has left.
        }
    }

    /// <summary>Reads the port of the command line.</summary>
    public static int PortOf(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
