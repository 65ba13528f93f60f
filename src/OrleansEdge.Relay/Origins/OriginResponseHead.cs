using System.Buffers;
using System.Text;

namespace OrleansEdge.Relay.Origins;

/// <summary>Strict reader of an HTTP/1 response head (RFC 9112), fed with a growing buffer: it goes on where it stopped, so that any
/// split of the bytes gives the same result, and sees garbage on its first line and not at a time-out. The one leniency is a status
/// line without the space before an absent reason, which many servers write.</summary>
internal sealed class OriginResponseHead
{
    /// <summary>Most bytes of a head.</summary>
    public const int MaxBytes = 32 * 1024;

    /// <summary>Most interim answers (1xx) before the final one.</summary>
    public const int MostInterimAnswers = 16;

    /// <summary>Characters of a token (RFC 9110 section 5.6.2).</summary>
    public static readonly SearchValues<char> TokenCharacters = SearchValues.Create(Token);

    private const string Token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(Encoding.ASCII.GetBytes(Token));
    private static readonly SearchValues<byte> ControlBytes =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Where(c => c != '\t').Append(0x7F).Select(c => (byte)c)]);

    private readonly List<KeyValuePair<string, string>> _fields = [];
    private int _lineStart;
    private int _scanned;

    /// <summary>Status code, 100–999.</summary>
    public int Status { get; private set; }

    /// <summary>Reason phrase; may be empty.</summary>
    public string Reason { get; private set; } = string.Empty;

    /// <summary>Whether the origin speaks HTTP/1.0.</summary>
    public bool IsHttp10 { get; private set; }

    /// <summary>All fields in their order, values without surrounding white space, bytes as Latin-1.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Fields => _fields;

    /// <summary>Bytes of the head, once it is complete.</summary>
    public int Length { get; private set; }

    /// <summary>What breaks the rules; <see langword="null"/>: nothing so far.</summary>
    public string? Fault { get; private set; }

    /// <summary>Reads on.</summary>
    /// <param name="bytes">All bytes since the beginning of the head.</param>
    /// <returns>Whether the head is complete or has a <see cref="Fault"/>; else more bytes are needed.</returns>
    public bool Advance(ReadOnlySpan<byte> bytes)
    {
        while (Fault is null && Length == 0)
        {
            var lineFeed = bytes[_scanned..].IndexOf((byte)'\n');
            if (lineFeed < 0)
            {
                _scanned = bytes.Length;
                CheckBeginning(bytes);
                break;
            }
            var end = _scanned + lineFeed;
            ReadLine(bytes[_lineStart..end], end + 1);
            _lineStart = _scanned = end + 1;
        }
        if (Fault is null && (Length == 0 ? bytes.Length : Length) > MaxBytes)
        {
            Fault = $"the head is over {MaxBytes} bytes";
        }
        return Fault is not null || Length > 0;
    }

    /// <summary>All values of a field.</summary>
    public IEnumerable<string> Values(string name)
        => _fields.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);

    /// <summary>Whether a field that is a list holds an element.</summary>
    public bool Lists(string name, string element)
        => Values(name).Any(value => value.Split(',').Any(item => item.Trim(' ', '\t').Equals(element, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Reads one field line, without its end.</summary>
    /// <returns>What breaks the rules, or <see langword="null"/>.</returns>
    public static string? TryReadField(ReadOnlySpan<byte> line, out KeyValuePair<string, string> field)
    {
        field = default;
        var colon = line.IndexOf((byte)':');
        if (line[0] is (byte)' ' or (byte)'\t')
        {
            return "a header field is folded";
        }
        if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes))
        {
            return "a header field has no valid name";
        }
        if (line[(colon + 1)..].ContainsAny(ControlBytes))
        {
            return "a header field has a control character";
        }
        field = new(Encoding.Latin1.GetString(line[..colon]), Encoding.Latin1.GetString(line[(colon + 1)..].Trim(" \t"u8)));
        return null;
    }

    private void CheckBeginning(ReadOnlySpan<byte> bytes)
    {
        var expected = "HTTP/1."u8;
        var length = Math.Min(bytes.Length, expected.Length);
        if (_lineStart == 0 && !bytes[..length].SequenceEqual(expected[..length]))
        {
            Fault = "the answer is not HTTP/1";
        }
    }

    private void ReadLine(ReadOnlySpan<byte> line, int end)
    {
        if (line.IsEmpty || line[^1] != '\r')
        {
            Fault = _lineStart == 0 && !line.StartsWith("HTTP/1."u8) ? "the answer is not HTTP/1" : "a line does not end in CR LF";
            return;
        }
        line = line[..^1];
        if (_lineStart == 0)
        {
            ReadStatusLine(line);
        }
        else if (line.IsEmpty)
        {
            Length = end;
        }
        else
        {
            ReadField(line);
        }
    }

    private void ReadStatusLine(ReadOnlySpan<byte> line)
    {
        // HTTP/1.1 200 OK
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' '
            || line[9..12].ContainsAnyExceptInRange((byte)'0', (byte)'9') || line[9] == '0'
            || (line.Length > 12 && line[12] != ' ') || line.ContainsAny(ControlBytes))
        {
            Fault = line.StartsWith("HTTP/1."u8) ? "the status line is malformed" : "the answer is not HTTP/1";
            return;
        }
        IsHttp10 = line[7] == '0';
        Status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + (line[11] - '0');
        Reason = line.Length > 13 ? Encoding.Latin1.GetString(line[13..]) : string.Empty;
    }

    private void ReadField(ReadOnlySpan<byte> line)
    {
        Fault = TryReadField(line, out var field);
        if (Fault is null)
        {
            _fields.Add(field);
        }
    }
}
