using System.Diagnostics;
using OrleansEdge.Benchmarks;
using OrleansEdge.Model;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.Tests.Usage;

/// <summary>The benchmark of the ledger, with fewer domains in its hours but as many hours, and with the journal of ten thousand.</summary>
public sealed class LedgerSizeTests : IDisposable
{
    private static readonly TimeSpan LongestOpening = TimeSpan.FromSeconds(1);

    private readonly string _data = Directory.CreateTempSubdirectory("orleans-edge-size-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task MonthOfUsage_IsSmallAndOpensWithinASecondAfterAKill()
    {
        var folder = Path.Combine(_data, "usage");
        var month = new SyntheticMonth(domains: 200, days: 30);
        month.WriteTo(folder);
        var bytes = Directory.EnumerateFiles(folder, "*.seg", SearchOption.AllDirectories).Sum(static path => new FileInfo(path).Length);
        Assert.InRange((double)bytes / month.Cells, 1, 30);

        var journal = await LedgerBenchmark.FillJournalAsync(folder, new(domains: 10_000, days: 30), new FileUsageLedgerOptions().JournalBytes);

        // The best of three: the machine has other tests to run.
        var shortest = Enumerable.Range(0, 3).Min(_ => Opening(folder));
        Assert.True(shortest < LongestOpening, $"opening took {shortest.TotalMilliseconds:F0} ms with a journal of {journal} bytes");
    }

    [Fact]
    public void MonthOfUsage_IsReadAsItWasMade()
    {
        var folder = Path.Combine(_data, "usage");
        var month = new SyntheticMonth(domains: 20, days: 3);
        month.WriteTo(folder);
        using var ledger = LedgerBenchmark.Open(folder);
        var (from, to) = (UsageHour.At(month.Month.Start), UsageHour.At(month.Month.End));

        var owners = ledger.ListOwners(from, to);

        Assert.Equal(Enumerable.Range(0, month.Tenants).Select(SyntheticMonth.TenantAt), owners);
        Assert.Equal(month.Cells, owners.Sum(owner => ledger.Read(owner, from, to).Sum(hour => hour.Entries.Count)));
        foreach (var hour in ledger.Read(owners[1], from, to))
        {
            Assert.Equal(month.ReportOf(1, hour.Hour, default)!.Entries.OrderBy(entry => entry.Key), hour.Entries);
        }
    }

    private static TimeSpan Opening(string folder)
    {
        // Closing would move the journal: a copy is opened each time.
        var copy = $"{folder}-copy";
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(folder, path));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(path, to);
        }

        var watch = Stopwatch.StartNew();
        var ledger = LedgerBenchmark.Open(copy);
        var opening = watch.Elapsed;
        ledger.Dispose();
        Directory.Delete(copy, recursive: true);
        return opening;
    }
}
