using System.Text;

namespace OrleansEdge.Model;

/// <summary>Reads what <see cref="CompactWriter"/> wrote. Every method throws <see cref="FormatException"/> where the bytes end too
/// soon or are not what was asked for; no bytes make it do anything else.</summary>
public ref struct CompactReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    /// <summary>How many bytes are left.</summary>
    public readonly int Left => _left.Length;

    /// <summary>One byte.</summary>
    public byte Byte() => Bytes(1)[0];

    /// <summary>A number that is not negative.</summary>
    public long Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Byte();
            value |= (ulong)(part & 0x7F) << shift;
            if (part <= 0x7F)
            {
                // The tenth byte has room for one bit, which would be the sign.
                return shift < 63 ? (long)value : throw Damaged();
            }
        }

        throw Damaged();
    }

    /// <summary>A number of either sign.</summary>
    public long EitherSign()
    {
        var value = (ulong)Number();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>How many of something follow, each of at least so many bytes: never more than there is room for.</summary>
    public int Count(int bytesOfEach)
    {
        var count = Number();
        return count <= Left / bytesOfEach ? (int)count : throw Damaged();
    }

    /// <summary>UTF-8 with its length.</summary>
    public string Text() => Encoding.UTF8.GetString(Bytes(Count(1)));

    /// <summary>16 bytes.</summary>
    public UsageSourceId Source() => UsageSourceId.Read(Bytes(UsageSourceId.Bytes));

    /// <summary>The next bytes as they are.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > Left)
        {
            throw Damaged();
        }

        var taken = _left[..count];
        _left = _left[count..];
        return taken;
    }

    private static FormatException Damaged() => new("The bytes are damaged or of another format.");
}
