using System.Buffers;

namespace OrleansEdge.Model;

/// <summary>A shard's ledger as bytes: version, domains, folded sums, sources, folded ids, adjustments. Sums over living sources are not
/// stored, so what a single source counted stands there once.</summary>
internal static class UsageShardFormat
{
    private const byte Version = 1;
    private const byte Sealed = 1;

    // The least that a source, and that an adjustment takes.
    private const int MinSourceBytes = UsageSourceId.Bytes + 4;
    private const int MinAdjustmentBytes = 4;

    public static void Write(UsageShardLedger ledger, IBufferWriter<byte> output)
    {
        var writer = new CompactWriter(output);
        var domains = UsageCellFormat.DomainsOf(AllEntries(ledger));
        var cells = new UsageCellFormat(ledger.Shard.Hour, domains);
        writer.Byte(Version);
        UsageCellFormat.WriteDomains(writer, domains);
        cells.Write(writer, ledger.FoldedSums.Entries);
        writer.Number(ledger.SourceStates.Count);
        foreach (var source in ledger.SourceStates)
        {
            WriteSource(writer, cells, ledger.Shard.Hour, source);
        }

        writer.Number(ledger.FoldedIds.Count);
        foreach (var id in ledger.FoldedIds)
        {
            writer.Source(id);
        }

        writer.Number(ledger.Adjustments.Count);
        foreach (var adjustment in ledger.Adjustments)
        {
            writer.Number(adjustment.At.ToUnixTimeMilliseconds());
            cells.Write(writer, [new(adjustment.Key, adjustment.Delta)]);
        }
    }

    /// <exception cref="FormatException">The bytes are something else.</exception>
    public static UsageShardLedger Read(UsageShard shard, ReadOnlySpan<byte> bytes)
    {
        var reader = new CompactReader(bytes);
        var version = reader.Byte();
        if (version != Version)
        {
            throw new FormatException($"Version {version} of the ledger's format is unknown to this program.");
        }

        var cells = new UsageCellFormat(shard.Hour, UsageCellFormat.ReadDomains(ref reader));
        var sums = cells.Read(ref reader);
        var sources = ReadSources(ref reader, cells, shard.Hour);
        var folded = ReadIds(ref reader);
        var adjustments = ReadAdjustments(ref reader, cells);
        var ledger = new UsageShardLedger(shard);
        ledger.Restore(sums, folded, sources, adjustments);
        return reader.Left == 0 ? ledger : throw new FormatException("More bytes follow than belong to the ledger.");
    }

    private static IEnumerable<UsageEntry> AllEntries(UsageShardLedger ledger)
        => ledger.FoldedSums.ToArray()
            .Concat(ledger.SourceStates.SelectMany(static source => source.Cells.ToArray()))
            .Concat(ledger.Adjustments.Select(static adjustment => new UsageEntry(adjustment.Key, adjustment.Delta)));

    private static void WriteSource(CompactWriter writer, UsageCellFormat cells, UsageHour hour, UsageSourceState source)
    {
        writer.Source(source.Id);
        writer.Byte(source.IsSealed ? Sealed : (byte)0);
        writer.Number(source.Number);
        writer.EitherSign(source.Heard.ToUnixTimeSeconds() - hour.Start.ToUnixTimeSeconds());
        cells.Write(writer, source.Cells.Entries);
    }

    private static UsageSourceState[] ReadSources(ref CompactReader reader, UsageCellFormat cells, UsageHour hour)
    {
        var sources = new UsageSourceState[reader.Count(MinSourceBytes)];
        for (var index = 0; index < sources.Length; index++)
        {
            var id = reader.Source();
            var flags = reader.Byte();
            var number = reader.Number();
            var heard = TimeAt((hour.Start.ToUnixTimeSeconds() + reader.EitherSign()) * 1000);
            sources[index] = new(id) { IsSealed = (flags & Sealed) != 0, Number = number, Heard = heard, Cells = cells.Read(ref reader) };
        }

        return sources;
    }

    private static UsageSourceId[] ReadIds(ref CompactReader reader)
    {
        var ids = new UsageSourceId[reader.Count(UsageSourceId.Bytes)];
        for (var index = 0; index < ids.Length; index++)
        {
            ids[index] = reader.Source();
        }

        return ids;
    }

    private static List<UsageAdjustment> ReadAdjustments(ref CompactReader reader, UsageCellFormat cells)
    {
        var adjustments = new List<UsageAdjustment>();
        for (var left = reader.Count(MinAdjustmentBytes); left > 0; left--)
        {
            var at = TimeAt(reader.Number());
            foreach (var (key, delta) in cells.Read(ref reader).Entries)
            {
                adjustments.Add(new(at, key, delta));
            }
        }

        return adjustments;
    }

    private static DateTimeOffset TimeAt(long milliseconds)
        => milliseconds is >= -62_135_596_800_000 and <= 253_402_300_799_999
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw new FormatException("A time is out of range.");
}
