using System.Buffers.Binary;
using System.Numerics;

namespace OrleansEdge.Model;

/// <summary>CRC-32C (RFC 3720 appendix B.4), the checksum of usage in files. Thread safe.</summary>
public static class Crc32C
{
    /// <summary>The checksum of some bytes, or of bytes that follow others.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="before">Checksum of what comes before them.</param>
    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        var crc = ~before;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var one in bytes)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return ~crc;
    }
}
