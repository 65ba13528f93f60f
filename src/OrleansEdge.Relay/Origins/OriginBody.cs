using System.Globalization;
using System.Runtime.InteropServices;

namespace OrleansEdge.Relay.Origins;

/// <summary>Where the body of an origin's answer ends (RFC 9112 section 6.3).</summary>
internal enum BodyFraming
{
    None,
    Length,
    Chunked,
    UntilClose,
}

/// <summary>Finds the body in the bytes after a response head: how it is framed, and its data without the framing.</summary>
internal struct OriginBody
{
    private const int MaxLineBytes = 8 * 1024;
    private const int MaxTrailerBytes = OriginResponseHead.MaxBytes;

    private ChunkState _state;
    private long _left;
    private int _lineBytes;
    private int _trailerBytes;
    private bool _sawDigit;
    private bool _sawCarriageReturn;
    private List<byte>? _trailerLine;
    private List<KeyValuePair<string, string>>? _trailers;

    private enum ChunkState
    {
        Size,
        Extension,
        Data,
        DataEnd,
        Trailer,
        Done,
    }

    /// <summary>How the body is framed.</summary>
    public BodyFraming Framing { get; private init; }

    /// <summary>Fields behind a chunked body.</summary>
    public readonly IReadOnlyList<KeyValuePair<string, string>> Trailers => _trailers ?? [];

    /// <summary>Whether all of the body was taken.</summary>
    public readonly bool IsComplete => Framing switch
    {
        BodyFraming.None => true,
        BodyFraming.Length => _left == 0,
        BodyFraming.Chunked => _state == ChunkState.Done,
        _ => false,
    };

    /// <summary>The body that follows the head of a final answer.</summary>
    /// <param name="head">The head.</param>
    /// <param name="isHead">Whether the request was a HEAD.</param>
    /// <param name="body">The body, nothing of it taken.</param>
    /// <returns>What is wrong with the lengths that the head gives, or <see langword="null"/>.</returns>
    public static string? TryOpen(OriginResponseHead head, bool isHead, out OriginBody body)
    {
        body = default;
        var encodings = head.Values("Transfer-Encoding").ToArray();
        var lengths = head.Values("Content-Length").ToArray();
        if (encodings.Length + lengths.Length > 1)
        {
            return "the answer gives its length twice";
        }
        if (encodings.Length == 1 && (head.IsHttp10 || !encodings[0].Equals("chunked", StringComparison.OrdinalIgnoreCase)))
        {
            return "the answer has a transfer coding that is not chunked";
        }
        var length = 0L;
        if (lengths.Length == 1 && !long.TryParse(lengths[0], NumberStyles.None, CultureInfo.InvariantCulture, out length))
        {
            return "the answer's Content-Length is no number";
        }
        body = isHead || head.Status is 204 or 304 ? new OriginBody { Framing = BodyFraming.None }
            : encodings.Length == 1 ? new OriginBody { Framing = BodyFraming.Chunked }
            : lengths.Length == 1 ? new OriginBody { Framing = BodyFraming.Length, _left = length }
            : new OriginBody { Framing = BodyFraming.UntilClose };
        return null;
    }

    /// <summary>Takes bytes.</summary>
    /// <param name="bytes">What came and was not consumed yet; not empty.</param>
    /// <param name="consumed">How many of them are done with.</param>
    /// <param name="data">Those of the consumed that are the body's.</param>
    /// <returns><see langword="false"/> where the framing is malformed.</returns>
    public bool TryTake(ReadOnlySpan<byte> bytes, out int consumed, out Range data)
    {
        if (Framing != BodyFraming.Chunked)
        {
            consumed = MostNext(bytes.Length);
            Pass(consumed);
            data = ..consumed;
            return true;
        }
        data = default;
        for (consumed = 0; consumed < bytes.Length && _state != ChunkState.Done;)
        {
            if (_state == ChunkState.Data)
            {
                var length = (int)Math.Min(bytes.Length - consumed, _left);
                data = consumed..(consumed + length);
                consumed += length;
                _left -= length;
                _state = _left == 0 ? ChunkState.DataEnd : ChunkState.Data;
                return true;
            }
            if (!TryTakeFraming(bytes[consumed++]))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>How many of the next bytes can be the body's, where it has no chunks.</summary>
    public readonly int MostNext(int most) => Framing == BodyFraming.UntilClose ? most : (int)Math.Min(most, _left);

    /// <summary>Takes bytes that are known to be the body's, where it has no chunks.</summary>
    public void Pass(int count) => _left -= Framing == BodyFraming.Length ? count : 0;

    private bool TryTakeFraming(byte value)
    {
        if (_sawCarriageReturn)
        {
            _sawCarriageReturn = false;
            return value == '\n' && TryEndLine();
        }
        if (value == '\r')
        {
            _sawCarriageReturn = true;
            return true;
        }
        _lineBytes++;
        return _state switch
        {
            ChunkState.Size => TryTakeSize(value),
            ChunkState.Extension => value is (byte)'\t' or >= 0x20 && _lineBytes <= MaxLineBytes,
            ChunkState.Trailer => TryTakeTrailer(value),
            _ => false,
        };
    }

    private bool TryTakeSize(byte value)
    {
        if (char.IsAsciiHexDigit((char)value))
        {
            _sawDigit = true;
            _left = (_left << 4) | (uint)ValueOf(value);
            return _lineBytes <= 15;
        }
        _state = ChunkState.Extension;
        return _sawDigit && value is (byte)';' or (byte)' ' or (byte)'\t';
    }

    private bool TryTakeTrailer(byte value)
    {
        (_trailerLine ??= []).Add(value);
        return ++_trailerBytes <= MaxTrailerBytes;
    }

    private bool TryEndTrailer()
    {
        var isValid = OriginResponseHead.TryReadField(CollectionsMarshal.AsSpan(_trailerLine), out var field) is null;
        (_trailers ??= []).Add(field);
        _trailerLine!.Clear();
        return isValid;
    }

    private bool TryEndLine()
    {
        var isEmpty = _lineBytes == 0;
        _lineBytes = 0;
        switch (_state)
        {
            case ChunkState.DataEnd:
                _state = ChunkState.Size;
                return isEmpty;
            case ChunkState.Trailer:
                _state = isEmpty ? ChunkState.Done : ChunkState.Trailer;
                return isEmpty || TryEndTrailer();
            default:
                _state = _left == 0 ? ChunkState.Trailer : ChunkState.Data;
                var isValid = _sawDigit;
                _sawDigit = false;
                return isValid;
        }
    }

    private static int ValueOf(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
