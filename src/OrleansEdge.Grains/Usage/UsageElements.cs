using System.Buffers;
using System.Buffers.Binary;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>What stands in the journal of a shard: first the ledger, then what was reported since, each with the time of its arrival.
/// Every element ends with a checksum.</summary>
internal static class UsageElements
{
    private const int TimeBytes = sizeof(long);
    private const int ChecksumBytes = sizeof(uint);

    /// <summary>A ledger as a journal's first element.</summary>
    public static byte[] OfLedger(UsageShardLedger ledger)
    {
        var output = new ArrayBufferWriter<byte>();
        ledger.Write(output);
        return WithChecksum(output.WrittenSpan);
    }

    /// <summary>Reports that the ledger took, as a further element.</summary>
    /// <param name="at">When they arrived, in whole milliseconds.</param>
    /// <param name="reports">The reports, in the order in which they were taken.</param>
    public static byte[] OfReports(DateTimeOffset at, IReadOnlyList<UsageReport> reports)
    {
        var output = new ArrayBufferWriter<byte>();
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(TimeBytes), at.ToUnixTimeMilliseconds());
        output.Advance(TimeBytes);
        UsageReportFormat.Write(output, reports);
        return WithChecksum(output.WrittenSpan);
    }

    /// <summary>The ledger that a journal holds: that of its first element, with the others applied to it as they were the first
    /// time.</summary>
    /// <exception cref="FormatException">An element is damaged.</exception>
    public static UsageShardLedger Replay(UsageShard shard, IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        if (elements.Count == 0)
        {
            return new(shard);
        }

        var ledger = UsageShardLedger.Read(shard, Content(elements[0].Span));
        foreach (var element in elements.Skip(1))
        {
            Apply(ledger, Content(element.Span));
        }

        return ledger;
    }

    private static void Apply(UsageShardLedger ledger, ReadOnlySpan<byte> content)
    {
        var at = TimeOf(content);
        foreach (var report in UsageReportFormat.Read(content[TimeBytes..]))
        {
            if (TryApply(ledger, report, at).Kind is UsageReplyKind.Resend or UsageReplyKind.Forgotten)
            {
                throw new FormatException("A report builds on another that is not there.");
            }
        }
    }

    // A final report that finds higher values than its own seals them: it was taken, and its answer was Sealed.
    private static UsageReply TryApply(UsageShardLedger ledger, UsageReport report, DateTimeOffset at)
    {
        try
        {
            return ledger.Apply(report, at);
        }
        catch (ArgumentException fault)
        {
            throw new FormatException(fault.Message, fault);
        }
    }

    private static DateTimeOffset TimeOf(ReadOnlySpan<byte> content)
    {
        try
        {
            return content.Length > TimeBytes
                ? DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(content))
                : throw new FormatException("An element is too short.");
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw new FormatException("A time is out of range.", fault);
        }
    }

    private static byte[] WithChecksum(ReadOnlySpan<byte> content)
    {
        var bytes = new byte[content.Length + ChecksumBytes];
        content.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(content.Length), Crc32C.Of(content));
        return bytes;
    }

    private static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> element)
    {
        if (element.Length <= ChecksumBytes)
        {
            throw new FormatException("An element is too short.");
        }

        var content = element[..^ChecksumBytes];
        return Crc32C.Of(content) == BinaryPrimitives.ReadUInt32LittleEndian(element[^ChecksumBytes..])
            ? content
            : throw new FormatException("A checksum does not match.");
    }
}
