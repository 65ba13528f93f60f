using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Cluster.Tests.Processes;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Contracts;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Scale;

/// <summary>Figures of <c>docs/scale.md</c> that are the memory of this process, so that nothing else may run in it meanwhile.</summary>
[Collection(ProcessTests.Name)]
public sealed class MemoryScaleTests(ITestOutputHelper output)
{
    [Fact]
    public async Task NamesThatAGatewayKnows_TakeAFewHundredBytes()
    {
        const int Names = 100_000;
        const int InUse = 10_000;
        var domains = new ClusterDomains(Fetch, static (_, _) => { }, static _ => { }, TimeProvider.System, NullLogger.Instance);
        var empty = Held();
        for (var number = 0; number < Names; number++)
        {
            domains.Apply(new(ConfigFeed.Domain + MeshScaleTests.NameOf(number), 1, Deleted: false, TenantFlags.None, DateTimeOffset.UnixEpoch));
        }

        var known = Held();
        for (var number = 0; number < InUse; number++)
        {
            Assert.NotNull(await domains.FindAsync(MeshScaleTests.NameOf(number), CancellationToken.None));
        }

        var used = Held();
        output.WriteLine($"a known name takes {(known - empty) / Names} bytes of a gateway's memory, a document in use {(used - known) / InUse} more");
        Assert.InRange((known - empty) / Names, 1, 1_000);
        Assert.InRange((used - known) / InUse, 1, 10_000);
        GC.KeepAlive(domains);

        static Task<DocumentWire?> Fetch(string name, bool mayGoBack)
        {
            var document = $$"""{ "domain": "{{name}}", "tenant": "acme", "origins": [ { "address": "10.0.0.5" }, { "address": "10.0.0.6" } ] }""";
            return Task.FromResult<DocumentWire?>(new(System.Text.Encoding.UTF8.GetBytes(document), 1, false, DateTimeOffset.UnixEpoch));
        }
    }

    // What others have let go of does not come back during the measurement.
    private static long Held()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
