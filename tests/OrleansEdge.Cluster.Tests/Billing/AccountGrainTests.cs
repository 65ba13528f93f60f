using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Cluster.Tests.ControlPlane;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Billing;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;

namespace OrleansEdge.Cluster.Tests.Billing;

public sealed class AccountGrainTests : IAsyncLifetime
{
    private const string Order = """{ "kind": "websocket", "bytes": 300, "validFrom": "2026-01-31T12:00:00Z", "validTo": "2026-01-31T13:00:00Z" }""";

    private const string Chat = "chat.example.com";
    private const string Domain = """{ "domain": "chat.example.com", "tenant": "acme", "origins": [ { "address": "127.0.0.1" } ] }""";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private ClusterHarness _harness = null!;

    private IAccountGrain Account => AccountOf("acme");

    public async Task InitializeAsync() => _harness = await ClusterHarness.StartAsync();

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Fact]
    public async Task VersionsThatAreKnown_ArePassedOver()
    {
        var first = TenantVersionWire.Of(1, _harness.Now, Tenant(price: 1));
        var second = TenantVersionWire.Of(2, _harness.Now.AddMinutes(5), Tenant(price: 2));
        var account = AccountOf("other");
        await account.FollowAsync([first]);
        await account.FollowAsync([first, second]);
        await account.FollowAsync([first]);
        await ReportAsync(1_000_000_000, minutes: 0, tenant: "other");
        await ReportAsync(1_000_000_000, minutes: 5, tenant: "other");

        var statement = BillingJson.Read<Statement>((await account.GetStatementAsync("2026-01")).Value!);

        Assert.Equal([1m, 2m], statement.Lines.Select(static line => line.PricePerGB!.Value));
    }

    [Fact]
    public async Task UsageOfSeveralGateways_StopsTheTenantWithinHalfASecond()
    {
        await PutAsync(payAsYouGo: false);
        await BuyAsync("k");
        await UntilAsync(async () => await ExhaustedAsync() == ExhaustedQuota.Http);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ReportAsync(10)));

        await ReportAsync(100);

        var waited = Stopwatch.StartNew();
        await UntilAsync(async () => await ExhaustedAsync() == (ExhaustedQuota.Http | ExhaustedQuota.Websocket));
        Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task UsageThatWasStored_IsToldToTheAccount_NotWithEachReport()
    {
        await PutAsync(payAsYouGo: false);
        var waited = Stopwatch.StartNew();
        for (var report = 0; report < 30; report++)
        {
            await ReportAsync(1);
        }

        await UntilAsync(() => _harness.TimesTold > 0);
        Assert.InRange(_harness.TimesTold, 1, 2 + (int)(waited.Elapsed / TimeSpan.FromMilliseconds(400)));
    }

    [Fact]
    public async Task DecisionThatIsNotTaken_IsToldAgain()
    {
        await PutAsync(payAsYouGo: false);
        await BuyAsync("k");
        await UntilAsync(async () => await ExhaustedAsync() == ExhaustedQuota.Http);
        _harness.RefusedDecisions = 2;

        await ReportAsync(300);

        await UntilAsync(async () => await ExhaustedAsync() == (ExhaustedQuota.Http | ExhaustedQuota.Websocket));
        Assert.Equal(0, _harness.RefusedDecisions);
    }

    [Fact]
    public async Task AccountWrittenBySomebodyElse_IsReadAgainAndDecidedAgain()
    {
        await PutAsync();
        var bought = await BuyAsync("k");
        await WriteBehindItsBackAsync(static text => text.Replace("\"key\": \"k\"", "\"key\": \"other\"", StringComparison.Ordinal));

        Assert.Equal("plan-2", (await BuyAsync("k2")).Id);
        Assert.Equal(bought, await BuyAsync("other"));
        Assert.Equal("plan-3", (await BuyAsync("k")).Id);
    }

    [Fact]
    public async Task Webhook_IsToldOnceWithTheTenantsSignature_AlsoAfterFailures()
    {
        await using var listener = new SignedListener(failures: 1);
        await PutAsync(Tenant(thresholds: [100], webhook: listener.Url));
        await BuyAsync("k");
        await ReportAsync(300);
        await UntilAsync(() => listener.Count == 1);

        await UntilAsync(async () =>
        {
            await _harness.MoveToAsync(_harness.Now.AddSeconds(10));
            return listener.Count == 2;
        });

        var secret = (await _harness.Control.Billing.GetWebhookAsync("acme", CancellationToken.None)).Value.Secret;
        Assert.All(listener.Calls, call => Assert.True(call.IsSignedWith(secret)));
        Assert.Single(listener.Calls.Select(static call => call.Id).Distinct());
        await UntilAsync(async () => !(await StateAsync()).Contains("\"isPending\": true", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AccountThatNobodyCalls_IsWokenAfterAStart()
    {
        await PutAsync(payAsYouGo: false);
        await BuyAsync("k");
        await UntilAsync(async () => await ExhaustedAsync() == ExhaustedQuota.Http);
        await _harness.RestartAsync(TimeSpan.FromHours(2));

        await UntilAsync(async () => await ExhaustedAsync() == (ExhaustedQuota.Http | ExhaustedQuota.Websocket));
    }

    [Fact]
    public async Task LineOfTheAuditThatFailed_ComesAgain()
    {
        await PutAsync();
        var store = _harness.Mesh.Silo.GetRequiredService<RedisStore>();
        var (lines, aside) = (store.Key("{audit}/lines"), store.Key("{audit}/aside"));
        await store.Database.KeyRenameAsync(lines, aside);
        await store.Database.StringSetAsync(lines, "nothing can be appended to this");
        await BuyAsync("k");
        await store.Database.KeyRenameAsync(aside, lines);
        Assert.DoesNotContain("acme/plan-1", await LinesAsync());

        await Account.TendAsync();
        await Account.TendAsync();

        Assert.Single(await LinesAsync(), "acme/plan-1");
    }

    [Fact]
    public async Task DamagedStatement_IsAnErrorThatNamesTheKey()
    {
        await PutAsync();
        await _harness.MoveToAsync(new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
        var store = _harness.Mesh.Silo.GetRequiredService<RedisStore>();
        await store.Database.StringSetAsync(store.Key("statements/acme/2026-01"), "{");

        var answer = await Account.GetStatementAsync("2026-01");

        Assert.Equal(ControlFailureKind.Unavailable, answer.Failure!.Kind);
        Assert.Contains("statements/acme/2026-01", answer.Failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RedisKilled_IsUnavailable_AndAnswersAsBeforeWhenItIsBack()
    {
        await PutAsync();
        var bought = await BuyAsync("k");
        await _harness.Redis.KillAsync();
        var away = await Account.BuyPlanAsync(Encoding.UTF8.GetBytes(Order), "k2", "alice");
        Assert.Equal(ControlFailureKind.Unavailable, away.Failure?.Kind);
        await _harness.Redis.RunAsync();

        await UntilAsync(async () => (await Account.BuyPlanAsync(Encoding.UTF8.GetBytes(Order), "k2", "alice")).Failure is null);

        Assert.Equal(bought, await BuyAsync("k"));
        Assert.Equal("plan-2", (await BuyAsync("k2")).Id);
    }

    private static TenantConfig Tenant(bool payAsYouGo = true, decimal price = 0, int[]? thresholds = null, string? webhook = null) => new()
    {
        Tenant = "acme",
        Name = "acme",
        PayAsYouGo = new() { Enabled = payAsYouGo, PricePerGB = new() { Websocket = price } },
        Alerts = new() { Thresholds = [.. thresholds ?? []], Webhook = webhook },
    };

    private IAccountGrain AccountOf(string tenant) => _harness.Mesh.Grains.GetGrain<IAccountGrain>(tenant);

    private Task PutAsync(bool payAsYouGo = true) => PutAsync(Tenant(payAsYouGo));

    private async Task PutAsync(TenantConfig tenant)
    {
        var control = _harness.Control;
        var put = await control.Tenants.PutAsync("acme", TenantDocument.Write(tenant), default, "alice", CancellationToken.None);
        Assert.Null(put.Failure);
        Assert.Null((await control.Domains.PutAsync(Chat, Encoding.UTF8.GetBytes(Domain), default, "alice", CancellationToken.None)).Failure);
    }

    // As the gateway knows it.
    private async Task<ExhaustedQuota?> ExhaustedAsync() => (await _harness.Source.FindAsync(Chat, CancellationToken.None))?.Exhausted;

    private async Task<IReadOnlyList<string>> LinesAsync()
        => [.. (await _harness.Control.ListAuditAsync(new(Limit: PageRequest.MaxLimit), CancellationToken.None)).Value.Items.Select(static line => line.Name)];

    private async Task<PlanInfo> BuyAsync(string key)
    {
        var bought = await Account.BuyPlanAsync(Encoding.UTF8.GetBytes(Order), key, "alice");
        Assert.Null(bought.Failure);
        return BillingJson.Read<PlanInfo>(bought.Value!);
    }

    private async Task ReportAsync(long bytes, int minutes = 0, string tenant = "acme")
    {
        var bucket = UsageBucket.At(_harness.Now.AddMinutes(minutes));
        var replies = await _harness.Usage.ReportAsync(
            [
                new()
                {
                    Source = UsageSourceId.New(),
                    Gateway = "edge-1",
                    Shard = new(tenant, bucket.Hour),
                    Number = 1,
                    Acknowledged = 0,
                    Entries = [new(new(Chat, UsageKind.Websocket, bucket), new() { BytesUp = bytes })],
                },
            ],
            CancellationToken.None);
        Assert.Equal(UsageReplyKind.Stored, Assert.Single(replies).Kind);
    }

    private async Task<string> StateAsync() => (await ReadStateAsync()).State!.Account!;

    private async Task WriteBehindItsBackAsync(Func<string, string> change)
    {
        var stored = await ReadStateAsync();
        stored.State = stored.State! with { Account = change(stored.State.Account!) };
        await Storage.WriteStateAsync("account", Account.GetGrainId(), stored);
    }

    private async Task<GrainState<AccountStateRecord>> ReadStateAsync()
    {
        var stored = new GrainState<AccountStateRecord>(new());
        await Storage.ReadStateAsync("account", Account.GetGrainId(), stored);
        return stored;
    }

    private Orleans.Storage.IGrainStorage Storage
        => _harness.Mesh.Silo.GetRequiredKeyedService<Orleans.Storage.IGrainStorage>(Grains.SiloSetup.Storage);

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < Patience, $"not within {Patience}");
            await Task.Delay(5);
        }
    }
}
