using System.Buffers;
using static OrleansEdge.Model.Tests.Usage.Given;

namespace OrleansEdge.Model.Tests.Usage;

/// <summary>The bytes of ledgers and reports.</summary>
public class UsageFormatTests
{
    // What version 1 wrote of Sample(). It must stay readable for good.
    private const string StoredLedger =
        "01020F62C3BC636865722E6578616D706C6510636861742E6578616D706C652E636F6D02023F87AD4B95D8970BB960A0B701BFC29F0E112B41040702"
        + "0000000000000000000000000000000B00AC0298EC210109FF0287AD4B95D8970BB960A0B701BFC29F0E1183DA96010342021AC96DAD813BF09E061C"
        + "43E97A890102B8A42202020003418080808080808001FFFFFFFFFFFFFF01010000000000000000000000000000000A02E0DCEAF2A3340109FF0287AD"
        + "4B95D8970BB960A0B701BFC29F0E1183DA960103E0B9C6F4A3340106418080808080808001FFFFFFFFFFFFFF01";

    private const string StoredReportsOfVersion1 =
        "0103000000000000000000000000000000000BDBB91E0461636D65AC0202020F62C3BC636865722E6578616D706C6510636861742E6578616D706C65"
        + "2E636F6D0209FF0287AD4B95D8970BB960A0B701BFC29F0E1183DA9601030841070D070E676174657761792F656467652D3101010000000000000000"
        + "000000000000000000000A05056F7468657202010000";

    // What version 2 writes of SampleReports().
    private const string StoredReports =
        "0205000000000000000000000000000000000BDBB91E0461636D65AC0202020F62C3BC636865722E6578616D706C6510636861742E6578616D706C65"
        + "2E636F6D0209FF0287AD4B95D8970BB960A0B701BFC29F0E1183DA9601030841070D070E676174657761792F656467652D3101010000000000000000"
        + "000000000000000000000A05056F74686572020100000C0000000000000000000000000000000A88D8DEBC03056F746865720302000002DBB91E0461"
        + "636D6501010110636861742E6578616D706C652E636F6D010041070D";

    [Fact]
    public void RandomLedgers_AreReadBackAsTheyWere()
    {
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var ledger = RandomLedger(random);
            var bytes = Bytes(ledger);

            var read = UsageShardLedger.Read(Shard, bytes);

            Assert.Equal(bytes, Bytes(read));
            Assert.Equal(ledger.Totals(), read.Totals());
            Assert.Equal(ledger.Adjustments, read.Adjustments);
            Assert.Equal(ledger.Sources().Select(Flat), read.Sources().Select(Flat));
            Assert.Equal((ledger.UnsealedSince, ledger.FoldableAt), (read.UnsealedSince, read.FoldableAt));
        }
    }

    [Fact]
    public void LedgerCutAnywhere_IsRefused()
    {
        var bytes = Bytes(Sample());

        Assert.All(Enumerable.Range(0, bytes.Length), length => Assert.Throws<FormatException>(() => UsageShardLedger.Read(Shard, bytes.AsSpan(0, length))));
        Assert.Throws<FormatException>(() => UsageShardLedger.Read(Shard, [.. bytes, 0]));
        Assert.Throws<FormatException>(() => UsageShardLedger.Read(Shard, [2, .. bytes[1..]]));
    }

    [Fact]
    public void BytesChangedAnywhere_AreRefusedOrReadWithoutAnyOtherFailure()
    {
        var random = new Random(8);
        for (var round = 0; round < 20_000; round++)
        {
            var ledger = Bytes(RandomLedger(random));
            var reports = BytesOf([SampleReport(), SampleReport() with { Number = 309 }, ReportAfter(A, [Up(1)], 1, 0, Up(7))]);
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                ledger[random.Next(ledger.Length)] = (byte)random.Next(256);
                reports[random.Next(reports.Length)] = (byte)random.Next(256);
            }

            Try(() => UsageShardLedger.Read(Shard, ledger).Totals());
            Try(() => UsageReportFormat.Read(reports));
        }
    }

    [Fact]
    public void StoredSampleOfALedger_IsReadAndWrittenTheSame()
    {
        var sample = UsageShardLedger.Read(Shard, Convert.FromHexString(StoredLedger));

        Assert.Equal(Sample().Totals(), sample.Totals());
        Assert.Equal(Sample().Adjustments, sample.Adjustments);
        Assert.Equal(Sample().Sources().Select(Flat), sample.Sources().Select(Flat));
        Assert.Equal(StoredLedger, Convert.ToHexString(Bytes(Sample())));
    }

    [Fact]
    public void StoredSampleOfReports_IsReadAndWrittenTheSame()
    {
        var reports = UsageReportFormat.Read(Convert.FromHexString(StoredReports));

        Assert.Equal(SampleReports().Select(Flat), reports.Select(Flat));
        Assert.Equal(StoredReports, Convert.ToHexString(BytesOf(SampleReports())));
    }

    [Fact]
    public void StoredSampleOfReportsOfVersion1_IsRead()
        => Assert.Equal(SampleReports()[..3].Select(Flat), UsageReportFormat.Read(Convert.FromHexString(StoredReportsOfVersion1)).Select(Flat));

    [Fact]
    public void EntriesOutOfOrder_AreReadInOrder()
    {
        var report = Report(A, 1, 0, Up(1, bucket: 5), Up(2, bucket: 3), new UsageEntry(Key(3, "a.example"), new() { BytesUp = 3 }));

        var read = Assert.Single(UsageReportFormat.Read(BytesOf([report])));

        Assert.Equal(report.Entries.OrderBy(entry => entry.Key), read.Entries);
    }

    [Fact]
    public void OneSource_TakesLittleMoreThanItsCounts()
    {
        var ledger = new UsageShardLedger(Shard);
        var entries = Enumerable.Range(0, 12).Select(bucket => new UsageEntry(Key(bucket), Typical)).ToArray();
        ledger.Apply(Report(A, 1800, 0, entries) with { Final = true }, Hour.End);

        // 17 bytes of domain, 22 of the source, 6 of headings.
        Assert.InRange(Bytes(ledger).Length, 12 * 10, (12 * 20) + 45);
    }

    private static UsageCounts Typical => new()
    {
        BytesUp = 1_234_567,
        BytesDown = 23_456_789,
        MessagesUp = 12_345,
        MessagesDown = 23_456,
        Sessions = 17,
        SessionMilliseconds = 29_876_543,
        OriginBytesUp = 1_234_567,
        OriginBytesDown = 23_456_789,
    };

    private static UsageShardLedger Sample()
    {
        var ledger = new UsageShardLedger(Shard);
        ledger.Apply(Report(A, 1, 0, new UsageEntry(Key(), Typical), Up(4, bucket: 11)) with { Final = true }, InTime);
        ledger.Fold(Late);
        ledger.Apply(Report(B, 300, 0, new UsageEntry(Key(2, "b\u00fccher.example", UsageKind.Http), Typical with { OriginBytesUp = 5, EdgeBytesUp = 3 })), Late);
        ledger.Apply(ReportAfter(A, [], 2, 0, Up(0), Up(1L << 49, bucket: 1)) with { Final = true }, Late.AddHours(1));
        return ledger;
    }

    private static UsageReport SampleReport()
        => Report(B, 300, 298, new UsageEntry(Key(2, "b\u00fccher.example", UsageKind.Http), Typical with { OriginBytesUp = 5, EdgeBytesUp = 3 }), Up(7, bucket: 4));

    private static UsageReport[] SampleReports()
    {
        var gateway = new UsageShard(UsageShard.OwnerOfGateway("edge-1"), Shard.Hour);
        return
        [
            SampleReport(),
            Report(B, 1, 0) with { Shard = gateway, Final = true },
            Report(A, 2, 1) with { Shard = new("other", new(5)) },
            ReportAfter(A, [Up(1)], 3, 1) with { Shard = new("other", new(5)) },
            ReportAfter(A, [Up(1)], 1, 0, Up(7)),
        ];
    }

    private static UsageShardLedger RandomLedger(Random random)
    {
        var ledger = new UsageShardLedger(Shard);
        for (var number = 1; number <= random.Next(1, 8); number++)
        {
            var entries = Enumerable.Range(0, random.Next(5))
                .Select(_ => new UsageEntry(Key(random.Next(12), $"{(char)('a' + random.Next(3))}.example", (UsageKind)random.Next(2)), Given.Random(random)))
                .DistinctBy(entry => entry.Key);
            var now = random.Next(2) == 0 ? InTime : Late.AddMinutes(random.Next(10_000));
            ledger.Apply(Report(new((UInt128)random.Next(1, 5)), number, 0, [.. entries]) with { Final = random.Next(3) == 0 }, now);
            if (random.Next(4) == 0)
            {
                ledger.Fold(now);
            }
        }

        return ledger;
    }

    private static byte[] BytesOf(IReadOnlyList<UsageReport> reports)
    {
        var output = new ArrayBufferWriter<byte>();
        UsageReportFormat.Write(output, reports);
        return output.WrittenSpan.ToArray();
    }

    private static string Flat(UsageSourceTotals source)
        => $"{source.Source} {source.Number} {source.Heard:O} {source.IsSealed} {string.Join(' ', source.Entries)}";

    private static string Flat(UsageReport report)
        => $"{report.Source} {report.Predecessor} {report.Shard} {report.Number} {report.Acknowledged} {report.Final} {string.Join(' ', report.Entries)}";

    private static void Try(Action read)
    {
        try
        {
            read();
        }
        catch (FormatException)
        {
            // Refused.
        }
    }
}
