using System.Buffers.Binary;
using System.Text;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>How the length of a frame is written; <see cref="Shortest"/> is what RFC 6455 demands.</summary>
public enum LengthForm
{
    Shortest,
    Sixteen,
    SixtyFour,
}

/// <summary>One WebSocket frame as it crossed the wire (RFC 6455 section 5.2). <see cref="Payload"/> is unmasked.</summary>
public sealed record WsFrame(bool Fin, int Rsv, int Opcode, byte[]? Mask, byte[] Payload, byte[] Raw)
{
    public const int Continuation = 0;
    public const int TextOpcode = 1;
    public const int BinaryOpcode = 2;
    public const int CloseOpcode = 8;
    public const int PingOpcode = 9;
    public const int PongOpcode = 10;

    /// <summary>The key that test clients mask with: fixed, so that what arrives can be compared byte by byte.</summary>
    public static readonly byte[] ClientKey = [0x37, 0xfa, 0x21, 0x3d];

    /// <summary>Code of a Close frame; 1005 where its body is empty.</summary>
    public int CloseCode => Payload.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(Payload);

    /// <summary>Reason of a Close frame.</summary>
    public string CloseReason => Payload.Length < 2 ? "" : Encoding.UTF8.GetString(Payload.AsSpan(2));

    /// <summary>Bytes of a frame.</summary>
    /// <param name="opcode">Opcode, 0–15.</param>
    /// <param name="payload">Payload before masking.</param>
    /// <param name="mask">Masking key; <see langword="null"/>: unmasked.</param>
    /// <param name="fin">FIN bit.</param>
    /// <param name="rsv">RSV1 to RSV3 as the bits 4, 2, 1.</param>
    /// <param name="form">Form of the length.</param>
    public static byte[] Build(
        int opcode, ReadOnlySpan<byte> payload, byte[]? mask = null, bool fin = true, int rsv = 0, LengthForm form = LengthForm.Shortest)
    {
        var header = Header(opcode, (ulong)payload.Length, mask, fin, rsv, form);
        var frame = new byte[header.Length + payload.Length];
        header.CopyTo(frame, 0);
        for (var i = 0; i < payload.Length; i++)
        {
            frame[header.Length + i] = (byte)(payload[i] ^ (mask is null ? 0 : mask[i & 3]));
        }

        return frame;
    }

    /// <summary>Header alone, for frames whose payload is sent in parts or never.</summary>
    public static byte[] Header(
        int opcode, ulong length, byte[]? mask = null, bool fin = true, int rsv = 0, LengthForm form = LengthForm.Shortest)
    {
        var bytes = new List<byte> { (byte)((fin ? 0x80 : 0) | (rsv << 4) | opcode) };
        var masked = mask is null ? 0 : 0x80;
        if (form == LengthForm.SixtyFour || length > ushort.MaxValue)
        {
            bytes.Add((byte)(masked | 127));
            var eight = new byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(eight, length);
            bytes.AddRange(eight);
        }
        else if (form == LengthForm.Sixteen || length > 125)
        {
            bytes.AddRange([(byte)(masked | 126), (byte)(length >> 8), (byte)length]);
        }
        else
        {
            bytes.Add((byte)(masked | (int)length));
        }

        bytes.AddRange(mask ?? []);
        return [.. bytes];
    }

    /// <summary>A Close frame.</summary>
    public static byte[] Close(int code, string reason = "", byte[]? mask = null)
        => Build(CloseOpcode, [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)], mask);

    /// <summary>A text message in one frame.</summary>
    public static byte[] Text(string text, byte[]? mask = null) => Build(TextOpcode, Encoding.UTF8.GetBytes(text), mask);

    /// <summary>Bytes that differ at each place, so that a lost or doubled byte shows.</summary>
    public static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)((i * 31) + (i >> 8));
        }

        return bytes;
    }

    public override string ToString()
    {
        var kind = Opcode switch
        {
            Continuation => "continuation",
            TextOpcode => "text",
            BinaryOpcode => "binary",
            CloseOpcode => $"Close {CloseCode} `{CloseReason}`",
            PingOpcode => "ping",
            PongOpcode => "pong",
            _ => $"opcode {Opcode}",
        };
        return $"{kind} (fin {Fin}, rsv {Rsv}, {(Mask is null ? "unmasked" : "masked")}, {Payload.Length} B) {Wire.Hex(Raw)}";
    }
}
