using System.Buffers.Binary;
using System.Text;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>
/// The file of an hour: head, pages, names of owners, directory, foot. A page holds the blocks of the few owners whose names have one
/// remainder, so that an owner's block is found with three small reads: foot, place of the page, page. All numbers are little-endian.
/// </summary>
internal static class UsageSegmentFormat
{
    public const int HeadBytes = 16;
    public const int FootBytes = 60;
    public const int PlaceBytes = sizeof(uint);
    public const int ChecksumBytes = sizeof(uint);
    public const uint FootMark = 0x544F_4F46;

    /// <summary>Owners in a page, about.</summary>
    public const int OwnersInPage = 4;

    public static ReadOnlySpan<byte> Header => "OEUSEG1\n"u8;

    /// <summary>The page that an owner's block is in.</summary>
    public static int PageOf(string owner, int pages) => (int)(Crc32C.Of(Encoding.UTF8.GetBytes(owner)) % (uint)pages);

    /// <summary>The checksum of a page's blocks, which holds for this page of this hour only.</summary>
    public static uint ChecksumOf(int hour, int page, ReadOnlySpan<byte> blocks)
    {
        Span<byte> place = stackalloc byte[2 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(place, hour);
        BinaryPrimitives.WriteInt32LittleEndian(place[4..], page);
        return Crc32C.Of(blocks, Crc32C.Of(place));
    }
}

/// <summary>The end of an hour's file: where the other parts are, and what must be known of the hour.</summary>
internal readonly record struct UsageSegmentFoot(int Hour, int Pages, uint OwnersAt, uint DirectoryAt, uint OwnersChecksum, UsageSegmentSummary Summary)
{
    private const int SummaryAt = 20;
    private const int ChecksumAt = SummaryAt + UsageSegmentSummary.Bytes;

    /// <summary>Reads a foot; null: it is none.</summary>
    public static UsageSegmentFoot? Read(ReadOnlySpan<byte> foot)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(foot[ChecksumAt..]) != Crc32C.Of(foot[..ChecksumAt])
            || BinaryPrimitives.ReadUInt32LittleEndian(foot[(ChecksumAt + 4)..]) != UsageSegmentFormat.FootMark)
        {
            return null;
        }

        return new(
            BinaryPrimitives.ReadInt32LittleEndian(foot),
            BinaryPrimitives.ReadInt32LittleEndian(foot[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(foot[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(foot[12..]),
            BinaryPrimitives.ReadUInt32LittleEndian(foot[16..]),
            UsageSegmentSummary.Read(foot[SummaryAt..]));
    }

    public void Write(Span<byte> foot)
    {
        BinaryPrimitives.WriteInt32LittleEndian(foot, Hour);
        BinaryPrimitives.WriteInt32LittleEndian(foot[4..], Pages);
        BinaryPrimitives.WriteUInt32LittleEndian(foot[8..], OwnersAt);
        BinaryPrimitives.WriteUInt32LittleEndian(foot[12..], DirectoryAt);
        BinaryPrimitives.WriteUInt32LittleEndian(foot[16..], OwnersChecksum);
        Summary.Write(foot[SummaryAt..]);
        BinaryPrimitives.WriteUInt32LittleEndian(foot[ChecksumAt..], Crc32C.Of(foot[..ChecksumAt]));
        BinaryPrimitives.WriteUInt32LittleEndian(foot[(ChecksumAt + 4)..], UsageSegmentFormat.FootMark);
    }
}
