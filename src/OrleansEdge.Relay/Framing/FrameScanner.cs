using System.Buffers.Binary;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Framing;

/// <summary>Which frames are in order for one direction of a session.</summary>
/// <param name="FromClient">Client frames must be masked, origin frames must not (RFC 6455 section 5.1).</param>
/// <param name="Policing">Whether breaches are reported at all.</param>
/// <param name="Extensions">What was negotiated.</param>
/// <param name="MaxMessageBytes">Most payload bytes of a message over all its frames, as they cross the wire; 0: no limit.</param>
public readonly record struct FrameRules(bool FromClient, ProtocolPolicing Policing, FrameExtensions Extensions, long MaxMessageBytes);

/// <summary>Extensions as far as they change what a frame header may say.</summary>
public enum FrameExtensions
{
    /// <summary>None was negotiated.</summary>
    None,

    /// <summary>permessage-deflate (RFC 7692): RSV1 marks the first frame of a compressed message.</summary>
    PerMessageDeflate,

    /// <summary>One that the edge does not know: RSV bits and opcodes are not policed.</summary>
    Unknown,
}

/// <summary>Why a scan stopped.</summary>
public enum ScanStop
{
    /// <summary>The input is used up, but for the beginning of a frame that cannot be decided yet.</summary>
    NeedMore,

    /// <summary>A whole control frame follows the passed bytes; the scanner stands behind it.</summary>
    ControlFrame,

    /// <summary>A frame ended and the caller asked to stop there.</summary>
    Boundary,

    /// <summary>The frame that follows the passed bytes breaks RFC 6455.</summary>
    ProtocolError,

    /// <summary>The frame that follows the passed bytes makes its message too big.</summary>
    MessageTooBig,
}

/// <summary>A control frame in the scanned input.</summary>
/// <param name="Opcode">8 Close, 9 Ping, 10 Pong.</param>
/// <param name="HeaderLength">Bytes of the header, mask included.</param>
/// <param name="PayloadLength">Bytes of the payload, 0–125.</param>
/// <param name="Masked">Whether the last four header bytes are a mask.</param>
public readonly record struct ControlFrame(byte Opcode, int HeaderLength, int PayloadLength, bool Masked)
{
    /// <summary>Bytes of the whole frame.</summary>
    public int Length => HeaderLength + PayloadLength;

    /// <summary>Copies the unmasked payload out of the frame.</summary>
    /// <returns>Bytes written.</returns>
    public int CopyPayload(ReadOnlySpan<byte> frame, Span<byte> destination)
    {
        var payload = frame.Slice(HeaderLength, PayloadLength);
        payload.CopyTo(destination);
        if (Masked)
        {
            ControlFrames.Mask(destination[..PayloadLength], frame.Slice(HeaderLength - 4, 4));
        }

        return PayloadLength;
    }
}

/// <summary>Follows the frames of one direction of a WebSocket (RFC 6455 section 5.2) by their headers alone. It never changes,
/// copies or keeps payload. A frame is decided before any byte of it passes; control frames pass whole. Allocates nothing;
/// not thread safe.</summary>
public struct FrameScanner
{
    /// <summary>The most bytes that a scan can leave undecided: a control frame with its mask, less one byte.</summary>
    public const int MaxUndecided = MaxControlFrame - 1;

    internal const int MaxControlFrame = 2 + 4 + MaxControlPayload;
    internal const int MaxControlPayload = 125;

    private readonly FrameRules _rules;
    private ulong _payloadLeft;
    private ulong _messageBytes;
    private bool _endsMessage;
    private bool _insideMessage;

    /// <summary>A scanner at the start of a direction.</summary>
    public FrameScanner(FrameRules rules) => _rules = rules;

    /// <summary>Data messages whose last byte passed.</summary>
    public long Messages { get; private set; }

    /// <summary>Bytes of data frames, header and payload, that passed.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Whether no frame is half way.</summary>
    public readonly bool AtBoundary => _payloadLeft == 0;

    private readonly bool Strict => _rules.Policing == ProtocolPolicing.Strict;

    /// <summary>Scans bytes in the order of the wire.</summary>
    /// <param name="input">The bytes that the last scan left undecided, then new ones.</param>
    /// <param name="stopAtBoundary">Stop where the frame under way ends (at once where none is).</param>
    /// <param name="passed">Bytes at the front of the input that are in order.</param>
    /// <param name="control">The frame behind them, where the answer is <see cref="ScanStop.ControlFrame"/>.</param>
    public ScanStop Scan(ReadOnlySpan<byte> input, bool stopAtBoundary, out int passed, out ControlFrame control)
    {
        control = default;
        passed = 0;
        while (true)
        {
            passed += PassPayload(input.Length - passed);
            if (stopAtBoundary && AtBoundary)
            {
                return ScanStop.Boundary;
            }

            if (passed == input.Length)
            {
                return ScanStop.NeedMore;
            }

            var stop = ReadFrame(input[passed..], out var headerLength, out control);
            if (stop is not null)
            {
                return stop.Value;
            }

            passed += headerLength;
        }
    }

    private int PassPayload(int available)
    {
        if (_payloadLeft == 0)
        {
            return 0;
        }

        var count = (int)Math.Min(_payloadLeft, (ulong)available);
        _payloadLeft -= (ulong)count;
        DataBytes += count;
        if (_payloadLeft == 0)
        {
            EndFrame();
        }

        return count;
    }

    private void EndFrame()
    {
        if (_endsMessage)
        {
            Messages++;
            _messageBytes = 0;
            _endsMessage = false;
        }
    }

    // null: a data frame begins, its header is in order and passes.
    private ScanStop? ReadFrame(ReadOnlySpan<byte> input, out int headerLength, out ControlFrame control)
    {
        control = default;
        headerLength = 0;
        if (Strict && (BreaksFirstByte(input[0]) || (input.Length > 1 && BreaksSecondByte(input[0], input[1]))))
        {
            return ScanStop.ProtocolError;
        }

        if (input.Length < 2 || !TryReadLength(input, out headerLength, out var length))
        {
            return ScanStop.NeedMore;
        }

        if (Strict && IsNotMinimal(input[1], length))
        {
            return ScanStop.ProtocolError;
        }

        return IsControl(input[0]) && length <= MaxControlPayload
            ? ReadControlFrame(input, headerLength, (int)length, out control)
            : BeginDataFrame(input, headerLength, length);
    }

    private readonly bool BreaksFirstByte(byte first)
    {
        var opcode = first & 0x0F;
        var final = (first & 0x80) != 0;
        var beginsMessage = opcode is 1 or 2;
        return (opcode == 0 && !_insideMessage)
            || (beginsMessage && _insideMessage)
            || (IsControl(first) && !final)
            || (_rules.Extensions != FrameExtensions.Unknown && IsReserved(opcode, first & 0x70, beginsMessage));
    }

    private readonly bool IsReserved(int opcode, int rsv, bool beginsMessage)
        => opcode is (> 2 and < 8) or > 10
        || (rsv != 0 && !(rsv == 0x40 && beginsMessage && _rules.Extensions == FrameExtensions.PerMessageDeflate));

    private readonly bool BreaksSecondByte(byte first, byte second)
    {
        var masked = (second & 0x80) != 0;
        return masked != _rules.FromClient
            || (IsControl(first) && (second & 0x7F) > MaxControlPayload);
    }

    private static bool TryReadLength(ReadOnlySpan<byte> input, out int headerLength, out ulong length)
    {
        var lengthCode = input[1] & 0x7F;
        headerLength = lengthCode switch { 126 => 4, 127 => 10, _ => 2 };
        if (input.Length < headerLength)
        {
            length = 0;
            return false;
        }

        length = lengthCode switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(input[2..]),
            127 => BinaryPrimitives.ReadUInt64BigEndian(input[2..]),
            _ => (ulong)lengthCode,
        };
        headerLength += (input[1] & 0x80) != 0 ? 4 : 0;
        return true;
    }

    private static bool IsNotMinimal(byte second, ulong length) => (second & 0x7F) switch
    {
        126 => length < 126,
        127 => length is <= ushort.MaxValue or > long.MaxValue,
        _ => false,
    };

    private readonly bool IsControl(byte first)
        => (first & 0x08) != 0 && (_rules.Extensions != FrameExtensions.Unknown || (first & 0x0F) is >= 8 and <= 10);

    private readonly ScanStop ReadControlFrame(ReadOnlySpan<byte> input, int headerLength, int length, out ControlFrame control)
    {
        control = default;
        if (input.Length < headerLength + length)
        {
            return ScanStop.NeedMore;
        }

        var frame = new ControlFrame((byte)(input[0] & 0x0F), headerLength, length, (input[1] & 0x80) != 0);
        if (Strict && frame.Opcode == ControlFrames.Close && BreaksCloseBody(frame, input))
        {
            return ScanStop.ProtocolError;
        }

        control = frame;
        return ScanStop.ControlFrame;
    }

    private static bool BreaksCloseBody(ControlFrame frame, ReadOnlySpan<byte> input)
        => frame.PayloadLength == 1 || (frame.PayloadLength > 1 && !ControlFrames.MaySendCode(ControlFrames.ReadCloseCode(frame, input)));

    private ScanStop? BeginDataFrame(ReadOnlySpan<byte> input, int headerLength, ulong length)
    {
        var isMessageFrame = (input[0] & 0x08) == 0;
        if (isMessageFrame && _rules.MaxMessageBytes > 0 && length > (ulong)_rules.MaxMessageBytes - Math.Min(_messageBytes, (ulong)_rules.MaxMessageBytes))
        {
            return ScanStop.MessageTooBig;
        }

        if (input.Length < headerLength)
        {
            return ScanStop.NeedMore;
        }

        DataBytes += headerLength;
        _payloadLeft = length;
        if (isMessageFrame)
        {
            var final = (input[0] & 0x80) != 0;
            _insideMessage = !final;
            _endsMessage = final;
            _messageBytes += length;
        }

        if (length == 0)
        {
            EndFrame();
        }

        return null;
    }
}
