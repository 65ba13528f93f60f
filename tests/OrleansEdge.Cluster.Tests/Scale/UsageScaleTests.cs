using System.Diagnostics;
using OrleansEdge.Cluster.Tests.Usage;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Scale;

/// <summary>The figures of <c>docs/scale.md</c>: printed, and held to bounds that do not depend on the machine.
/// <c>dotnet test tests/OrleansEdge.Cluster.Tests -c Release --filter Scale --logger "console;verbosity=detailed"</c>.</summary>
public sealed class UsageScaleTests(ITestOutputHelper output) : IAsyncLifetime
{
    private MeshUsageHarness _harness = null!;

    private UsageHour Hour => UsageHour.At(_harness.Now);

    public async Task InitializeAsync() => _harness = await MeshUsageHarness.StartAsync(writeInterval: new UsageGrainOptions().WriteInterval);

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Fact]
    public async Task TenantWithAThousandGateways_IsAFewWritesASecondAndAFewHundredKilobytes()
    {
        const int Gateways = 1_000;
        const int Rounds = UsageHour.Buckets;
        const int Reads = 20;
        var shard = new UsageShard("acme", Hour);
        var sources = Enumerable.Range(0, Gateways).Select(static _ => UsageSourceId.New()).ToArray();
        var (wire, meter) = (0L, new CpuMeter());
        for (var round = 1; round <= Rounds; round++)
        {
            var calls = sources.Select(source => UsageReportsWire.Of([Report(shard, source, round, bucket: round - 1)])).ToList();
            wire += calls.Sum(static call => (long)call.Bytes.Length);
            var replies = await Task.WhenAll(calls.Select(call => _harness.Mesh.Grains.GetUsageGrain(shard).ReportAsync(call)));
            Assert.All(replies, reply => Assert.Equal(UsageReplyKind.Stored, Assert.Single(reply.ToReplies(Hour)).Kind));
        }

        meter.Print(output, "reports for a tenant with 1,000 gateways", Gateways * Rounds);
        var elements = await _harness.Store.Database.ListRangeAsync(_harness.Store.Key(UsageKeys.JournalOf(shard)));
        var stored = elements.Sum(static element => element.Length());
        output.WriteLine($"  on the wire {wire / (Gateways * Rounds)} bytes a report; in Redis {stored >> 10} KiB in {elements.Length} elements after all buckets of an hour");
        Assert.InRange(wire / (Gateways * Rounds), 1, 80);
        Assert.InRange(stored, 1, 1 << 20);
        Assert.InRange(elements.Length, 1, 4 * Rounds);

        var totals = await ReadAsync();
        var watch = Stopwatch.StartNew();
        for (var read = 0; read < Reads; read++)
        {
            totals = await ReadAsync();
        }

        output.WriteLine($"  the hour is read in {watch.Elapsed.TotalMilliseconds / Reads:F1} ms");
        Assert.Equal(Gateways * Rounds * 1_000_000L, totals.Single().Entries.Sum(static entry => entry.Counts.BytesUp));
    }

    [Fact]
    public async Task GatewayWithTenThousandTenants_ReportsAllOfThemAtOnce()
    {
        const int Tenants = 10_000;
        const int AtOnce = 1_000;
        var source = UsageSourceId.New();
        for (var round = 1; round <= 3; round++)
        {
            var meter = new CpuMeter();
            var reports = Enumerable.Range(0, Tenants).Select(tenant => Report(new($"tenant-{tenant}", Hour), source, round, bucket: 0)).ToList();
            foreach (var some in reports.Chunk(AtOnce))
            {
                var replies = await _harness.Sink.ReportAsync(some, CancellationToken.None);
                Assert.All(replies, static reply => Assert.Equal(UsageReplyKind.Stored, reply.Kind));
            }

            meter.Print(output, round == 1 ? "reports of 10,000 tenants, the hour's first" : "reports of 10,000 tenants", Tenants);
        }

        var bytes = (long)await _harness.Store.Database.ExecuteAsync("MEMORY", "USAGE", _harness.Store.Key(UsageKeys.JournalOf(new("tenant-1", Hour))));
        output.WriteLine($"  a tenant's hour of one gateway takes {bytes} bytes of Redis' memory");
        Assert.InRange(bytes, 1, 1_000);
        Assert.Equal(Tenants, (await _harness.Usage.ListOwnersAsync(Hour, new(Hour.Number + 1))).Count);
    }

    private async Task<List<UsageHourTotals>> ReadAsync()
    {
        var totals = new List<UsageHourTotals>();
        await foreach (var hour in _harness.Usage.ReadAsync("acme", Hour, new(Hour.Number + 1)))
        {
            totals.Add(hour);
        }

        return totals;
    }

    private UsageReport Report(UsageShard shard, UsageSourceId source, int number, int bucket) => new()
    {
        Source = source,
        Gateway = "edge",
        Shard = shard,
        Number = number,
        Acknowledged = number - 1,
        Entries =
        [
            new(
                new("chat.example.com", UsageKind.Websocket, new(Hour.FirstBucket.Number + bucket)),
                new() { BytesUp = 1_000_000, BytesDown = 5_000_000, MessagesUp = 2_000, MessagesDown = 9_000, Sessions = 40, SessionMilliseconds = 3_000_000, OriginBytesUp = 1_000_000, OriginBytesDown = 5_000_000 }),
        ],
    };
}
