using OrleansEdge.Model;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Benchmarks;

/// <summary>A month of made-up usage, five domains to a tenant, as one gateway without restarts leaves it. Of the domains 5 % are busy round the
/// clock, 25 % for ten hours a day, and the others have a few sessions in every tenth hour. The same each time.</summary>
public sealed class SyntheticMonth(int domains, int days)
{
    private const int DomainsOfTenant = 5;

    private long _cells;

    /// <summary>The month.</summary>
    public UsageMonth Month { get; } = new(2026, 11);

    /// <summary>How many tenants there are.</summary>
    public int Tenants => (domains + DomainsOfTenant - 1) / DomainsOfTenant;

    /// <summary>How many counters have been made: domains, kinds and buckets with usage.</summary>
    public long Cells => _cells;

    /// <summary>Id of a tenant.</summary>
    public static string TenantAt(int number) => $"tenant-{number:D5}";

    /// <summary>Writes the files of all hours into the folder of a ledger.</summary>
    public void WriteTo(string folder)
    {
        var hours = new UsageHourFolder(folder);
        Directory.CreateDirectory(folder);
        var first = UsageHour.At(Month.Start);

        // Files of one folder are written under one name aside.
        Parallel.ForEach(Enumerable.Range(0, days), new() { MaxDegreeOfParallelism = Environment.ProcessorCount }, day =>
        {
            for (var hour = first.Number + (day * 24); hour < first.Number + ((day + 1) * 24); hour++)
            {
                var builder = BuildHour(new(hour));
                lock (hours)
                {
                    hours.Replace(new(hour), builder.Build());
                }
            }
        });

        // A ledger with hours has a journal.
        File.WriteAllText(Path.Combine(folder, "journal-00000001.log"), "OEUJRN1\n");
    }

    /// <summary>The report of a tenant's hour with everything in it; null: it has no usage.</summary>
    public UsageReport? ReportOf(int tenant, UsageHour hour, UsageSourceId source, long number = 1, long factor = 1)
    {
        var random = new Random((tenant * 10_007) ^ hour.Number);
        var entries = new List<UsageEntry>();
        for (var domain = tenant * DomainsOfTenant; domain < Math.Min(domains, (tenant + 1) * DomainsOfTenant); domain++)
        {
            AddHour(entries, domain, hour, random, factor);
        }

        return entries.Count == 0
            ? null
            : new() { Source = source, Gateway = "edge-1", Shard = new(TenantAt(tenant), hour), Number = number, Acknowledged = 0, Entries = entries };
    }

    private UsageSegmentBuilder BuildHour(UsageHour hour)
    {
        var builder = new UsageSegmentBuilder(hour);
        var source = new UsageSourceId(new((ulong)hour.Number * 0x9E37_79B9_7F4A_7C15, 42));
        for (var tenant = 0; tenant < Tenants; tenant++)
        {
            if (ReportOf(tenant, hour, source, number: 1800) is { } report)
            {
                var ledger = new UsageShardLedger(report.Shard);
                ledger.Apply(report with { Final = true }, hour.End);
                builder.Add(ledger);
                Interlocked.Add(ref _cells, report.Entries.Count);
            }
        }

        return builder;
    }

    private static void AddHour(List<UsageEntry> entries, int domain, UsageHour hour, Random random, long factor)
    {
        var isBusy = domain % 20 == 0 || (domain % 4 == 1 && hour.Start.Hour is >= 8 and < 18);
        if (!isBusy && random.Next(10) != 0)
        {
            return;
        }

        var (from, to) = isBusy ? (0, UsageHour.Buckets) : (random.Next(9), random.Next(10, 12));
        for (var bucket = from; bucket < to; bucket++)
        {
            entries.Add(new(new($"ws{domain:D5}.example.com", UsageKind.Websocket, new(hour.FirstBucket.Number + bucket)), CountsOf(random, isBusy ? 100 * factor : factor)));
        }
    }

    private static UsageCounts CountsOf(Random random, long sessions)
    {
        var (up, down) = (sessions * random.Next(5_000, 50_000), sessions * random.Next(50_000, 500_000));
        return new()
        {
            BytesUp = up,
            BytesDown = down,
            MessagesUp = up / 100,
            MessagesDown = down / 250,
            Sessions = random.Next((int)sessions),
            SessionMilliseconds = sessions * random.Next(200_000, 300_000),
            OriginBytesUp = up,
            OriginBytesDown = down,
        };
    }
}
