using System.Buffers;
using System.Text;

namespace OrleansEdge.Model;

/// <summary>Writes numbers in as few bytes as they need (base 128, low bits first), and what is made of them.
/// <see cref="CompactReader"/> reads it.</summary>
public readonly ref struct CompactWriter(IBufferWriter<byte> output)
{
    private const int MaxNumberBytes = 10;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>One byte.</summary>
    public void Byte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    /// <summary>1 to 10 bytes, 7 bits in each.</summary>
    public void Number(ulong value)
    {
        var span = output.GetSpan(MaxNumberBytes);
        var count = 0;
        for (; value > 0x7F; value >>= 7)
        {
            span[count++] = (byte)(value | 0x80);
        }

        span[count++] = (byte)value;
        output.Advance(count);
    }

    /// <summary>A number that is not negative.</summary>
    public void Number(long value) => Number(checked((ulong)value));

    /// <summary>A number of either sign; small ones of both are short.</summary>
    public void EitherSign(long value) => Number((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>Length and UTF-8.</summary>
    /// <exception cref="ArgumentException">It holds half a surrogate pair.</exception>
    public void Text(string value)
    {
        var length = Utf8.GetByteCount(value);
        Number(length);
        Utf8.GetBytes(value, output.GetSpan(length));
        output.Advance(length);
    }

    /// <summary>16 bytes.</summary>
    public void Source(UsageSourceId value)
    {
        value.Write(output.GetSpan(UsageSourceId.Bytes));
        output.Advance(UsageSourceId.Bytes);
    }
}
