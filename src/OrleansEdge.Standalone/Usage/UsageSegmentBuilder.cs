using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>Puts the file of an hour together. Not thread safe.</summary>
internal sealed class UsageSegmentBuilder(UsageHour hour)
{
    private readonly SortedDictionary<string, ReadOnlyMemory<byte>> _blocks = new(StringComparer.Ordinal);
    private readonly List<string> _owners = [];
    private readonly ArrayBufferWriter<byte> _scratch = new();

    /// <summary>What the file will say of the hour.</summary>
    public UsageSegmentSummary Summary { get; private set; }

    /// <summary>Adds an owner's ledger.</summary>
    public void Add(UsageShardLedger ledger)
    {
        _scratch.ResetWrittenCount();
        ledger.Write(_scratch);
        Add(ledger, _scratch.WrittenSpan.ToArray());
    }

    /// <summary>Adds an owner's ledger as it was stored.</summary>
    public void Add(UsageShardLedger ledger, ReadOnlyMemory<byte> block)
    {
        _blocks.Add(ledger.Shard.Owner, block);
        Summary = Summary.With(UsageSegmentSummary.Of(ledger));
        if (ledger.HasUsage)
        {
            _owners.Add(ledger.Shard.Owner);
        }
    }

    /// <summary>The file.</summary>
    public ReadOnlySpan<byte> Build()
    {
        var output = new ArrayBufferWriter<byte>();
        WriteHead(output);
        var places = WritePages(output);
        var ownersAt = output.WrittenCount;
        WriteOwners(output);
        var directoryAt = output.WrittenCount;
        WriteDirectory(output, places);
        var written = output.WrittenSpan;
        var foot = new UsageSegmentFoot(
            hour.Number,
            places.Count - 1,
            (uint)ownersAt,
            (uint)directoryAt,
            Crc32C.Of(written[ownersAt..directoryAt]),
            Summary);
        foot.Write(output.GetSpan(UsageSegmentFormat.FootBytes));
        output.Advance(UsageSegmentFormat.FootBytes);
        return output.WrittenSpan;
    }

    private void WriteHead(ArrayBufferWriter<byte> output)
    {
        var head = output.GetSpan(UsageSegmentFormat.HeadBytes)[..UsageSegmentFormat.HeadBytes];
        head.Clear();
        UsageSegmentFormat.Header.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], hour.Number);
        output.Advance(head.Length);
    }

    /// <returns>Where each page begins, and where the last one ends.</returns>
    private List<uint> WritePages(ArrayBufferWriter<byte> output)
    {
        var count = Math.Max(1, (_blocks.Count + UsageSegmentFormat.OwnersInPage - 1) / UsageSegmentFormat.OwnersInPage);
        var pages = _blocks.ToLookup(block => UsageSegmentFormat.PageOf(block.Key, count));
        var places = new List<uint>(count + 1);
        for (var page = 0; page < count; page++)
        {
            places.Add((uint)output.WrittenCount);
            WritePage(output, page, pages[page]);
        }

        places.Add((uint)output.WrittenCount);
        return places;
    }

    private void WritePage(ArrayBufferWriter<byte> output, int page, IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> blocks)
    {
        _scratch.ResetWrittenCount();
        var writer = new CompactWriter(_scratch);
        foreach (var (owner, block) in blocks)
        {
            writer.Text(owner);
            writer.Number(block.Length);
            _scratch.Write(block.Span);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(
            output.GetSpan(UsageSegmentFormat.ChecksumBytes), UsageSegmentFormat.ChecksumOf(hour.Number, page, _scratch.WrittenSpan));
        output.Advance(UsageSegmentFormat.ChecksumBytes);
        output.Write(_scratch.WrittenSpan);
    }

    // Names in order have much in common: only what differs from the one before is written.
    private void WriteOwners(ArrayBufferWriter<byte> output)
    {
        var writer = new CompactWriter(output);
        writer.Number(_owners.Count);
        byte[] last = [];
        foreach (var owner in _owners.Order(StringComparer.Ordinal))
        {
            var name = Encoding.UTF8.GetBytes(owner);
            var common = name.AsSpan().CommonPrefixLength(last);
            writer.Number(common);
            writer.Number(name.Length - common);
            output.Write(name.AsSpan(common));
            last = name;
        }
    }

    private static void WriteDirectory(ArrayBufferWriter<byte> output, List<uint> places)
    {
        foreach (var place in places)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(UsageSegmentFormat.PlaceBytes), place);
            output.Advance(UsageSegmentFormat.PlaceBytes);
        }
    }
}
