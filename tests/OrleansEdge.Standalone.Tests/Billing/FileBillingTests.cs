using System.Text;
using OrleansEdge.Model;
using OrleansEdge.Standalone.Billing;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Tests.ControlPlane;

namespace OrleansEdge.Standalone.Tests.Billing;

/// <summary>Bills on files: what is stored, what a crash or a broken disk leaves, and what costs nothing.</summary>
public class FileBillingTests : FileTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly UsageMonth January = new(2026, 1);

    private string AccountFile => Harness.PathOf("billing", "tenants", "acme.json");

    [Fact]
    public async Task StoredAccount_IsAsItAlwaysWas()
    {
        Harness.Time.Advance(TimeSpan.FromMinutes(1));
        await PutAcmeAsync(thresholds: "50");
        await BuyAsync("key-1", 1_000);
        await ReportAsync(Noon, 500);
        await EventuallyAsync(() => File.ReadAllText(AccountFile).Contains("evt_", StringComparison.Ordinal), "the threshold is stored");

        var text = File.ReadAllText(AccountFile);

        var id = text.Split('"').Single(part => part.StartsWith("evt_", StringComparison.Ordinal));
        Assert.Equal(Sample(), text.Replace(id, "evt_0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SampleAccount_IsReadAndWrittenAgainToTheByte()
    {
        await PutAcmeAsync();
        Harness.Stop();
        File.WriteAllText(AccountFile, Sample());
        using (var data = DataFolder.Open(Harness.Folder))
        {
            Assert.Equal(Sample(), Encoding.UTF8.GetString(AccountText.Json(Assert.Single(new AccountFolder(data).ReadAll(hadPlans: static _ => true)))));
        }

        Harness.Start();
        Assert.Equal([new PlanInfo("plan-1", UsageKind.Websocket, 1_000, Noon.AddHours(-1), Noon.AddHours(1), 0)], await PlansAsync());
        Assert.Equal(Sample(), File.ReadAllText(AccountFile));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{ "format": 2, "tenant": "acme", "version": 1, "terms": [], "plans": [], "closedMonth": null, "alerts": [] }""")]
    public void DamagedAccount_StopsTheStartWithASentence(string text)
    {
        Harness.Stop();
        File.WriteAllText(AccountFile, text);

        var refused = Assert.Throws<DataDirectoryException>(Harness.Start);

        Assert.StartsWith($"The account {AccountFile} is ", refused.Message, StringComparison.Ordinal);
        File.WriteAllText(AccountFile, "");
        Harness.Start();
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\0\0\0")]
    public async Task AccountIsEmptyWhoseTenantBoughtPlans_StopsTheStart(string text)
    {
        await BuyAsync("k", 1_000);
        Harness.Stop();
        var account = File.ReadAllText(AccountFile);
        File.WriteAllText(AccountFile, text);

        Assert.StartsWith($"The account {AccountFile} is damaged: ", Assert.Throws<DataDirectoryException>(Harness.Start).Message, StringComparison.Ordinal);

        File.WriteAllText(AccountFile, account);
        Harness.Start();
        Assert.Single(await PlansAsync());
    }

    [Fact]
    public void AccountThatHoldsMoreThanTerms_CannotBeMadeAgain()
    {
        var record = Account.NewRecord("acme", 1, new([new(Noon, new())]));
        Assert.True(record.CanBeMadeAgain);
        Assert.False((record with { ClosedMonth = "2026-01" }).CanBeMadeAgain);
        Assert.False((record with { Plans = [new("plan-1", UsageKind.Http, 1, Noon, Noon.AddHours(1), Noon, "alice", "k", 1, 0)] }).CanBeMadeAgain);
    }

    [Fact]
    public async Task PriceOfMoreChangesThanVersionsAreKept_IsThatOfItsTime()
    {
        for (var version = 0; version < 60; version++)
        {
            await PutAcmeAsync(price: version + 1);
            await ReportAsync(Harness.Now, 1_000_000_000);
            Harness.Time.Advance(TimeSpan.FromMinutes(5));
        }

        await Harness.RestartAsync();

        Assert.Equal(Enumerable.Range(1, 60).Select(price => (decimal?)price), (await StatementAsync()).Lines.Select(line => line.PricePerGB));
    }

    [Fact]
    public async Task ChangeOfPriceThatACrashKeptFromTheAccount_IsTakenFromTheVersions()
    {
        var before = File.ReadAllText(AccountFile);
        Harness.Time.Advance(TimeSpan.FromMinutes(5));
        await PutAcmeAsync(price: 1);
        Harness.Time.Advance(TimeSpan.FromMinutes(5));
        await PutAcmeAsync(price: 2);
        Harness.Stop();
        File.WriteAllText(AccountFile, before);
        Harness.Time.Advance(TimeSpan.FromMinutes(60));
        Harness.Start();
        await ReportAsync(Noon, 1);
        await ReportAsync(Noon.AddMinutes(5), 10);
        await ReportAsync(Noon.AddMinutes(10), 100);

        Assert.Equal(["0 1", "1 10", "2 100"], (await StatementAsync()).Lines.Select(line => $"{line.PricePerGB} {line.BillableBytes}"));
    }

    [Fact]
    public async Task DiskRefusesAnOrder_NothingIsBoughtAndTheSameKeyCanBeUsedAgain()
    {
        using (Blocked(AccountFile))
        {
            Assert.Equal(ControlFailureKind.Unavailable, (await TryBuyAsync("k", 1)).Failure?.Kind);
            Assert.Empty(await PlansAsync());
        }

        Assert.Null((await TryBuyAsync("k", 2)).Failure);
    }

    [Fact]
    public async Task DiskRefusesNewTerms_TheyAreInForceAndWrittenWhenItTakesThem()
    {
        using (Blocked(AccountFile))
        {
            await PutAcmeAsync(price: 3);
            Assert.Single(Harness.Log.Events, entry => entry.Id == 3104);
        }

        Harness.Time.Advance(TimeSpan.FromMinutes(5));
        await EventuallyAsync(() => File.ReadAllText(AccountFile).Contains("\"websocket\": \"3\"", StringComparison.Ordinal), "the terms are written");
    }

    [Fact]
    public async Task LinesThatACrashKeptFromTheAudit_AreAddedOnce()
    {
        await BuyAsync("k1", 1_000);
        var audit = Harness.PathOf("audit.jsonl");
        var lines = File.ReadAllLines(audit);
        Harness.Stop();
        File.WriteAllLines(audit, lines[..^1]);

        Harness.Start();
        await Harness.RestartAsync();

        Assert.Equal(lines, File.ReadAllLines(audit));
    }

    [Fact]
    public async Task MonthThatClosed_IsWrittenByItselfAndServedFromItsFile()
    {
        await ReportAsync(Noon, 1_000);
        await MoveToAsync(January.ClosesAt.AddMinutes(5));
        var file = Harness.PathOf("billing", "statements", "acme", "2026-01.json");
        await EventuallyAsync(() => File.Exists(file), "the statement is written");

        Assert.Equal(File.ReadAllBytes(file), StatementText.Json(await StatementAsync()));
        Harness.Ledger.IsBroken = true;
        Assert.Equal(File.ReadAllBytes(file), StatementText.Json(await StatementAsync()));
        File.WriteAllText(file, "{");
        Assert.Equal(ControlFailureKind.Unavailable, (await Plane.Billing.GetStatementAsync("acme", January, None)).Failure?.Kind);
    }

    [Fact]
    public async Task MonthThatClosesWhileTheLedgerIsBroken_IsWrittenWhenItCanBeRead()
    {
        await ReportAsync(Noon, 1_000);
        Harness.Ledger.IsBroken = true;
        await MoveToAsync(January.ClosesAt.AddMinutes(5));
        await EventuallyAsync(() => Harness.Log.Events.Any(entry => entry.Id == 3108), "the closing has failed");
        Harness.Ledger.IsBroken = false;

        await EventuallyAsync(
            () =>
            {
                Harness.Time.Advance(TimeSpan.FromMinutes(5));
                return File.Exists(Harness.PathOf("billing", "statements", "acme", "2026-01.json"));
            },
            "the statement is written");
    }

    [Fact]
    public async Task UsageThatIsSeenWithinAMinuteAfterClosing_IsStillOnTheStatement()
    {
        await ReportAsync(Noon, 1_000);
        Harness.Time.Advance(January.ClosesAt.AddSeconds(59) - Harness.Now);
        Assert.Equal("open", (await StatementAsync()).State);
        Harness.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("closed", (await StatementAsync()).State);
    }

    [Fact]
    public async Task StatementThatCannotBeWritten_IsNoneYet()
    {
        await ReportAsync(Noon, 1_000);
        await File.WriteAllTextAsync(Harness.PathOf("billing", "statements", "acme"), "in the way");
        await MoveToAsync(January.ClosesAt.AddMinutes(1));

        Assert.Equal(ControlFailureKind.Unavailable, (await Plane.Billing.GetStatementAsync("acme", January, None)).Failure?.Kind);
        File.Delete(Harness.PathOf("billing", "statements", "acme"));
        Assert.Equal("closed", (await StatementAsync()).State);
    }

    [Fact]
    public async Task CrashBetweenStatementAndAccount_IsMadeUpForWithoutPayingTwice()
    {
        await BuyAsync("k1", 1_000, hours: 24 * 60);
        await ReportAsync(Noon, 300);
        var before = File.ReadAllText(AccountFile);
        await MoveToAsync(January.ClosesAt.AddMinutes(5));
        var closed = await StatementAsync();
        await EventuallyAsync(() => File.ReadAllText(AccountFile).Contains("\"closedMonth\": \"2026-01\"", StringComparison.Ordinal), "the account knows");
        Harness.Stop();
        File.WriteAllText(AccountFile, before);
        Harness.Start();
        await ReportAsync(Harness.Now, 30);

        Assert.Equal(StatementText.Json(closed), StatementText.Json(await StatementAsync()));
        var february = (await Plane.Billing.GetStatementAsync("acme", new(2026, 2), None)).Value;
        Assert.Equal(["300+30"], february.Plans.Select(plan => $"{plan.UsedBefore}+{plan.Used}"));
        Assert.Equal(330, Assert.Single(await PlansAsync()).UsedBytes);
    }

    [Fact]
    public async Task LedgerThatCannotBeRead_LeavesTheQuotaAsItWasAndIsReadAgain()
    {
        await PutAcmeAsync(payAsYouGo: false);
        await PutAsync(60);
        await BuyAsync("k1", 1_000);
        Harness.Ledger.IsBroken = true;
        await ReportAsync(Noon, 1_000);
        await EventuallyAsync(() => Harness.Log.Events.Any(entry => entry.Id == 3105), "it is said");
        Assert.Equal(ControlFailureKind.Unavailable, (await Plane.Billing.ListPlansAsync("acme", default, None)).Failure?.Kind);
        Assert.Equal(ExhaustedQuota.Http, (await Plane.FindAsync(Chat, None))!.Exhausted);

        Harness.Ledger.IsBroken = false;
        Harness.Time.Advance(TimeSpan.FromMinutes(1));

        await EventuallyAsync(
            async () => (await Plane.FindAsync(Chat, None))!.Exhausted == (ExhaustedQuota.Websocket | ExhaustedQuota.Http), "the quota is used up");
    }

    [Fact]
    public async Task TenantsThatCannotRunOut_CostNoReading()
    {
        await BuyAsync("k1", 1_000);
        var reads = Harness.Ledger.Reads;
        await ReportAsync(Noon, 10);
        Harness.Time.Advance(TimeSpan.FromMinutes(5));
        await PutAcmeAsync(payAsYouGo: false);

        // Only from here on the tenant is watched: one walk through the month.
        Assert.Equal(1, Harness.Ledger.Reads - reads);
    }

    [Fact]
    public async Task WebhookOfATenant_IsToldOfAThreshold_AfterARestartToo()
    {
        await using var listener = await WebhookListener.StartAsync();
        listener.Respond = static (number, context) =>
        {
            context.Response.StatusCode = number == 1 ? 500 : 200;
            return Task.CompletedTask;
        };
        await PutAcmeAsync(thresholds: "80", webhook: listener.Url);
        await BuyAsync("k1", 1_000);
        await ReportAsync(Noon, 801);
        var first = await listener.NextAsync(1);
        await EventuallyAsync(() => Harness.Log.Events.Any(entry => entry.Id == 3111), "the first attempt has failed");

        await Harness.RestartAsync();

        var second = await listener.NextAsync(2);
        Assert.Equal((first.Id, first.Body), (second.Id, second.Body));
        Assert.Contains("\"usedBytes\":801,\"prepaidBytes\":1000", second.Body, StringComparison.Ordinal);
        await EventuallyAsync(() => File.ReadAllText(AccountFile).Contains("\"isPending\": false", StringComparison.Ordinal), "it is noted as told");
        await Harness.RestartAsync();

        // What would be told again is told at the start, before this.
        await PutAcmeAsync(thresholds: "80, 90", webhook: listener.Url);
        await ReportAsync(Noon, 100);
        Assert.Contains("\"threshold\":90", (await listener.NextAsync(3)).Body, StringComparison.Ordinal);
        Assert.Equal(3, listener.Calls.Count);
    }

    [Fact]
    public async Task AlertsOfPlansThatAreOver_AreForgotten()
    {
        await PutAcmeAsync(thresholds: "50");
        for (var round = 0; round < 5; round++)
        {
            await BuyAsync($"k{round}", 10, hours: 1 + round);
            await ReportAsync(Harness.Now, 5 + (5 * round));
            var expected = $"plan-{round + 1}\"";
            await EventuallyAsync(() => File.ReadAllText(AccountFile).Contains($"\"plans\": \"{expected}", StringComparison.Ordinal), "the threshold is stored");
            Harness.Time.Advance(Noon.AddHours(1 + round) - Harness.Now);
        }

        Assert.Single(File.ReadAllText(AccountFile).Split("evt_").Skip(1));
    }

    private static string Sample() => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Billing", "account.json"));

    private static Unblocking Blocked(string path) => new(path);

    private Task MoveToAsync(DateTimeOffset time) => Harness.MoveToAsync(time);

    private async Task PutAcmeAsync(decimal price = 0, bool payAsYouGo = true, string thresholds = "", string? webhook = null)
    {
        var put = await Plane.Tenants.PutAsync(
            "acme",
            Encoding.UTF8.GetBytes(
                $$"""
                { "tenant": "acme", "payAsYouGo": { "enabled": {{(payAsYouGo ? "true" : "false")}}, "pricePerGB": { "websocket": "{{price}}" } },
                  "alerts": { "thresholds": [{{thresholds}}], "webhook": {{(webhook is null ? "null" : $"\"{webhook}\"")}} } }
                """),
            default,
            "alice",
            None);
        Assert.Null(put.Failure);
    }

    private Task<ControlResult<PlanInfo>> TryBuyAsync(string key, long bytes, int hours = 1)
        => Plane.Billing.BuyPlanAsync(
            "acme",
            Encoding.UTF8.GetBytes($$"""{ "kind": "websocket", "bytes": {{bytes}}, "validFrom": "2026-01-31T11:00:00Z", "validTo": "{{Noon.AddHours(hours):yyyy-MM-ddTHH:mm:ssZ}}" }"""),
            key,
            "alice",
            None);

    private async Task BuyAsync(string key, long bytes, int hours = 1) => Assert.Null((await TryBuyAsync(key, bytes, hours)).Failure);

    private async Task<IReadOnlyList<PlanInfo>> PlansAsync() => (await Plane.Billing.ListPlansAsync("acme", default, None)).Value.Items;

    private async Task<Statement> StatementAsync() => (await Plane.Billing.GetStatementAsync("acme", January, None)).Value;

    private async Task ReportAsync(DateTimeOffset time, long bytes)
    {
        var bucket = UsageBucket.At(time);
        await Plane.Usage.ReportAsync(
            [
                new()
                {
                    Source = UsageSourceId.New(),
                    Gateway = ScriptedGateway.Name,
                    Shard = new("acme", bucket.Hour),
                    Number = 1,
                    Acknowledged = 0,
                    Entries = [new(new(Chat, UsageKind.Websocket, bucket), new() { BytesUp = bytes })],
                },
            ],
            None);
    }

    private static Task EventuallyAsync(Func<bool> condition, string expected) => EventuallyAsync(() => Task.FromResult(condition()), expected);

    private static async Task EventuallyAsync(Func<Task<bool>> condition, string expected)
    {
        for (var waited = System.Diagnostics.Stopwatch.StartNew(); !await condition(); await Task.Delay(10))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"not within 30 s: {expected}");
        }
    }

    /// <summary>Lets no file be put in the place of another, as a disk that fails does.</summary>
    private sealed class Unblocking : IDisposable
    {
        private readonly string _path;

        public Unblocking(string path)
        {
            _path = path;
            File.Move(path, path + ".aside");
            Directory.CreateDirectory(path);
        }

        public void Dispose()
        {
            Directory.Delete(_path);
            File.Move(_path + ".aside", _path);
        }
    }
}
