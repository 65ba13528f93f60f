using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Cluster.Tests.Usage;
using OrleansEdge.Grains.Billing;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;

namespace OrleansEdge.Cluster.Tests.Billing;

/// <summary>What earlier versions have stored is read by this one. The text of an account has its sample beside the file
/// implementation, that of a statement in the Model.</summary>
public sealed class StoredShapesTests
{
    private static readonly UsageShard Shard = new("acme", new(491_000));
    private static readonly DateTimeOffset At = Shard.Hour.Start.AddMinutes(7);

    private const string LedgerElement = "AQEQY2hhdC5leGFtcGxlLmNvbQABAAAAAAAAAAAAAAAAAAAACgAByAYBAEEKEwAAGcKsUw==";
    private const string ReportsElement = "cPwxjZsBAAACAQEAAAAAAAAAAAAAAAAAAAAK+PsdBGFjbWUCAQEQY2hhdC5leGFtcGxlLmNvbQEAQQwXQaD8dg==";
    private const string ReportsElementOfVersion1 = "cPwxjZsBAAABAQEAAAAAAAAAAAAAAAAAAAAK+PsdBGFjbWUCAQEQY2hhdC5leGFtcGxlLmNvbQEAQQwXTsujnw==";
    private const string AccountState = """{"account":"a","tenant":"t"}""";

    [Fact]
    public void UsageJournal_IsWrittenAndReadAsEver()
    {
        var ledger = new UsageShardLedger(Shard);
        ledger.Apply(Report(1, 10), At);
        var reports = Report(2, 12) with { Final = true };

        Assert.Equal(LedgerElement, Convert.ToBase64String(UsageElements.OfLedger(ledger)));
        Assert.Equal(ReportsElement, Convert.ToBase64String(UsageElements.OfReports(At.AddSeconds(2), [reports])));
        Assert.All([ReportsElement, ReportsElementOfVersion1], static element =>
        {
            var read = UsageElements.Replay(Shard, [Convert.FromBase64String(LedgerElement), Convert.FromBase64String(element)]);
            Assert.Equal(12, read.Totals().Single().Counts.BytesUp);
            Assert.True(read.Sources().Single().IsSealed);
        });
    }

    [Fact]
    public async Task AccountState_IsWrittenAndReadAsEver()
    {
        await using var harness = await MeshUsageHarness.StartAsync();
        var storage = harness.Mesh.Silo.GetRequiredKeyedService<Orleans.Storage.IGrainStorage>(Grains.SiloSetup.Storage);
        var id = GrainId.Create("account", "acme");
        await storage.WriteStateAsync("account", id, new GrainState<AccountStateRecord>(new() { Account = "a", Tenant = "t" }));

        var key = harness.Store.Key("state/account/acme/account");
        Assert.Equal(AccountState, (await harness.Store.Database.HashGetAsync(key, "data")).ToString());
        await harness.Store.Database.HashSetAsync(key, "data", AccountState);
        var read = new GrainState<AccountStateRecord>(new());
        await storage.ReadStateAsync("account", id, read);
        Assert.Equal(new AccountStateRecord { Account = "a", Tenant = "t" }, read.State);
    }

    private static UsageReport Report(long number, long bytes) => new()
    {
        Source = new(0xA),
        Gateway = "edge",
        Shard = Shard,
        Number = number,
        Acknowledged = number - 1,
        Entries = [new(new("chat.example.com", UsageKind.Websocket, Shard.Hour.FirstBucket), new() { BytesUp = bytes })],
    };
}
