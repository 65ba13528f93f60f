using System.Buffers;

namespace OrleansEdge.Model;

/// <summary>Entries as bytes. A key is the distance to the one before, counts that are zero take no byte, and the origin's bytes are
/// written as what they differ by from the client's, which is mostly nothing: some 15 to 20 bytes in all.</summary>
internal readonly struct UsageCellFormat
{
    private const int Kinds = 2;

    private readonly UsageHour _hour;
    private readonly string[] _domains;

    /// <param name="hour">The hour of all keys.</param>
    /// <param name="domains">All domains, ordinal, each once.</param>
    public UsageCellFormat(UsageHour hour, string[] domains) => (_hour, _domains) = (hour, domains);

    /// <summary>The domains of entries, as the constructor wants them.</summary>
    public static string[] DomainsOf(IEnumerable<UsageEntry> entries)
    {
        var domains = new SortedSet<string>(StringComparer.Ordinal);
        string? last = null;
        foreach (var entry in entries)
        {
            if (!ReferenceEquals(entry.Key.Domain, last))
            {
                last = entry.Key.Domain;
                domains.Add(last);
            }
        }

        return [.. domains];
    }

    public static void WriteDomains(CompactWriter writer, string[] domains)
    {
        writer.Number(domains.Length);
        foreach (var domain in domains)
        {
            writer.Text(domain);
        }
    }

    public static string[] ReadDomains(ref CompactReader reader)
    {
        var domains = new string[reader.Count(1)];
        for (var index = 0; index < domains.Length; index++)
        {
            domains[index] = reader.Text();
        }

        return domains;
    }

    /// <summary>Writes entries that are in the order of their keys.</summary>
    public void Write(CompactWriter writer, ReadOnlySpan<UsageEntry> entries)
    {
        writer.Number(entries.Length);
        var last = -1L;
        foreach (var (key, counts) in entries)
        {
            var place = PlaceOf(key);
            writer.Number(place - last - 1);
            WriteCounts(writer, counts);
            last = place;
        }
    }

    /// <summary>Checksum of entries that are in the order of their keys. Whoever reports and whoever stores must come to the same one, so
    /// it is part of the format.</summary>
    public static uint ChecksumOf(ReadOnlySpan<UsageEntry> entries)
    {
        if (entries.IsEmpty)
        {
            return 0;
        }

        var output = new ArrayBufferWriter<byte>();
        var writer = new CompactWriter(output);
        var domains = DomainsOf(entries.ToArray());
        WriteDomains(writer, domains);
        new UsageCellFormat(entries[0].Key.Bucket.Hour, domains).Write(writer, entries);
        return Crc32C.Of(output.WrittenSpan);
    }

    public UsageCells Read(ref CompactReader reader)
    {
        var count = reader.Count(2);
        var cells = new UsageCells(count);
        var last = -1L;
        for (; count > 0; count--)
        {
            last += reader.Number() + 1;
            cells.Append(new(KeyAt(last), ReadCounts(ref reader)));
        }

        return cells;
    }

    private long PlaceOf(in UsageKey key)
    {
        var bucket = key.Bucket.Number - _hour.FirstBucket.Number;
        return ((((long)bucket * _domains.Length) + Array.BinarySearch(_domains, key.Domain, StringComparer.Ordinal)) * Kinds) + (int)key.Kind;
    }

    private UsageKey KeyAt(long place)
    {
        if (place < 0 || place >= (long)UsageHour.Buckets * _domains.Length * Kinds)
        {
            throw new FormatException("A key lies outside its hour.");
        }

        var (number, kind) = Math.DivRem(place, Kinds);
        var (bucket, domain) = Math.DivRem(number, _domains.Length);
        return new(_domains[domain], (UsageKind)kind, new(_hour.FirstBucket.Number + (int)bucket));
    }

    // The origin's bytes, of which either side may be ahead.
    private static bool IsDifference(int index) => index is 6 or 7;

    // Which words follow comes first; the seldom ones have the high bits, so that it is mostly one byte.
    private static void WriteCounts(CompactWriter writer, in UsageCounts counts)
    {
        Span<long> words =
        [
            counts.BytesUp, counts.BytesDown, counts.MessagesUp, counts.MessagesDown, counts.SessionMilliseconds, counts.Sessions,
            counts.OriginBytesUp - counts.BytesUp, counts.OriginBytesDown - counts.BytesDown, counts.EdgeBytesUp, counts.EdgeBytesDown,
        ];
        var present = 0L;
        for (var index = 0; index < words.Length; index++)
        {
            present |= words[index] == 0 ? 0 : 1L << index;
        }

        writer.Number(present);
        for (var index = 0; index < words.Length; index++)
        {
            if (words[index] != 0 && IsDifference(index))
            {
                writer.EitherSign(words[index]);
            }
            else if (words[index] != 0)
            {
                writer.Number(words[index]);
            }
        }
    }

    private static UsageCounts ReadCounts(ref CompactReader reader)
    {
        Span<long> words = stackalloc long[UsageCounts.Words];
        var present = reader.Number();
        for (var index = 0; index < words.Length; index++)
        {
            words[index] = (present & (1L << index)) == 0 ? 0 : IsDifference(index) ? reader.EitherSign() : reader.Number();
        }

        return new()
        {
            BytesUp = words[0],
            BytesDown = words[1],
            MessagesUp = words[2],
            MessagesDown = words[3],
            SessionMilliseconds = words[4],
            Sessions = words[5],
            OriginBytesUp = words[6] + words[0],
            OriginBytesDown = words[7] + words[1],
            EdgeBytesUp = words[8],
            EdgeBytesDown = words[9],
        };
    }
}
