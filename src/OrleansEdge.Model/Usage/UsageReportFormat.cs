namespace OrleansEdge.Model;

/// <summary>Reports as bytes, for who keeps or sends them. The gateway's label is left out.</summary>
public static class UsageReportFormat
{
    private const byte Version = 2;

    // Knew no successors.
    private const byte FirstVersion = 1;

    private const byte Final = 1;
    private const byte SameSource = 2;
    private const byte SameHour = 4;
    private const byte Successor = 8;

    // Flags, owner, number, acknowledged, domains, entries.
    private const int MinReportBytes = 6;

    /// <summary>Writes reports, which are well formed (<see cref="UsageReportRules.Check"/>).</summary>
    public static void Write(System.Buffers.IBufferWriter<byte> output, IReadOnlyList<UsageReport> reports)
    {
        var writer = new CompactWriter(output);
        writer.Byte(Version);
        writer.Number(reports.Count);
        UsageReport? last = null;
        foreach (var report in reports)
        {
            Write(writer, report, last);
            last = report;
        }
    }

    /// <summary>Reads what <see cref="Write(System.Buffers.IBufferWriter{byte}, IReadOnlyList{UsageReport})"/> wrote; the entries are in the
    /// order of their keys.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static IReadOnlyList<UsageReport> Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new CompactReader(bytes);
        var version = reader.Byte();
        if (version is < FirstVersion or > Version)
        {
            throw new FormatException($"Version {version} of the reports' format is unknown to this program.");
        }

        var reports = new UsageReport[reader.Count(MinReportBytes)];
        UsageReport? last = null;
        for (var index = 0; index < reports.Length; index++)
        {
            last = reports[index] = Read(ref reader, last);
        }

        return reader.Left == 0 ? reports : throw new FormatException("More bytes follow than belong to the reports.");
    }

    private static void Write(CompactWriter writer, UsageReport report, UsageReport? last)
    {
        var isSameSource = last?.Source == report.Source && last.Predecessor == report.Predecessor;
        var isSameHour = last?.Shard.Hour == report.Shard.Hour;
        var isSuccessor = !isSameSource && report.Predecessor is not null;
        writer.Byte((byte)((report.Final ? Final : 0) | (isSameSource ? SameSource : 0) | (isSameHour ? SameHour : 0) | (isSuccessor ? Successor : 0)));
        if (!isSameSource)
        {
            // A successor follows from the one before it.
            writer.Source(report.Predecessor?.Source ?? report.Source);
        }

        if (isSuccessor)
        {
            writer.Number(report.Predecessor!.Value.Checksum);
        }

        if (!isSameHour)
        {
            writer.Number(report.Shard.Hour.Number);
        }

        writer.Text(report.Shard.Owner);
        writer.Number(report.Number);
        writer.Number(report.Number - report.Acknowledged);
        UsageEntry[] entries = [.. report.Entries];
        Array.Sort(entries, static (a, b) => a.Key.CompareTo(b.Key));
        var domains = UsageCellFormat.DomainsOf(entries);
        UsageCellFormat.WriteDomains(writer, domains);
        new UsageCellFormat(report.Shard.Hour, domains).Write(writer, entries);
    }

    private static UsageReport Read(ref CompactReader reader, UsageReport? last)
    {
        var flags = reader.Byte();
        var (source, predecessor) = (flags & SameSource) == 0 ? ReadSource(ref reader, flags) : (Of(last).Source, Of(last).Predecessor);
        var hour = (flags & SameHour) == 0 ? HourAt(reader.Number()) : Of(last).Shard.Hour;
        var owner = reader.Text();
        var number = reader.Number();
        var acknowledged = number - reader.Number();
        var domains = UsageCellFormat.ReadDomains(ref reader);
        return new()
        {
            Source = source,
            Predecessor = predecessor,
            Gateway = "",
            Shard = new(owner, hour),
            Number = number,
            Acknowledged = acknowledged,
            Final = (flags & Final) != 0,
            Entries = new UsageCellFormat(hour, domains).Read(ref reader).ToArray(),
        };
    }

    private static (UsageSourceId Source, UsagePredecessor? Predecessor) ReadSource(ref CompactReader reader, byte flags)
    {
        var id = reader.Source();
        if ((flags & Successor) == 0)
        {
            return (id, null);
        }

        var checksum = reader.Number();
        return checksum <= uint.MaxValue
            ? (id.Successor(), new(id, (uint)checksum))
            : throw new FormatException("A checksum is out of range.");
    }

    private static UsageReport Of(UsageReport? last) => last ?? throw new FormatException("The first report refers to one before it.");

    private static UsageHour HourAt(long number)
        => number <= UsageHour.At(DateTimeOffset.MaxValue).Number ? new((int)number) : throw new FormatException("An hour is out of range.");
}
