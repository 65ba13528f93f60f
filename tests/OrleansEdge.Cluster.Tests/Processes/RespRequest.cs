using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>One command on its way to Redis: an array of strings, as every client sends it.</summary>
internal sealed class RespRequest
{
    private static readonly string[] Reads = ["GET", "MGET", "HGET", "HMGET", "HGETALL", "EXISTS", "LRANGE", "ZSCORE", "ZRANGE"];

    private readonly string[] _words;

    private RespRequest(byte[] bytes, string[] words) => (Bytes, _words) = (bytes, words);

    /// <summary>As it came.</summary>
    public byte[] Bytes { get; }

    /// <summary>Whether it may change something.</summary>
    public bool IsWrite => !Reads.Contains(_words[0], StringComparer.OrdinalIgnoreCase);

    /// <summary>Takes the first request off what came.</summary>
    /// <returns><see langword="null"/>: it is not all there yet.</returns>
    public static RespRequest? Take(ref ReadOnlySequence<byte> input)
    {
        var reader = new SequenceReader<byte>(input);
        if (!TryReadNumber(ref reader, '*', out var count))
        {
            return null;
        }

        var words = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (!TryReadNumber(ref reader, '$', out var length) || reader.Remaining < length + 2)
            {
                return null;
            }

            words[i] = Encoding.Latin1.GetString(reader.UnreadSequence.Slice(0, length));
            reader.Advance(length + 2);
        }

        var bytes = input.Slice(0, reader.Position).ToArray();
        input = input.Slice(reader.Position);
        return new(bytes, words);
    }

    /// <summary>Whether a text stands in one of its strings.</summary>
    public bool Names(string text) => _words.Any(word => word.Contains(text, StringComparison.Ordinal));

    /// <summary>The command and its key.</summary>
    public override string ToString() => $"{_words[0]} {(_words[0].StartsWith("EVAL", StringComparison.OrdinalIgnoreCase) ? _words[3] : _words.ElementAtOrDefault(1))}";

    private static bool TryReadNumber(ref SequenceReader<byte> reader, char kind, out int number)
    {
        number = 0;
        if (!reader.TryReadTo(out ReadOnlySpan<byte> line, "\r\n"u8))
        {
            return false;
        }

        return line[0] == kind && Utf8Parser.TryParse(line[1..], out number, out _)
            ? true
            : throw new InvalidDataException($"Not a request of RESP: {Encoding.Latin1.GetString(line)}");
    }
}
