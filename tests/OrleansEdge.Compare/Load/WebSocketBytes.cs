using System.Buffers.Binary;
using System.Text;

namespace OrleansEdge.Compare.Load;

/// <summary>As much of RFC 6455 as a load tool needs: heads, and frames of whole binary messages.</summary>
internal static class WebSocketBytes
{
    /// <summary>First byte of a whole binary message.</summary>
    public const byte Binary = 0x82;

    /// <summary>First byte of a Close.</summary>
    public const byte Close = 0x88;

    /// <summary>Longest head of a masked frame.</summary>
    public const int MaxHead = 14;

    // Any key does, and one whose bytes differ shows a mask that was lost.
    private static readonly byte[] Mask = [0x1F, 0x2E, 0x3D, 0x4C];

    /// <summary>A client's frame.</summary>
    public static byte[] Masked(byte first, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[MaxHead + payload.Length];
        var head = WriteHead(frame, first, payload.Length);
        frame[1] |= 0x80;
        Mask.CopyTo(frame, head);
        head += Mask.Length;
        for (var i = 0; i < payload.Length; i++)
        {
            frame[head + i] = (byte)(payload[i] ^ Mask[i % Mask.Length]);
        }

        return frame[..(head + payload.Length)];
    }

    /// <summary>Writes the head of a frame without a mask.</summary>
    /// <returns>Its length.</returns>
    public static int WriteHead(Span<byte> frame, byte first, int length)
    {
        frame[0] = first;
        switch (length)
        {
            case < 126:
                frame[1] = (byte)length;
                return 2;
            case <= ushort.MaxValue:
                frame[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(frame[2..], (ushort)length);
                return 4;
            default:
                frame[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(frame[2..], (ulong)length);
                return 10;
        }
    }

    /// <summary>Reads the head of a frame.</summary>
    /// <returns>False: it is not all there.</returns>
    public static bool TryReadHead(ReadOnlySpan<byte> bytes, out FrameHead head)
    {
        head = default;
        if (bytes.Length < 2)
        {
            return false;
        }

        var (isMasked, length) = ((bytes[1] & 0x80) != 0, (long)(bytes[1] & 0x7F));
        var size = 2 + (length == 126 ? 2 : length == 127 ? 8 : 0);
        if (bytes.Length < size + (isMasked ? 4 : 0))
        {
            return false;
        }

        length = length == 126 ? BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]) : length == 127 ? BinaryPrimitives.ReadInt64BigEndian(bytes[2..]) : length;
        head = new(bytes[0], size + (isMasked ? 4 : 0), (int)length, isMasked);
        return true;
    }

    /// <summary>A handshake.</summary>
    public static byte[] Handshake(string host, string path) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

/// <summary>Head of a frame.</summary>
/// <param name="First">Its first byte.</param>
/// <param name="Size">Length of the head, mask included.</param>
/// <param name="Length">Length of the payload.</param>
/// <param name="IsMasked">Whether the head ends with a mask.</param>
internal readonly record struct FrameHead(byte First, int Size, int Length, bool IsMasked)
{
    /// <summary>Length of the frame.</summary>
    public int FrameLength => Size + Length;
}
