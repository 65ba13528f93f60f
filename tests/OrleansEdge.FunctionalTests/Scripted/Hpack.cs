using System.Text;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>Header compression for HTTP/2 (RFC 7541), as little as a test client needs: it writes literals only, and reads
/// everything but Huffman-coded strings, which Kestrel does not write.</summary>
public sealed class HpackDecoder
{
    private const int EntryOverhead = 32;

    private static readonly (string Name, string Value)[] Static =
    [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"), (":scheme", "http"),
        (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
        (":status", "404"), (":status", "500"), ("accept-charset", ""), ("accept-encoding", "gzip, deflate"), ("accept-language", ""),
        ("accept-ranges", ""), ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
        ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
        ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""),
        ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
        ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
        ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""),
        ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""),
        ("via", ""), ("www-authenticate", ""),
    ];

    private readonly List<(string Name, string Value)> _dynamic = [];
    private int _capacity = 4096;
    private int _size;

    public static byte[] Encode(IEnumerable<(string Name, string Value)> fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        var block = new List<byte>();
        foreach (var (name, value) in fields)
        {
            block.Add(0);
            AddString(block, name);
            AddString(block, value);
        }

        return [.. block];
    }

    public HeaderList Decode(byte[] block)
    {
        ArgumentNullException.ThrowIfNull(block);
        var fields = new HeaderList();
        var at = 0;
        while (at < block.Length)
        {
            var first = block[at];
            if ((first & 0x80) != 0)
            {
                fields.Add(Entry(Integer(block, ref at, 7)));
            }
            else if ((first & 0x40) != 0)
            {
                var field = Literal(block, ref at, 6);
                fields.Add(field);
                Remember(field);
            }
            else if ((first & 0x20) != 0)
            {
                _capacity = Integer(block, ref at, 5);
                Evict();
            }
            else
            {
                fields.Add(Literal(block, ref at, 4));
            }
        }

        return fields;
    }

    private static void AddString(List<byte> block, string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        var length = bytes.Length;
        if (length < 127)
        {
            block.Add((byte)length);
        }
        else
        {
            block.Add(127);
            for (length -= 127; length >= 128; length >>= 7)
            {
                block.Add((byte)(0x80 | (length & 0x7f)));
            }

            block.Add((byte)length);
        }

        block.AddRange(bytes);
    }

    private static int Integer(byte[] block, ref int at, int prefix)
    {
        var max = (1 << prefix) - 1;
        var value = block[at++] & max;
        for (var shift = 0; value >= max; shift += 7)
        {
            var next = block[at++];
            value += (next & 0x7f) << shift;
            if ((next & 0x80) == 0)
            {
                break;
            }
        }

        return value;
    }

    private static string String(byte[] block, ref int at)
    {
        if ((block[at] & 0x80) != 0)
        {
            throw new InvalidDataException("The edge sent a Huffman-coded header, which this test client does not read.");
        }

        var length = Integer(block, ref at, 7);
        var text = Encoding.Latin1.GetString(block, at, length);
        at += length;
        return text;
    }

    private (string Name, string Value) Literal(byte[] block, ref int at, int prefix)
    {
        var index = Integer(block, ref at, prefix);
        var name = index == 0 ? String(block, ref at) : Entry(index).Name;
        return (name, String(block, ref at));
    }

    private (string Name, string Value) Entry(int index) => index <= Static.Length ? Static[index - 1] : _dynamic[index - Static.Length - 1];

    private void Remember((string Name, string Value) field)
    {
        _dynamic.Insert(0, field);
        _size += field.Name.Length + field.Value.Length + EntryOverhead;
        Evict();
    }

    private void Evict()
    {
        while (_size > _capacity)
        {
            var (name, value) = _dynamic[^1];
            _size -= name.Length + value.Length + EntryOverhead;
            _dynamic.RemoveAt(_dynamic.Count - 1);
        }
    }
}
