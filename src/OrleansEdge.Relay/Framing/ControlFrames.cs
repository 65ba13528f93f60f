using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Framing;

/// <summary>Makes and reads control frames (RFC 6455 section 5.5).</summary>
public static class ControlFrames
{
    /// <summary>Opcode of Close.</summary>
    public const byte Close = 8;

    /// <summary>Opcode of Ping.</summary>
    public const byte Ping = 9;

    /// <summary>Opcode of Pong.</summary>
    public const byte Pong = 10;

    /// <summary>A Close without a code (RFC 6455 section 7.1.5); never on the wire.</summary>
    public const int NoCode = 1005;

    /// <summary>A Close frame.</summary>
    /// <param name="close">Code and reason; the reason is cut to 123 bytes of UTF-8. <see cref="NoCode"/> makes an empty body.</param>
    /// <param name="masked">Masked with a fresh random key, as towards an origin.</param>
    public static byte[] MakeClose(CloseFrame close, bool masked)
    {
        if (close.Code == NoCode)
        {
            return Make(Close, [], masked);
        }

        Span<byte> body = stackalloc byte[FrameScanner.MaxControlPayload];
        BinaryPrimitives.WriteUInt16BigEndian(body, (ushort)close.Code);
        Encoding.UTF8.TryGetBytes(close.Reason, body[2..], out var reasonLength);
        return Make(Close, body[..(2 + reasonLength)], masked);
    }

    /// <summary>A control frame of at most 125 payload bytes; masked with a fresh random key where asked.</summary>
    public static byte[] Make(byte opcode, ReadOnlySpan<byte> payload, bool masked)
    {
        var headerLength = masked ? 6 : 2;
        var frame = new byte[headerLength + payload.Length];
        frame[0] = (byte)(0x80 | opcode);
        frame[1] = (byte)(payload.Length | (masked ? 0x80 : 0));
        payload.CopyTo(frame.AsSpan(headerLength));
        if (masked)
        {
            var key = frame.AsSpan(2, 4);
            RandomNumberGenerator.Fill(key);
            Mask(frame.AsSpan(headerLength), key);
        }

        return frame;
    }

    /// <summary>Code of a Close frame; <see cref="NoCode"/> where it has none.</summary>
    public static int ReadCloseCode(ControlFrame frame, ReadOnlySpan<byte> bytes)
    {
        if (frame.PayloadLength < 2)
        {
            return NoCode;
        }

        Span<byte> payload = stackalloc byte[FrameScanner.MaxControlPayload];
        frame.CopyPayload(bytes, payload);
        return BinaryPrimitives.ReadUInt16BigEndian(payload);
    }

    /// <summary>Whether a peer may send this code in a Close frame (RFC 6455 section 7.4).</summary>
    public static bool MaySendCode(int code) => code switch
    {
        < 1000 or 1004 or 1005 or 1006 => false,
        < 1015 => true,
        < 3000 => false,
        _ => code < 5000,
    };

    /// <summary>Masks or unmasks in place (RFC 6455 section 5.3).</summary>
    public static void Mask(Span<byte> payload, ReadOnlySpan<byte> key)
    {
        for (var i = 0; i < payload.Length; i++)
        {
            payload[i] ^= key[i & 3];
        }
    }
}
