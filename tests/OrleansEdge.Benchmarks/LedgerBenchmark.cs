using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Model;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Benchmarks;

/// <summary>A month of usage in the ledger's files: size on disk, time to open, time to read.</summary>
public static class LedgerBenchmark
{
    private const int Tenants = 20;

    /// <summary>Makes the month in a temporary folder, measures, prints, and removes it.</summary>
    public static async Task RunAsync(int domains, int days)
    {
        var data = Directory.CreateTempSubdirectory("orleans-edge-benchmark-").FullName;
        try
        {
            await RunAsync(Path.Combine(data, "usage"), new(domains, days));
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>Fills the journal of a ledger as a busy minute does, and leaves it as a kill would: open.</summary>
    /// <returns>Length of the journal in bytes.</returns>
    public static async Task<long> FillJournalAsync(string folder, SyntheticMonth month, long bytes)
    {
        var aside = $"{folder}-filled";
        Directory.CreateDirectory(aside);
        using (var ledger = Open(aside, journalBytes: long.MaxValue))
        {
            var source = UsageSourceId.New();
            var hour = new UsageHour(UsageHour.At(month.Month.Start).Number + 12);
            for (var number = 1; JournalOf(aside).Length < bytes; number++)
            {
                var reports = Enumerable.Range(0, month.Tenants).Select(tenant => month.ReportOf(tenant, hour, source, number, number)).OfType<UsageReport>().ToList();
                await ledger.ReportAsync(reports, CancellationToken.None);
            }

            JournalOf(aside).CopyTo(JournalOf(folder).FullName, overwrite: true);
        }

        Directory.Delete(aside, recursive: true);
        return JournalOf(folder).Length;
    }

    /// <summary>Opens a ledger.</summary>
    public static FileUsageLedger Open(string folder, long? journalBytes = null)
        => new(folder, TimeProvider.System, NullLogger<FileUsageLedger>.Instance, journalBytes is { } bytes ? new() { JournalBytes = bytes } : null);

    private static async Task RunAsync(string folder, SyntheticMonth month)
    {
        Print("made in", Time(() => month.WriteTo(folder)));
        var bytes = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(static path => new FileInfo(path).Length);
        Console.WriteLine($"{"cells",-40}{month.Cells,15:N0}");
        Console.WriteLine($"{"bytes on disk",-40}{bytes,15:N0}");
        Console.WriteLine($"{"bytes per cell",-40}{(double)bytes / month.Cells,15:F1}");

        FileUsageLedger? ledger = null;
        Print("open, journal empty", Time(() => ledger = Open(folder)));
        Read(ledger!, month);
        ledger!.Dispose();

        var journal = await FillJournalAsync(folder, month, new FileUsageLedgerOptions().JournalBytes);
        Print($"open after a kill, journal of {journal >> 20} MiB", Time(() => ledger = Open(folder)));
        Print("close, journal moved", Time(ledger.Dispose));
    }

    // What reads a month of one tenant is measured here.
    private static void Read(FileUsageLedger ledger, SyntheticMonth month)
    {
        var (from, to) = (UsageHour.At(month.Month.Start), UsageHour.At(month.Month.End));
        Print("read a month of one tenant, first time", Time(() => _ = ledger.Read(SyntheticMonth.TenantAt(0), from, to).Count()));
        var step = Math.Max(1, month.Tenants / Tenants);
        Print($"read a month of one tenant, mean of {Tenants}", Time(() => ReadSome(ledger, step, from, to)) / Tenants);
        Print($"statement of one tenant, mean of {Tenants}", Time(() => StateSome(ledger, month.Month, step)) / Tenants);
        Print("list the owners of a month", Time(() => _ = ledger.ListOwners(from, to)));
        Print("list adjustments of one tenant, first time", Time(() => _ = ledger.ListAdjustments(SyntheticMonth.TenantAt(1), default, DateTimeOffset.MaxValue)));
        Print("list adjustments of one tenant", Time(() => _ = ledger.ListAdjustments(SyntheticMonth.TenantAt(1), default, DateTimeOffset.MaxValue)));
    }

    private static void ReadSome(FileUsageLedger ledger, int step, UsageHour from, UsageHour to)
    {
        for (var number = 0; number < Tenants; number++)
        {
            _ = ledger.Read(SyntheticMonth.TenantAt(number * step), from, to).Count();
        }
    }

    private static void StateSome(FileUsageLedger ledger, UsageMonth month, int step)
    {
        for (var number = 0; number < Tenants; number++)
        {
            var tenant = SyntheticMonth.TenantAt(number * step);
            var plan = new PrepaidPlan("plan-1", new(UsageKind.Websocket, 1_000_000_000_000, month.Start, month.End), month.Start);
            var terms = new BillingTerms([new(month.Start, new() { PricePerGB = new() { Websocket = 0.12m, Http = 0.05m } })]);
            var builder = new StatementBuilder(tenant, month, new([plan]), terms, PlanUse.Nothing);
            builder.AddAdjustments(ledger.ListAdjustments(tenant, StatementPeriod.AdjustmentsFrom(month), StatementPeriod.AdjustmentsTo(month)));
            foreach (var hour in ledger.Read(tenant, UsageHour.At(month.Start), UsageHour.At(month.End)))
            {
                builder.Add(hour);
            }

            _ = StatementText.Json(builder.Build(isClosed: true));
        }
    }

    private static TimeSpan Time(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed;
    }

    private static void Print(string what, TimeSpan time) => Console.WriteLine($"{what,-40}{time.TotalMilliseconds,12:N1} ms");

    private static FileInfo JournalOf(string folder) => new(Directory.GetFiles(folder, "journal-*.log").Single());
}
