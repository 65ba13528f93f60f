using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Admin;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>The account of one tenant. What changes it is decided, written, answered, one after the other; what only reads usage
/// interleaves, so that a long month keeps no decision waiting.</summary>
internal sealed class AccountGrain(
    [PersistentState("account", SiloSetup.Storage)] IPersistentState<AccountStateRecord> state,
    RedisStatements statements,
    RedisUsageReader usage,
    UsageMark mark,
    WatchedAccounts watched,
    WebhookSecrets secrets,
    WebhookCaller webhooks,
    RedisFence fence,
    AuditLog audit,
    EdgeClock clock,
    ILogger<AccountGrain> logger) : Grain, IAccountGrain
{
    private const int MostClosingAttempts = 5;

    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    // Shards that store usage of an account that did not care ask again only after this long; until then it looks by itself.
    private static readonly TimeSpan LooksByItselfFor = UsageTelling.IdleInterval * 2;
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly PlanMeter _meter = new();
    private AccountStore _store = null!;
    private ExhaustedTelling _exhausted = null!;
    private AlertTelling _alerts = null!;
    private ChangedHours _changed = ChangedHours.None;
    private DateTimeOffset? _askedAt;
    private IGrainTimer? _timer;
    private long _watchedSince;

    private string Id => this.GetPrimaryKeyString();

    private bool IsConcerned => _store.Account is { } account && QuotaVerdict.Concerns(account, _store.Tenant);

    private List<AlertRecord> Pending => [.. (_store.Account?.Record.Alerts ?? []).Where(static alert => alert.IsPending)];

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _store = new(Id, state);
        _store.Load();
        _exhausted = new(GrainFactory.GetGrain<ITenantGrain>(Id), logger);
        _alerts = new(this.AsReference<IAccountGrain>(), Id, webhooks, clock, logger);
        await WatchAsync();
    }

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _exhausted.End();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<ExhaustedQuota> FollowAsync(IReadOnlyList<TenantVersionWire> versions)
    {
        ArgumentNullException.ThrowIfNull(versions);
        if (versions.Count == 0)
        {
            throw new ArgumentException("There is no version to follow.", nameof(versions));
        }

        await _store.FollowAsync(versions);
        await WatchAsync();
        var verdict = await JudgeAsync();
        _exhausted.NoteTold(verdict.Exhausted);
        await FireAsync();
        return verdict.Exhausted;
    }

    /// <inheritdoc/>
    public async Task<bool> UsageGrownAsync(int hour)
    {
        _changed = _changed.With(new(hour));
        if (!IsConcerned)
        {
            return false;
        }

        await SettleAsync(isTold: true);
        return true;
    }

    /// <inheritdoc/>
    public async Task TendAsync()
    {
        await _store.EnsureKnownAsync();
        _exhausted.Forget();
        await SettleAsync();
        await WriteAuditAsync();
        var month = StatementPeriod.LastSettled(clock.Now);
        if (_store.Account?.NotesClosingOf(month) == true)
        {
            // Not awaited: what it makes is kept in a turn of its own.
            this.AsReference<IAccountGrain>().GetStatementAsync(month.ToString()).Ignore();
        }
    }

    /// <inheritdoc/>
    public Task<Reply<byte[]>> QueryUsageAsync(UsageQueryWire query)
    {
        ArgumentNullException.ThrowIfNull(query);
        var answer = new UsageAnswerBuilder(Id, query.ToQuery());
        return AnswerAsync<UsageAnswer>(async _ =>
        {
            if (!answer.IsTooBig)
            {
                await foreach (var hour in usage.ReadAsync(Id, answer.From, answer.To))
                {
                    answer.Add(hour);
                    if (answer.IsTooBig)
                    {
                        break;
                    }
                }
            }

            return answer.Build();
        });
    }

    /// <inheritdoc/>
    public Task<Reply<byte[]>> ListPlansAsync(PageRequestWire page)
        => AnswerAsync(async account => PlanPages.List(account, await MeasureAllAsync(account), page.ToPage()));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> GetPlanAsync(string id)
        => AnswerAsync(async account => PlanPages.Get(account, await MeasureAllAsync(account), id));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> BuyPlanAsync(byte[] json, string idempotencyKey, string by)
        => AnswerAsync<PlanInfo>(_ => BuyAsync(json, idempotencyKey, by));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> GetStatementAsync(string month)
    {
        if (!UsageMonth.TryParse(month, out var asked))
        {
            throw new ArgumentException($"\"{month}\" {UsageMonth.Rule}.", nameof(month));
        }

        var now = clock.Now;
        return AnswerAsync<Statement>(async account => now < asked.Start ? ControlFailures.NotFound("statement", $"{Id}/{month}")
            : asked <= StatementPeriod.LastSettled(now) || asked <= (await mark.ReadAsync()).ClosedThrough ? await ClosedAsync(asked)
            : (await MakeAsync(account, asked)).Build(isClosed: false));
    }

    /// <inheritdoc/>
    public Task<Reply<byte[]>> GetWebhookAsync()
        => AnswerAsync<WebhookInfo>(async _ => new WebhookInfo(_store.Tenant?.Alerts.Webhook, WebhookMessage.TextOf(await secrets.OfAsync(Id))));

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>> KeepClosedAsync(ClosingWire closing)
    {
        ArgumentNullException.ThrowIfNull(closing);
        await _store.EnsureKnownAsync();
        var statement = StatementText.Parse(closing.Statement.Span);
        var month = UsageMonth.TryParse(statement.Month, out var parsed) ? parsed : throw new ArgumentException("The statement has no month.", nameof(closing));
        if (await statements.FindAsync(Id, month) is { } closed)
        {
            return StatementText.Json(closed);
        }

        if (_store.Basis != closing.Basis)
        {
            return default;
        }

        var kept = statement.IsEmpty ? statement : await statements.KeepAsync(month, statement);
        await _store.ChangeAsync(() => _store.Account is { } account && account.NotesClosingOf(month) ? account.RecordClosed(month, new([.. closing.Used])) : null);
        logger.StatementClosed(Id, statement.Month);
        return StatementText.Json(kept);
    }

    /// <inheritdoc/>
    public async Task NoteToldAsync(string alert)
    {
        await _store.ChangeAsync(() => _store.Account?.RecordTold(alert));
        await WatchAsync();
    }

    private async Task<Reply<byte[]>> AnswerAsync<T>(Func<Account, Task<ControlResult<T>>> answer)
    {
        try
        {
            return _store.Account is { } account ? BillingJson.Of(await answer(account)) : ControlFailures.NotFound(AuditWords.Tenant, Id);
        }
        catch (Exception failure) when (RedisFailures.IsAway(failure) || failure is RedisDamageException)
        {
            return ControlFailures.Unavailable(failure.Message);
        }
    }

    private async Task<ControlResult<PlanInfo>> BuyAsync(ReadOnlyMemory<byte> json, string key, string by)
    {
        // A clock that went back opens no statement again.
        var closed = await mark.ReadAsync();
        var purchase = default(PlanPurchase);
        await _store.ChangeAsync(() =>
        {
            purchase = PlanPurchase.Decide(_store.Account!, _store.Tenant is not null, json, key, closed.At(clock.Now));
            return purchase.Order is { } order ? _store.Account!.RecordBought(order, key, by, clock.Now, audit: 0) : null;
        });
        if (purchase.Failure is { } failure)
        {
            return failure;
        }

        await WaitForStoreAsync();
        return purchase.Repeated ?? await BoughtAsync(key, by);
    }

    // What is paid for must not be lost with the second that Redis may lose.
    private async Task WaitForStoreAsync()
    {
        try
        {
            await fence.WaitAsync();
        }
        catch
        {
            _store.Doubt();
            throw;
        }
    }

    private async Task<PlanInfo> BoughtAsync(string key, string by)
    {
        var plan = _store.Account!.Record.Plans.First(plan => plan.Key == key);
        logger.PlanBought(Id, plan.Id, by);
        await AfterwardsAsync(WatchAsync);
        await AfterwardsAsync(WriteAuditAsync);
        await AfterwardsAsync(SettleAsync);
        return plan.ToInfo(usedBytes: 0);
    }

    // What is stored is answered; what follows from it is tried again by the timer.
    private async Task AfterwardsAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception failure)
        {
            logger.BillingFailed(failure, Id);
        }
    }

    private async Task<ControlResult<Statement>> ClosedAsync(UsageMonth month)
    {
        if (await statements.FindAsync(Id, month) is { } closed)
        {
            return closed;
        }

        await mark.CloseThroughAsync(month);
        for (var next = _store.Account!.FirstToClose(month); next < month; next = next.Next)
        {
            await CloseAsync(next);
        }

        return await CloseAsync(month);
    }

    private async Task<Statement> CloseAsync(UsageMonth month)
    {
        for (var attempt = 0; attempt < MostClosingAttempts; attempt++)
        {
            var (account, basis) = (_store.Account!, _store.Basis);
            var making = await MakeAsync(account, month);
            var used = Enumerable.Range(0, account.Plans.All.Length).Select(plan => making.Use[plan]);
            var kept = await this.AsReference<IAccountGrain>().KeepClosedAsync(
                new() { Basis = basis, Statement = StatementText.Json(making.Build(isClosed: true)), Used = [.. used] });
            if (!kept.IsEmpty)
            {
                return StatementText.Parse(kept.Span);
            }
        }

        throw new TimeoutException($"The account of \"{Id}\" changed all the time while the statement {month} was being made.");
    }

    private async Task<StatementMaking> MakeAsync(Account account, UsageMonth month)
    {
        var making = new StatementMaking(account, month);
        await statements.ReadAsync(Id, making.Requests());
        return making;
    }

    private async Task<PlanUse> MeasureAsync(Account account)
    {
        if (account.Plans.All.IsEmpty)
        {
            return PlanUse.Nothing;
        }

        var changed = _changed;
        _changed = ChangedHours.None;
        _askedAt ??= clock.Now;
        await statements.ReadAsync(Id, _meter.Measure(account, changed, clock.Now));
        return _meter.Use;
    }

    // With everything that was acknowledged, whether the account was told of it or not.
    private async Task<PlanUse> MeasureAllAsync(Account account)
    {
        if (_askedAt is { } askedAt && !account.Plans.All.IsEmpty)
        {
            var now = clock.Now;
            foreach (var hour in await usage.ListChangedAsync(Id, askedAt))
            {
                _changed = _changed.With(hour);
            }

            _askedAt = now;
        }

        return await MeasureAsync(account);
    }

    /// <param name="isTold">Whether the account was just told what has changed.</param>
    private async Task<QuotaVerdict> JudgeAsync(bool isTold = false)
    {
        if (_store.Account is not { } account)
        {
            return QuotaVerdict.None;
        }

        var use = !QuotaVerdict.NeedsUse(account, _store.Tenant, clock.Now) ? _meter.Use
            : isTold ? await MeasureAsync(account)
            : await MeasureAllAsync(account);
        return QuotaVerdict.Of(account, _store.Tenant, use, clock.Now);
    }

    private Task SettleAsync() => SettleAsync(isTold: false);

    private async Task SettleAsync(bool isTold)
    {
        // The relay is told first: a slow store must not let more traffic through.
        _exhausted.Decide((await JudgeAsync(isTold)).Exhausted);
        await FireAsync();
    }

    private async Task FireAsync()
    {
        IReadOnlyList<AlertRecord> fired = [];
        await _store.ChangeAsync(() =>
        {
            var (account, now) = (_store.Account, clock.Now);
            fired = account is null ? [] : QuotaVerdict.Of(account, _store.Tenant, _meter.Use, now)
                .Fire(now, _store.Tenant?.Alerts.Webhook is not null, static () => 0);
            return fired.Count > 0 ? account!.Record with { Alerts = [.. account.AlertsToKeep(now), .. fired] } : null;
        });
        foreach (var alert in fired)
        {
            logger.ThresholdReached(Id, alert.Threshold, alert.Kind);
        }

        if (fired.Count > 0)
        {
            await WatchAsync();
            await WriteAuditAsync();
        }

        _alerts.Tell(Pending, _store.Tenant?.Alerts.Webhook);
    }

    // The record is the commit: what has no line in the audit yet is marked with 0 until it has.
    private async Task WriteAuditAsync()
    {
        var record = _store.Account?.Record;
        var lines = record is null ? [] : record.Plans.Where(static plan => plan.Audit == 0).Select(plan => (plan.Id, Line: BillingAudit.Of(Id, plan)))
            .Concat(record.Alerts.Where(static alert => alert.Audit == 0).Select(alert => (alert.Id, Line: BillingAudit.Of(Id, alert))))
            .ToList();
        foreach (var (id, line) in lines)
        {
            await audit.AppendOnceAsync("bill", $"{Id}/{id}", [(1, line)]);
        }

        if (lines.Count > 0)
        {
            await _store.ChangeAsync(() => _store.Account!.Record with
            {
                Plans = [.. _store.Account.Record.Plans.Select(static plan => plan with { Audit = 1 })],
                Alerts = [.. _store.Account.Record.Alerts.Select(static alert => alert with { Audit = 1 })],
            });
        }
    }

    /// <summary>Sees to it that what comes due by itself is done, here or where the account is active next.</summary>
    private async Task WatchAsync()
    {
        var isWatched = IsConcerned || Pending.Count > 0;
        if (isWatched && _timer is null)
        {
            await watched.AddAsync(Id);
            _watchedSince = Stopwatch.GetTimestamp();
            _timer = this.RegisterGrainTimer(OnTimerAsync, new GrainTimerCreationOptions { DueTime = LookInterval, Period = LongestWait, KeepAlive = true });
        }
        else if (!isWatched && _timer is not null)
        {
            _timer.Dispose();
            _timer = null;
            await watched.RemoveAsync(Id);
        }
    }

    private async Task OnTimerAsync()
    {
        var looksByItself = Stopwatch.GetElapsedTime(_watchedSince) < LooksByItselfFor;
        var now = clock.Now;
        var wait = UsageBucket.At(now).End - now;
        _timer?.Change(looksByItself ? LookInterval : wait < LongestWait ? wait : LongestWait, LongestWait);
        await AfterwardsAsync(TendAsync);
    }
}
