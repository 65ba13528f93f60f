using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Pages;

public sealed class MetricsPageTests
{
    [Fact]
    public void InstrumentsOfAGateway_AreOnThePage()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        var found = new List<Instrument>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => Add(instrument) };
        listener.Start();
        var path = Path.Combine(Directory.CreateTempSubdirectory("orleans-edge-good-").FullName, "good.jsonl");
        using var lastGood = new LastGoodConfig(path, NullLogger<LastGoodConfig>.Instance);
        _ = new ClusterDomainSource(null!, lastGood, meters, TimeProvider.System, NullLogger<ClusterDomainSource>.Instance);

        var lines = File.ReadAllLines(Path.Combine(RepositoryFiles.Root, "docs", "metrics.md"));
        Assert.Equal([ClusterDomainSource.OrphanedName, ClusterDomainSource.PropagationDurationName], found.Select(static instrument => instrument.Name).Order());
        Assert.All(found, instrument => Assert.Single(lines, line => line.StartsWith($"| `{instrument.Name}` | ", StringComparison.Ordinal) && line.Contains($"| `{instrument.Unit}` |", StringComparison.Ordinal)));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

        void Add(Instrument instrument)
        {
            if (instrument.Meter.Scope == meters)
            {
                found.Add(instrument);
            }
        }
    }
}
