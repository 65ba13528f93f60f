using System.Buffers;
using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>Reports for one shard. As bytes they are a quarter of what they would be field by field.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.UsageReportsWire")]
public sealed record UsageReportsWire
{
    /// <summary>As <see cref="UsageReportFormat"/> has them, which carries its own version.</summary>
    [Id(0)]
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>Of well-formed reports.</summary>
    public static UsageReportsWire Of(IReadOnlyList<UsageReport> reports)
    {
        var output = new ArrayBufferWriter<byte>();
        UsageReportFormat.Write(output, reports);
        return new() { Bytes = output.WrittenMemory };
    }

    /// <summary>The reports, without the gateway's label.</summary>
    /// <exception cref="FormatException">The bytes are something else.</exception>
    public IReadOnlyList<UsageReport> ToReports() => UsageReportFormat.Read(Bytes.Span);
}

/// <summary>Answers to reports for one shard.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.UsageRepliesWire")]
public sealed record UsageRepliesWire
{
    /// <summary>As <see cref="UsageReplyFormat"/> has them, which carries its own version.</summary>
    [Id(0)]
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>Of replies for a shard's hour.</summary>
    public static UsageRepliesWire Of(UsageHour hour, IReadOnlyList<UsageReply> replies)
    {
        var output = new ArrayBufferWriter<byte>();
        UsageReplyFormat.Write(output, hour, replies);
        return new() { Bytes = output.WrittenMemory };
    }

    /// <summary>The replies.</summary>
    /// <exception cref="FormatException">The bytes are something else.</exception>
    public IReadOnlyList<UsageReply> ToReplies(UsageHour hour) => UsageReplyFormat.Read(hour, Bytes.Span);
}
