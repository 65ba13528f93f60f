using System.Text;
using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>Usage, plans, quota, statements. The time is noon of 31 January 2026 unless a test moves it.</summary>
public abstract class BillingContract : ControlPlaneContract
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly UsageMonth January = new(2026, 1);
    private static readonly UsageMonth February = new(2026, 2);

    [Fact]
    public async Task Usage_IsAnsweredInIntervalsByTimeDomainAndKind()
    {
        await PutAcmeAsync();
        await ReportAsync(Minutes(-70), 30);
        await ReportAsync(Minutes(-65), 60, domain: "b.example");
        await ReportAsync(Minutes(-65), 90, kind: UsageKind.Http);
        await ReportAsync(Minutes(-65), 300);

        Assert.Equal(
            ["10:50 chat.example.com Websocket 30", "10:55 b.example Websocket 60", "10:55 chat.example.com Websocket 300", "10:55 chat.example.com Http 90"],
            await PointsAsync(Minutes(-120), Minutes(0), 300));
        Assert.Equal(
            ["10:00 b.example Websocket 60", "10:00 chat.example.com Websocket 330", "10:00 chat.example.com Http 90"], await PointsAsync(Minutes(-120), Minutes(0), 3600));
        Assert.Equal(["10:50 chat.example.com Websocket 30"], await PointsAsync(Minutes(-70), Minutes(-65), 300));
        Assert.Equal(["10:55 chat.example.com Http 90"], await PointsAsync(Minutes(-120), Minutes(0), 300, kind: UsageKind.Http));
        Assert.Equal(["00:00 b.example Websocket 60"], await PointsAsync(Minutes(-120), Minutes(0), 86400, "B.example."));
        Assert.Empty(await PointsAsync(Minutes(-60), Minutes(0), 300));
    }

    [Fact]
    public async Task UsageOfASourceThatReportsAgain_IsCountedOnce()
    {
        await PutAcmeAsync();
        var source = UsageSourceId.New();
        await ReportAsync(Minutes(-5), 30, source: source);
        await ReportAsync(Minutes(-5), 90, source: source, number: 2);

        var answer = Answer(await Control.Billing.QueryUsageAsync("acme", new(Minutes(-60), Minutes(0), 300, null, null), None));

        Assert.Equal(new UsageTotal(30, 60, 1, 2, 3, 4), answer.Total);
        Assert.Equal(new UsagePoint(Minutes(-5), Chat, UsageKind.Websocket, 30, 60, 1, 2, 3, 4), Assert.Single(answer.Points));
    }

    [Fact]
    public async Task TimesBetweenBounds_AreWidenedToTheInterval()
    {
        await PutAcmeAsync();

        var answer = Answer(await Control.Billing.QueryUsageAsync("acme", new(Minutes(-61), Minutes(1), 3600, null, null), None));

        Assert.Equal((Minutes(-120), Minutes(60), 3600, "acme"), (answer.From, answer.To, answer.Interval, answer.Tenant));
        Assert.Equal(new UsageTotal(0, 0, 0, 0, 0, 0), answer.Total);
    }

    [Fact]
    public async Task QueryForMoreThanAnAnswerHolds_IsRefused()
    {
        await PutAcmeAsync();

        Failure(
            await Control.Billing.QueryUsageAsync("acme", new(DateTimeOffset.UnixEpoch, Minutes(0), 300, null, null), None), ControlFailureKind.Invalid, "range_too_big");
        Failure(
            await Control.Billing.ReconcileAsync(DateTimeOffset.UnixEpoch, Minutes(0), default, None), ControlFailureKind.Invalid, "range_too_big");
        Answer(await Control.Billing.QueryUsageAsync("acme", new(DateTimeOffset.UnixEpoch, Minutes(0), 86_400, null, null), None));
    }

    [Fact]
    public async Task UnknownTenant_IsNotFound()
    {
        Failure(await Control.Billing.QueryUsageAsync("nobody", new(Minutes(-60), Minutes(0), 300, null, null), None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Billing.ListPlansAsync("nobody", default, None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Billing.GetPlanAsync("nobody", "plan-1", None), ControlFailureKind.NotFound, "not_found");
        Failure(await BuyAsync("k", Order(1), "nobody"), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Billing.GetStatementAsync("nobody", January, None), ControlFailureKind.NotFound, "not_found");
        Failure(await Control.Billing.GetWebhookAsync("nobody", None), ControlFailureKind.NotFound, "not_found");
    }

    [Fact]
    public async Task PlanBought_IsListedAndInTheAudit()
    {
        await PutAcmeAsync();

        var plan = Answer(await BuyAsync("k-1", Order(1_000)));

        Assert.Equal((UsageKind.Websocket, 1_000L, Minutes(-60), Minutes(60), 0L), (plan.Kind, plan.Bytes, plan.ValidFrom, plan.ValidTo, plan.UsedBytes));
        Assert.Equal([plan], await PlansAsync());
        Assert.Equal(plan, Answer(await Control.Billing.GetPlanAsync("acme", plan.Id, None)));
        Failure(await Control.Billing.GetPlanAsync("acme", "nothing", None), ControlFailureKind.NotFound, "not_found");
        Assert.Contains(
            ("alice", "create", "plan", $"acme/{plan.Id}", null),
            Answer(await Control.ListAuditAsync(default, None)).Items.Select(entry => (entry.By, entry.Action, entry.Kind, entry.Name, entry.Version)));
    }

    [Fact]
    public async Task Plans_AreListedInTheOrderOfBuyingInPages()
    {
        await PutAcmeAsync();
        var bought = new List<PlanInfo>();
        for (var number = 1; number <= 11; number++)
        {
            bought.Add(Answer(await BuyAsync($"key-{number}", Order(100 + number, to: 60 + (5 * (number % 3))))));
        }

        for (var limit = 1; limit <= 12; limit++)
        {
            Assert.Equal(bought, await AllPagesAsync(limit, page => Control.Billing.ListPlansAsync("acme", page, None)));
        }

        Failure(await Control.Billing.ListPlansAsync("acme", new("nothing"), None), ControlFailureKind.Invalid, "cursor_invalid");
    }

    [Fact]
    public async Task OrderWithFaults_AllAreNamedAndNothingIsBought()
    {
        await PutAcmeAsync();

        var failure = Failure(
            await BuyAsync("k", """{ "kind": "ftp", "bytes": 0, "validFrom": "2026-01-31T12:01:00Z", "x": 1 }"""), ControlFailureKind.Invalid, "config_invalid");

        Assert.Equal(["kind", "bytes", "validFrom", "x", "validTo"], failure.Errors.Select(error => error.Path));
        Assert.Empty(await PlansAsync());
        Answer(await BuyAsync("k", Order(1)));
    }

    [Theory]
    [InlineData("2026-02-03T23:59:59Z", "2026-01-01T00:00:00Z", true)]
    [InlineData("2026-02-04T00:00:00Z", "2026-01-31T23:55:00Z", false)]
    [InlineData("2026-02-04T00:00:00Z", "2026-02-01T00:00:00Z", true)]
    [InlineData("2026-01-31T12:00:00Z", "2025-12-31T23:55:00Z", false)]
    public async Task Plan_BeginsWithTheEarliestOpenMonthAtTheEarliest(string now, string from, bool isAccepted)
    {
        await PutAcmeAsync();
        await Harness.MoveToAsync(DateTimeOffset.Parse(now, null));

        var bought = await BuyAsync("k", $$"""{ "kind": "http", "bytes": 1, "validFrom": "{{from}}", "validTo": "2027-01-01T00:00:00Z" }""");

        Assert.Equal(isAccepted, bought.Failure is null);
        Assert.Equal(isAccepted ? [] : ["validFrom"], bought.Failure?.Errors.Select(error => error.Path) ?? []);
    }

    [Fact]
    public async Task SameKeyAndOrderAgain_GetTheFirstAnswer_AlsoAfterARestartAndWhenMuchHasChanged()
    {
        await PutAcmeAsync();
        var first = Answer(await BuyAsync("k", Order(1_000)));
        await ReportAsync(Minutes(0), 500);

        Assert.Equal(first, Answer(await BuyAsync("k", Order(1_000))));
        await Harness.RestartAsync();
        Assert.Equal(first, Answer(await BuyAsync("k", Order(1_000).Replace(",", " ,\n", StringComparison.Ordinal))));
        await Harness.MoveToAsync(new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
        Answer(await Control.Tenants.DeleteAsync("acme", default, "alice", None));
        Assert.Equal(first, Answer(await BuyAsync("k", Order(1_000))));
        Assert.Single(await PlansAsync());
    }

    [Fact]
    public async Task SameKeyForAnotherOrder_IsAConflict_AlsoAfterARestart()
    {
        await PutAcmeAsync();
        var first = Answer(await BuyAsync("k", Order(1_000)));

        Failure(await BuyAsync("k", Order(1_001)), ControlFailureKind.Conflict, "idempotency_key_reused");
        await Harness.RestartAsync();
        Failure(await BuyAsync("k", Order(1_000, to: 65)), ControlFailureKind.Conflict, "idempotency_key_reused");
        Failure(await BuyAsync("k", Order(1_000, kind: "http")), ControlFailureKind.Conflict, "idempotency_key_reused");

        Assert.Equal([first], await PlansAsync());
        Assert.NotEqual(first.Id, Answer(await BuyAsync("K", Order(1_000))).Id);
        Assert.Equal(2, (await PlansAsync()).Count);
    }

    [Fact]
    public async Task SameKeyOfAnotherTenant_IsAnotherKey()
    {
        await PutAcmeAsync();
        await PutTenantAsync("other");

        Answer(await BuyAsync("k", Order(1)));
        Answer(await BuyAsync("k", Order(2), "other"));
    }

    [Fact]
    public async Task OneOrderManyTimesAtOnce_IsBoughtOnce()
    {
        await PutAcmeAsync();

        var bought = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => BuyAsync("k", Order(1_000)))));

        Assert.Single(bought.Select(Answer).Distinct());
        Assert.Single(await PlansAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("ü")]
    [InlineData("a\n")]
    public async Task KeyThatIsNone_IsRefused(string key)
    {
        await PutAcmeAsync();

        Failure(await BuyAsync(key, Order(1)), ControlFailureKind.Invalid, "idempotency_key_invalid");
        Failure(await BuyAsync(new('k', 256), Order(1)), ControlFailureKind.Invalid, "idempotency_key_invalid");
        Answer(await BuyAsync(new('k', 255), Order(1)));
    }

    [Fact]
    public async Task UsedBytes_AreWhatUsageTookSoFar()
    {
        await PutAcmeAsync();
        await ReportAsync(Minutes(-10), 300);
        Answer(await BuyAsync("k1", Order(1_000)));
        Answer(await BuyAsync("k2", Order(1_000, to: 30)));
        Answer(await BuyAsync("k3", Order(1_000, kind: "http")));

        Assert.Equal([0, 300, 0], await UsedAsync());
        await ReportAsync(Minutes(5), 900);
        await ReportAsync(Minutes(30), 90);
        await ReportAsync(Minutes(60), 9);
        await ReportAsync(Minutes(-10), 3, kind: UsageKind.Http);

        Assert.Equal([290, 1000, 3], await UsedAsync());
        await Harness.RestartAsync();
        Assert.Equal([290, 1000, 3], await UsedAsync());
    }

    [Fact]
    public async Task TenantWithoutPayAsYouGo_MayHaveWhatItsPlansHold()
    {
        await PutAcmeAsync(payAsYouGo: false);
        await PutDomainAsync(Chat);
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);

        Answer(await BuyAsync("k1", Order(900)));
        await ExhaustedAsync(ExhaustedQuota.Http);
        await ReportAsync(Minutes(-5), 600);
        await ReportAsync(Minutes(0), 297);
        await PutTenantAsync("marker");
        Assert.Equal(ExhaustedQuota.Http, await ExhaustedNowAsync());
        await ReportAsync(Minutes(0), 3);
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);

        Answer(await BuyAsync("k2", Order(900, kind: "http")));
        await ExhaustedAsync(ExhaustedQuota.Websocket);
        Answer(await BuyAsync("k3", Order(1)));
        await ExhaustedAsync(ExhaustedQuota.None);
        await PutAcmeAsync(payAsYouGo: true);
        await ReportAsync(Minutes(0), 9);
        await PutAcmeAsync(payAsYouGo: false);
        await ExhaustedAsync(ExhaustedQuota.Websocket);
        await PutAcmeAsync(payAsYouGo: true);
        await ExhaustedAsync(ExhaustedQuota.None);
    }

    [Fact]
    public async Task LateUsage_TakesFromThePlansToo()
    {
        await PutAcmeAsync(payAsYouGo: false);
        await PutDomainAsync(Chat);
        Answer(await BuyAsync("k1", Order(300, from: -1440)));
        await ReportAsync(Minutes(0), 150);
        await ReportAsync(Minutes(-1440), 147);
        await ExhaustedAsync(ExhaustedQuota.Http);

        await ReportAsync(Minutes(-700), 3);

        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);
    }

    [Fact]
    public async Task PlansThatBeginAndEnd_AreFollowedAtTheirBounds()
    {
        await PutAcmeAsync(payAsYouGo: false);
        await PutDomainAsync(Chat);
        Answer(await BuyAsync("k1", Order(300, from: 10, to: 20)));
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);

        await Harness.MoveToAsync(Minutes(10));
        await ExhaustedAsync(ExhaustedQuota.Http);
        await Harness.MoveToAsync(Minutes(20));
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);
    }

    [Fact]
    public async Task PlanThatGoesOnIntoTheNextMonth_KeepsWhatIsLeft()
    {
        await PutAcmeAsync(payAsYouGo: false);
        await PutDomainAsync(Chat);
        Answer(await BuyAsync("k1", Order(300, to: 60 * 24 * 90)));
        await ReportAsync(Minutes(0), 150);
        foreach (var day in new[] { 1, 3, 4, 20, 28, 30, 60 })
        {
            await Harness.MoveToAsync(Minutes(60 * 24 * day));
            await ReportAsync(Harness.Now, 15);
        }

        Assert.Equal([255], await UsedAsync());
        await ReportAsync(Harness.Now, 45);
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);
        await Harness.RestartAsync();
        Assert.Equal(ExhaustedQuota.Websocket | ExhaustedQuota.Http, await ExhaustedNowAsync());
    }

    [Fact]
    public async Task AfterARestart_QuotaIsKnownFromTheFirstRequestOn()
    {
        await PutAcmeAsync(payAsYouGo: false);
        await PutDomainAsync(Chat);
        Answer(await BuyAsync("k1", Order(300)));

        // Without a plan both were used up too, and that is not what is to be known after the restart.
        await ExhaustedAsync(ExhaustedQuota.Http);
        await ReportAsync(Minutes(0), 300);
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);

        await Harness.RestartAsync();

        Assert.Equal(ExhaustedQuota.Websocket | ExhaustedQuota.Http, await ExhaustedNowAsync());
        await PutDomainAsync("new.example");
        await SettledAsync(async () => await ExhaustedNowAsync("new.example") is not null, () => Task.FromResult("new.example is served"));
        Assert.Equal(ExhaustedQuota.Websocket | ExhaustedQuota.Http, await ExhaustedNowAsync("new.example"));
    }

    [Fact]
    public async Task DomainMovedToATenantWithQuota_IsFreed()
    {
        await PutAcmeAsync(payAsYouGo: false);
        await PutTenantAsync("other");
        await PutDomainAsync(Chat);
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);

        await PutDomainAsync(Chat, tenant: "other");
        await ExhaustedAsync(ExhaustedQuota.None);
        await PutDomainAsync(Chat);
        await ExhaustedAsync(ExhaustedQuota.Websocket | ExhaustedQuota.Http);
    }

    [Fact]
    public async Task Threshold_IsToldOnceForEachSetOfPlans()
    {
        await PutAcmeAsync(thresholds: "80, 100");
        Answer(await BuyAsync("k1", Order(900)));
        await ReportAsync(Minutes(0), 717);
        await ReportAsync(Minutes(0), 3);
        await AlertsAsync("acme/websocket/80");
        await ReportAsync(Minutes(0), 30);
        await Harness.RestartAsync();
        await ReportAsync(Minutes(0), 600);
        await AlertsAsync("acme/websocket/80", "acme/websocket/100");

        Answer(await BuyAsync("k2", Order(900, to: 20)));
        await ReportAsync(Minutes(5), 360);
        await AlertsAsync("acme/websocket/80", "acme/websocket/100", "acme/websocket/80");
        await Harness.MoveToAsync(Minutes(25));
        await ReportAsync(Minutes(25), 3);
        Answer(await BuyAsync("k3", Order(3, kind: "http")));
        await ReportAsync(Minutes(25), 3, kind: UsageKind.Http);
        await AlertsAsync("acme/websocket/80", "acme/websocket/100", "acme/websocket/80", "acme/http/80", "acme/http/100");
    }

    [Fact]
    public async Task Statement_HoldsUsagePlansAndPrices()
    {
        await PutAcmeAsync(price: "0.12");
        Answer(await BuyAsync("k1", Order(1_000_000_000)));
        await ReportAsync(Minutes(0), 3_000_000_000);
        await ReportAsync(Minutes(0), 1_500, kind: UsageKind.Http);
        await Harness.MoveToAsync(Minutes(5));
        await PutAcmeAsync(price: "1");
        await ReportAsync(Minutes(5), 1_500_000_000);

        var statement = Answer(await Control.Billing.GetStatementAsync("acme", January, None));

        Assert.Equal(("acme", "2026-01", "open", January.ClosesAt), (statement.Tenant, statement.Month, statement.State, statement.ClosesAt));
        Assert.Equal(
            ["Websocket 0.12 3000000000 1000000000 2000000000 0.24", "Websocket 1 1500000000 0 1500000000 1.50", "Http 0 1500 0 1500 0.00"],
            statement.Lines.Select(line => $"{line.Kind} {line.PricePerGB} {line.BytesUp + line.BytesDown} {line.PlanBytes} {line.BillableBytes} {line.Amount}"));
        Assert.Equal(["plan-1 0 1000000000"], statement.Plans.Select(plan => $"{plan.Id} {plan.UsedBefore} {plan.Used}"));
        Assert.Equal([new StatementTotal("USD", 1.74m)], statement.Totals);
    }

    [Fact]
    public async Task Statement_IsThereFromTheMonthsFirstInstantOn()
    {
        await PutAcmeAsync();

        Failure(await Control.Billing.GetStatementAsync("acme", February, None), ControlFailureKind.NotFound, "not_found");
        await Harness.MoveToAsync(February.Start);
        Assert.Equal("open", Answer(await Control.Billing.GetStatementAsync("acme", February, None)).State);
        Assert.Empty(Answer(await Control.Billing.GetStatementAsync("acme", new(1999, 1), None)).Lines);
    }

    [Fact]
    public async Task ClosedStatement_StaysToTheByteAndLateUsageGoesOnTheNext()
    {
        await PutAcmeAsync(price: "0.12");
        Answer(await BuyAsync("k1", Order(1_000, to: 60)));
        Answer(await BuyAsync("k2", Order(5_000, from: 0, to: 60 * 24 * 60)));
        await ReportAsync(Minutes(0), 600);
        await Harness.MoveToAsync(January.ClosesAt.AddTicks(-1));
        await ReportAsync(Minutes(5), 300);
        await Harness.MoveToAsync(January.ClosesAt);
        await ReportAsync(Minutes(0), 30);
        await Harness.MoveToAsync(January.ClosesAt.AddMinutes(5));
        var closed = await TextAsync(January);
        Assert.Contains("\"state\": \"closed\"", closed, StringComparison.Ordinal);
        Assert.Equal(900, StatementText.Parse(Encoding.UTF8.GetBytes(closed)).Lines.Single().BytesUp + StatementText.Parse(Encoding.UTF8.GetBytes(closed)).Lines.Single().BytesDown);

        await ReportAsync(Minutes(10), 300);
        await ReportAsync(Minutes(60 * 24 * 10), 3);
        await PutAcmeAsync(price: "7");
        await Harness.RestartAsync();

        Assert.Equal(closed, await TextAsync(January));
        var next = Answer(await Control.Billing.GetStatementAsync("acme", February, None));
        Assert.Equal(["2026-01 0.12 330 330 0"], next.Adjustments.Select(line => $"{line.Month} {line.PricePerGB} {line.BytesUp + line.BytesDown} {line.PlanBytes} {line.BillableBytes}"));
        Assert.Equal(["plan-1 900 100", "plan-2 0 233"], next.Plans.Select(plan => $"{plan.Id} {plan.UsedBefore} {plan.Used}"));
        Assert.Equal([1000, 233], await UsedAsync());
    }

    [Theory]
    [InlineData("2026-02-03T23:59:30Z")]
    [InlineData("2026-01-31T12:30:00Z")]
    public async Task ClockIsSetBackOverAClosing_WhatComesThenIsOnTheNextStatement(string setBackTo)
    {
        await PutAcmeAsync();
        await ReportAsync(Minutes(0), 100);
        await Harness.MoveToAsync(January.ClosesAt + StatementPeriod.SettleTime);
        var closed = await TextAsync(January);
        await Harness.MoveToAsync(DateTimeOffset.Parse(setBackTo, System.Globalization.CultureInfo.InvariantCulture));
        await ReportAsync(Minutes(0), 9);

        Assert.Equal(closed, await TextAsync(January));
        Failure(await BuyAsync("k", Order(1)), ControlFailureKind.Invalid, "config_invalid");
        await Harness.MoveToAsync(February.ClosesAt + StatementPeriod.SettleTime);
        Assert.Equal(closed, await TextAsync(January));
        var next = Answer(await Control.Billing.GetStatementAsync("acme", February, None));
        var late = Assert.Single(next.Adjustments);
        Assert.Equal((3, 6), (late.BytesUp, late.BytesDown));
    }

    [Fact]
    public async Task StatementsThatNobodyAskedFor_AreTheSameMonthsLater()
    {
        await PutAcmeAsync(price: "0.12");
        Answer(await BuyAsync("k1", Order(1_000, to: 60 * 24 * 120)));
        await ReportAsync(Minutes(0), 300);
        for (var month = January; month < new UsageMonth(2026, 5); month = month.Next)
        {
            await Harness.MoveToAsync(month.ClosesAt.AddMinutes(5));
            await ReportAsync(Minutes(0), 30);
            await ReportAsync(Harness.Now, 150);
        }

        var statements = new List<Statement>();
        for (var month = January; month < new UsageMonth(2026, 6); month = month.Next)
        {
            statements.Add(Answer(await Control.Billing.GetStatementAsync("acme", month, None)));
        }

        Assert.Equal(
            ["closed 300/0 0+300", "closed 150/30 300+180", "closed 150/30 480+180", "closed 150/30 660+180", "open 150/30 840+160"],
            statements.Select(statement
                => $"{statement.State} {statement.Lines.Sum(line => line.BytesUp + line.BytesDown)}/{statement.Adjustments.Sum(line => line.BytesUp + line.BytesDown)} "
                    + string.Join(' ', statement.Plans.Select(plan => $"{plan.UsedBefore}+{plan.Used}"))));
    }

    [Fact]
    public async Task DeletedTenant_StaysReadableAndGoesOnWhenItIsCreatedAgain()
    {
        await PutAcmeAsync(price: "0.12");
        Answer(await BuyAsync("k1", Order(1_000)));
        await ReportAsync(Minutes(0), 3_000_000_000);
        Answer(await Control.Tenants.DeleteAsync("acme", default, "alice", None));
        await ReportAsync(Minutes(0), 3_000_000_000);
        await Harness.RestartAsync();

        Assert.Equal(["12:00 chat.example.com Websocket 6000000000"], await PointsAsync(Minutes(0), Minutes(60), 3600));
        Assert.Equal([1_000], await UsedAsync());
        Assert.Equal(0.72m, Assert.Single(Answer(await Control.Billing.GetStatementAsync("acme", January, None)).Totals).Amount);
        Assert.Null(Answer(await Control.Billing.GetWebhookAsync("acme", None)).Url);
        Failure(await BuyAsync("k2", Order(1)), ControlFailureKind.NotFound, "not_found");

        await Harness.MoveToAsync(Minutes(10));
        await PutAcmeAsync(price: "1");
        await ReportAsync(Minutes(10), 1_000_000_000);
        Assert.Equal("plan-2", Answer(await BuyAsync("k2", Order(1))).Id);
        Assert.Equal(1.72m, Assert.Single(Answer(await Control.Billing.GetStatementAsync("acme", January, None)).Totals).Amount);
    }

    [Fact]
    public async Task Reconciliation_SetsGatewaysBesideTenantsForClosedBuckets()
    {
        await PutAcmeAsync();
        await PutTenantAsync("other");
        await ReportAsync(Minutes(-20), 30);
        await ReportAsync(Minutes(-20), 60, tenant: "other");
        await ReportAsync(Minutes(-20), 90, kind: UsageKind.Http);
        await ReportAsync(Minutes(-20), 90, tenant: UsageShard.OwnerOfGateway("edge-1"), domain: "");
        await ReportAsync(Minutes(-20), 60, tenant: UsageShard.OwnerOfGateway("edge-2"), domain: "", kind: UsageKind.Http);
        await ReportAsync(Minutes(-10), 3);
        await ReportAsync(Minutes(-5), 300);

        string[] expected = ["11:40 Websocket 90 90", "11:40 Http 60 90", "11:50 Websocket 0 3"];
        Assert.Equal(expected, (await ReconcileAsync(new())).Select(Text));
        for (var limit = 1; limit <= 4; limit++)
        {
            Assert.Equal(
                expected, (await AllPagesAsync(limit, page => Control.Billing.ReconcileAsync(Minutes(-60), Minutes(60), page, None))).Select(Text));
        }

        await Harness.MoveToAsync(Minutes(5));
        Assert.Equal([.. expected, "11:55 Websocket 0 300"], (await ReconcileAsync(new())).Select(Text));
        Failure(await Control.Billing.ReconcileAsync(Minutes(-60), Minutes(60), new("x"), None), ControlFailureKind.Invalid, "cursor_invalid");

        static string Text(Reconciliation item)
            => $"{item.Start:HH:mm} {item.Kind} {item.Gateways.BytesUp + item.Gateways.BytesDown} {item.Tenants.BytesUp + item.Tenants.BytesDown}";
    }

    [Fact]
    public async Task WebhooksSecret_IsTheTenantsOwnAndStays()
    {
        await PutAcmeAsync();
        await PutTenantAsync("other");

        var secret = Answer(await Control.Billing.GetWebhookAsync("acme", None)).Secret;

        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        Assert.Equal(32, Convert.FromBase64String(secret["whsec_".Length..]).Length);
        Assert.NotEqual(secret, Answer(await Control.Billing.GetWebhookAsync("other", None)).Secret);
        await Harness.RestartAsync();
        Assert.Equal(secret, Answer(await Control.Billing.GetWebhookAsync("acme", None)).Secret);
    }

    private static DateTimeOffset Minutes(int minutes) => new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero).AddMinutes(minutes);

    private static string Order(long bytes, int from = -60, int to = 60, string kind = "websocket")
        => $$"""{ "kind": "{{kind}}", "bytes": {{bytes}}, "validFrom": "{{Minutes(from):yyyy-MM-ddTHH:mm:ssZ}}", "validTo": "{{Minutes(to):yyyy-MM-ddTHH:mm:ssZ}}" }""";

    private async Task PutAcmeAsync(bool payAsYouGo = true, string price = "0", string thresholds = "")
        => Answer(await Control.Tenants.PutAsync(
            "acme",
            Encoding.UTF8.GetBytes(
                $$"""
                { "tenant": "acme", "payAsYouGo": { "enabled": {{(payAsYouGo ? "true" : "false")}}, "pricePerGB": { "websocket": "{{price}}" } },
                  "alerts": { "thresholds": [{{thresholds}}] } }
                """),
            default,
            "alice",
            None));

    private Task<ControlResult<PlanInfo>> BuyAsync(string key, string order, string tenant = "acme")
        => Control.Billing.BuyPlanAsync(tenant, Encoding.UTF8.GetBytes(order), key, "alice", None);

    /// <summary>Reports bytes, a third of them up, as a source of its own unless one is named.</summary>
    private async Task ReportAsync(
        DateTimeOffset time, long bytes, string domain = Chat, UsageKind kind = UsageKind.Websocket, string tenant = "acme", UsageSourceId? source = null, long number = 1)
    {
        var counts = new UsageCounts { BytesUp = bytes / 3, BytesDown = bytes - (bytes / 3), MessagesUp = 1, MessagesDown = 2, Sessions = 3, SessionMilliseconds = 4 };
        var bucket = UsageBucket.At(time);
        var replies = await Harness.Usage.ReportAsync(
            [
                new()
                {
                    Source = source ?? UsageSourceId.New(),
                    Gateway = Harness.GatewayName,
                    Shard = new(tenant, bucket.Hour),
                    Number = number,
                    Acknowledged = number - 1,
                    Entries = [new(new(domain, kind, bucket), counts)],
                },
            ],
            None);
        Assert.Equal(UsageReplyKind.Stored, Assert.Single(replies).Kind);
    }

    private async Task<List<string>> PointsAsync(DateTimeOffset from, DateTimeOffset to, int interval, string? domain = null, UsageKind? kind = null)
    {
        var answer = Answer(await Control.Billing.QueryUsageAsync("acme", new(from, to, interval, domain, kind), None));
        Assert.Equal(answer.Points.Sum(point => point.BytesUp), answer.Total.BytesUp);
        Assert.Equal(answer.Points.Sum(point => point.BytesDown), answer.Total.BytesDown);
        return [.. answer.Points.Select(point => $"{point.Start:HH:mm} {point.Domain} {point.Kind} {point.BytesUp + point.BytesDown}")];
    }

    private Task<List<PlanInfo>> PlansAsync() => AllPagesAsync(100, page => Control.Billing.ListPlansAsync("acme", page, None));

    private async Task<List<long>> UsedAsync() => [.. (await PlansAsync()).Select(plan => plan.UsedBytes)];

    private Task<List<Reconciliation>> ReconcileAsync(PageRequest page)
        => AllPagesAsync(100, next => Control.Billing.ReconcileAsync(Minutes(-60), Minutes(60), page with { After = next.After }, None));

    private async Task<string> TextAsync(UsageMonth month)
        => Encoding.UTF8.GetString(StatementText.Json(Answer(await Control.Billing.GetStatementAsync("acme", month, None))));

    private async Task<ExhaustedQuota?> ExhaustedNowAsync(string domain = Chat) => (await Harness.Source.FindAsync(domain, None))?.Exhausted;

    private Task ExhaustedAsync(ExhaustedQuota expected)
        => SettledAsync(async () => await ExhaustedNowAsync() == expected, async () => $"{expected} is exhausted, not {await ExhaustedNowAsync()}");

    private Task AlertsAsync(params string[] expected)
        => SettledAsync(async () => expected.SequenceEqual(await AlertNamesAsync()), async () => $"alerts {string.Join(", ", expected)}, not {string.Join(", ", await AlertNamesAsync())}");

    private async Task<IEnumerable<string>> AlertNamesAsync()
        => Answer(await Control.ListAuditAsync(new(Limit: 1000), None)).Items
            .Where(entry => entry is { Action: "alert", Kind: "quota", By: "edge" })
            .Select(entry => entry.Name);

    /// <summary>Waits for what usage brings about in the background.</summary>
    private static async Task SettledAsync(Func<Task<bool>> condition, Func<Task<string>> expected)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < Patience, $"not within {Patience.TotalSeconds} s: {await expected()}");
            await Task.Delay(10);
        }
    }
}
