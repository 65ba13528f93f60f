using System.Buffers.Binary;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>What must be known of an hour without reading its blocks. Times are UTC, in whole seconds where they are of sources.</summary>
/// <param name="UnsealedSince">When the source was last heard that was unheard for longest of those not sealed; null: all are sealed.</param>
/// <param name="FoldableAt">When the last sealed source can be folded; null: none waits.</param>
/// <param name="FirstAdjustment">When the first adjustment came; null: none.</param>
/// <param name="LastAdjustment">When the last one came.</param>
internal readonly record struct UsageSegmentSummary(
    DateTimeOffset? UnsealedSince, DateTimeOffset? FoldableAt, DateTimeOffset? FirstAdjustment, DateTimeOffset? LastAdjustment)
{
    /// <summary>Length of the stored form.</summary>
    public const int Bytes = 4 * sizeof(long);

    public static UsageSegmentSummary Of(UsageShardLedger ledger)
    {
        var arrivals = ledger.Adjustments.Select(static adjustment => (DateTimeOffset?)adjustment.At);
        return new(ledger.UnsealedSince, ledger.FoldableAt, arrivals.Min(), arrivals.Max());
    }

    public static UsageSegmentSummary Read(ReadOnlySpan<byte> bytes) => new(TimeAt(bytes), TimeAt(bytes[8..]), TimeAt(bytes[16..]), TimeAt(bytes[24..]));

    /// <summary>That of both.</summary>
    public UsageSegmentSummary With(UsageSegmentSummary other) => new(
        Earlier(UnsealedSince, other.UnsealedSince),
        Later(FoldableAt, other.FoldableAt),
        Earlier(FirstAdjustment, other.FirstAdjustment),
        Later(LastAdjustment, other.LastAdjustment));

    public void Write(Span<byte> bytes)
    {
        Write(bytes, UnsealedSince);
        Write(bytes[8..], FoldableAt);
        Write(bytes[16..], FirstAdjustment);
        Write(bytes[24..], LastAdjustment);
    }

    /// <summary>Whether a source is to be declared dead.</summary>
    public bool HasDead(DateTimeOffset now, TimeSpan deadAfter) => UnsealedSince <= now - deadAfter;

    /// <summary>Whether there is something to fold, and all of it can be.</summary>
    public bool IsFoldable(DateTimeOffset now) => FoldableAt <= now;

    /// <summary>Whether adjustments may have come in [from, to).</summary>
    public bool IsAdjusted(DateTimeOffset from, DateTimeOffset to) => FirstAdjustment < to && LastAdjustment >= from;

    private static void Write(Span<byte> bytes, DateTimeOffset? time)
        => BinaryPrimitives.WriteInt64LittleEndian(bytes, time?.ToUnixTimeMilliseconds() ?? long.MinValue);

    private static DateTimeOffset? TimeAt(ReadOnlySpan<byte> bytes)
    {
        var milliseconds = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        return milliseconds == long.MinValue ? null : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => b is null || a <= b ? a : b;

    private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => b is null || a >= b ? a : b;
}
