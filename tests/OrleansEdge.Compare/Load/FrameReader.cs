using System.Net.Sockets;
using System.Text;

namespace OrleansEdge.Compare.Load;

/// <summary>Reads heads and frames from a socket. Not thread safe.</summary>
internal sealed class FrameReader(Socket socket, int capacity)
{
    private static readonly byte[] HeadEnd = "\r\n\r\n"u8.ToArray();

    private byte[] _buffer = new byte[capacity];
    private int _start;
    private int _end;

    /// <summary>Reads a head of HTTP/1.1.</summary>
    /// <exception cref="IOException">The peer ended before.</exception>
    public async ValueTask<string> ReadHttpHeadAsync()
    {
        int end;
        while ((end = _buffer.AsSpan(_start, _end - _start).IndexOf(HeadEnd)) < 0)
        {
            await FillAsync();
        }

        var head = Encoding.ASCII.GetString(_buffer, _start, end);
        _start += end + HeadEnd.Length;
        return head;
    }

    /// <summary>Reads a frame.</summary>
    /// <returns>Its head, and its bytes until the next call.</returns>
    /// <exception cref="IOException">The peer ended before.</exception>
    public async ValueTask<(FrameHead Head, Memory<byte> Frame)> ReadFrameAsync()
    {
        while (true)
        {
            if (WebSocketBytes.TryReadHead(_buffer.AsSpan(_start, _end - _start), out var head) && _end - _start >= head.FrameLength)
            {
                var frame = _buffer.AsMemory(_start, head.FrameLength);
                _start += head.FrameLength;
                return (head, frame);
            }

            await FillAsync();
        }
    }

    private async ValueTask FillAsync()
    {
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }
        else if (_end == _buffer.Length)
        {
            MakeRoom();
        }

        var read = await socket.ReceiveAsync(_buffer.AsMemory(_end));
        _end += read > 0 ? read : throw new IOException("The peer ended.");
    }

    private void MakeRoom()
    {
        var bytes = _buffer.AsSpan(_start, _end - _start);
        if (_start == 0)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }
        else
        {
            bytes.CopyTo(_buffer);
        }

        (_start, _end) = (0, bytes.Length);
    }
}
