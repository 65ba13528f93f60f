using System.Buffers;

namespace OrleansEdge.Model;

/// <summary>Answers to reports of one shard as bytes, for who sends them.</summary>
public static class UsageReplyFormat
{
    private const byte Version = 1;

    /// <summary>Writes replies.</summary>
    /// <param name="output">Takes the bytes.</param>
    /// <param name="hour">The hour of the shard.</param>
    /// <param name="replies">The replies, their entries in the order of their keys.</param>
    public static void Write(IBufferWriter<byte> output, UsageHour hour, IReadOnlyList<UsageReply> replies)
    {
        ArgumentNullException.ThrowIfNull(replies);
        var writer = new CompactWriter(output);
        writer.Byte(Version);
        writer.Number(replies.Count);
        foreach (var reply in replies)
        {
            writer.Byte((byte)reply.Kind);
            if (reply.Kind == UsageReplyKind.Sealed)
            {
                UsageEntry[] entries = [.. reply.Folded];
                var domains = UsageCellFormat.DomainsOf(entries);
                UsageCellFormat.WriteDomains(writer, domains);
                new UsageCellFormat(hour, domains).Write(writer, entries);
            }
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote for the same hour.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static IReadOnlyList<UsageReply> Read(UsageHour hour, ReadOnlySpan<byte> bytes)
    {
        var reader = new CompactReader(bytes);
        var version = reader.Byte();
        if (version != Version)
        {
            throw new FormatException($"Version {version} of the replies' format is unknown to this program.");
        }

        var replies = new UsageReply[reader.Count(1)];
        for (var index = 0; index < replies.Length; index++)
        {
            replies[index] = Read(ref reader, hour);
        }

        return reader.Left == 0 ? replies : throw new FormatException("More bytes follow than belong to the replies.");
    }

    private static UsageReply Read(ref CompactReader reader, UsageHour hour) => (UsageReplyKind)reader.Byte() switch
    {
        UsageReplyKind.Stored => UsageReply.Stored,
        UsageReplyKind.Resend => UsageReply.Resend,
        UsageReplyKind.Forgotten => UsageReply.Forgotten,
        UsageReplyKind.Unavailable => UsageReply.Unavailable,
        UsageReplyKind.Sealed => new(UsageReplyKind.Sealed, new UsageCellFormat(hour, UsageCellFormat.ReadDomains(ref reader)).Read(ref reader).ToArray()),
        var kind => throw new FormatException($"A reply is of the unknown kind {(int)kind}."),
    };
}
