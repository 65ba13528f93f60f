using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Metering;

namespace OrleansEdge.Benchmarks;

/// <summary>What counting costs: the additions that a relayed chunk makes, on one thread and on all processors, for one domain and for many.</summary>
public static class MeteringBenchmark
{
    private const int Domains = 1000;
    private const int Rounds = 5;

    /// <summary>Measures and prints.</summary>
    public static void Run(int additions)
    {
        var folder = Directory.CreateTempSubdirectory("orleans-edge-benchmark-").FullName;
        try
        {
            using var spool = new UsageSpool(
                Options.Create(new MeteringOptions { SpoolDirectory = folder }),
                new EdgeIdentity("benchmark", "benchmark", DateTimeOffset.UnixEpoch, "1"),
                TimeProvider.System,
                NullLogger<UsageSpool>.Instance);
            var meters = Enumerable.Range(0, Domains).Select(number => spool.MeterOf("acme", $"d{number}.example.com", UsageKind.Websocket)).ToArray();
            foreach (var threads in new[] { 1, Environment.ProcessorCount })
            {
                Measure($"one domain, {threads} thread(s)", threads, additions, _ => meters[0]);
                Measure($"{Domains} domains, {threads} thread(s)", threads, additions, number => meters[number % Domains]);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(string what, int threads, int additions, Func<int, UsageMeter> meterOf)
    {
        var best = double.MaxValue;
        var allocated = 0L;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var watch = Stopwatch.StartNew();
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ =>
            {
                for (var i = 0; i < additions; i++)
                {
                    meterOf(i).Add(new UsageCounts { BytesUp = 100, MessagesUp = 1, OriginBytesUp = 100 });
                }
            });
            best = Math.Min(best, watch.Elapsed.TotalNanoseconds / additions);
            allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        }

        Console.WriteLine($"{what,-40}{best,12:N1} ns per addition{(double)allocated / additions / threads,12:N3} B allocated");
    }
}
