using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Usage, plans and statements of one process on local files. Thread safe; what changes is changed in turns of the change queue
/// that it shares with the documents.</summary>
internal sealed class FileBilling : IBilling, IDisposable
{
    private readonly Accounts _accounts;
    private readonly Statements _statements;
    private readonly StatementClosing _closing;
    private readonly UsageQueries _queries;
    private readonly QuotaWatch _quota;
    private readonly WebhookKey _key;
    private readonly WebhookSender _webhooks;
    private readonly BillingSurroundings _around;
    private readonly IUsageStore _usage;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Reads the accounts. Nothing happens by itself before <see cref="Start"/>.</summary>
    /// <param name="data">The data directory.</param>
    /// <param name="usage">The ledger.</param>
    /// <param name="around">What it needs of the control plane.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes the events 3100–3199.</param>
    /// <exception cref="DataDirectoryException">An account is damaged.</exception>
    public FileBilling(DataFolder data, IUsageStore usage, BillingSurroundings around, TimeProvider time, ILogger logger)
    {
        _usage = usage;
        _around = around;
        _time = time;
        _logger = logger;
        var buyers = new Lazy<HashSet<string>>(() => PlanBuyers.List(around.Audit));
        _accounts = new(data, tenant => buyers.Value.Contains(tenant), around.VersionsAfter, time, logger);
        _statements = new(usage);
        _queries = new(usage);
        _key = new(data);
        _webhooks = new(_key, tenant => around.TenantOf(tenant)?.Alerts.Webhook, time, logger) { Done = ToldAsync };
        _closing = new(_accounts, _statements, new(data), usage, around.Changes, time, logger);
        _quota = new(_accounts, _statements, around.TenantOf, around.ExhaustedChanged, around.Changes, around.Audit, _webhooks, time, logger)
        {
            BucketBegan = _closing.CloseLast,
        };
    }

    /// <summary>Lines of the audit that a crash prevented.</summary>
    public IEnumerable<AuditEntry> MissingInAudit => _accounts.All.SelectMany(account => BillingAudit.Missing(account.Account.Record, _around.Audit.LastWrittenId));

    /// <summary>Brings the accounts up to date with the tenants' documents, judges all quotas, and goes on in the background. Called in a
    /// turn, before anything is served.</summary>
    public void Start(IEnumerable<DocumentState<TenantConfig>> tenants)
    {
        _accounts.FollowAll(tenants);
        _usage.Stored = _quota.UsageStored;
        _quota.Start();
        _closing.CloseLast();
        foreach (var account in _accounts.All)
        {
            foreach (var alert in account.Account.Record.Alerts.Where(static alert => alert.IsPending))
            {
                _webhooks.Send(account.Tenant, alert);
            }
        }

        _logger.BillingOpened(
            _accounts.All.Count,
            _accounts.All.Sum(static account => account.Account.Plans.All.Length),
            _accounts.All.Count(static account => account.Exhausted != ExhaustedQuota.None));
    }

    /// <summary>Kinds of traffic that a tenant may have no more of.</summary>
    public ExhaustedQuota ExhaustedOf(string tenant) => _accounts.Find(tenant)?.Exhausted ?? ExhaustedQuota.None;

    /// <summary>Follows a change of a tenant's document. Called in a turn.</summary>
    /// <param name="tenant">What is in force now.</param>
    /// <param name="flush">Whether what is stored must be on the disk afterwards.</param>
    /// <returns>Whether <see cref="ExhaustedOf"/> has changed.</returns>
    public bool TenantChanged(DocumentState<TenantConfig> tenant, bool flush) => _quota.Settle(_accounts.Follow(tenant, flush));

    /// <inheritdoc/>
    public Task<ControlResult<UsageAnswer>> QueryUsageAsync(string tenant, UsageQuery query, CancellationToken cancellationToken)
        => Reading(() => _accounts.Find(tenant) is null ? NoTenant(tenant) : _queries.Query(tenant, query, cancellationToken));

    /// <inheritdoc/>
    public Task<ControlResult<Page<PlanInfo>>> ListPlansAsync(string tenant, PageRequest page, CancellationToken cancellationToken)
        => Reading(() => _accounts.Find(tenant) is { Account: var current } account ? PlanPages.List(current, UseOf(account, current), page) : NoTenant(tenant));

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> GetPlanAsync(string tenant, string id, CancellationToken cancellationToken)
        => Reading(() => _accounts.Find(tenant) is { Account: var current } account ? PlanPages.Get(current, UseOf(account, current), id) : NoTenant(tenant));

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> BuyPlanAsync(
        string tenant, ReadOnlyMemory<byte> json, string idempotencyKey, string by, CancellationToken cancellationToken)
        => PlanPurchase.CheckKey(idempotencyKey) is { } failure
            ? Task.FromResult<ControlResult<PlanInfo>>(failure)
            : _around.Changes.RunAsync(() => BuyPlan(tenant, json, idempotencyKey, by), cancellationToken);

    /// <inheritdoc/>
    public async Task<ControlResult<Statement>> GetStatementAsync(string tenant, UsageMonth month, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        if (_accounts.Find(tenant) is not { } account)
        {
            return NoTenant(tenant);
        }

        if (now < month.Start)
        {
            return ControlFailures.NotFound("statement", $"{tenant}/{month}");
        }

        try
        {
            return month <= StatementPeriod.LastSettled(now) || month <= _usage.ClosedThrough
                ? await _closing.GetAsync(account, month, cancellationToken)
                : _statements.Make(account.Account, month, isClosed: false).Statement;
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            return DataFailures.Unavailable(failure.Message);
        }
    }

    /// <inheritdoc/>
    public Task<ControlResult<Page<Reconciliation>>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequest page, CancellationToken cancellationToken)
        => Reading(() => _queries.Reconcile(from, to, _time.GetUtcNow(), page, cancellationToken));

    /// <inheritdoc/>
    public Task<ControlResult<WebhookInfo>> GetWebhookAsync(string tenant, CancellationToken cancellationToken)
        => Reading<WebhookInfo>(() => _accounts.Find(tenant) is null
            ? NoTenant(tenant)
            : new WebhookInfo(_around.TenantOf(tenant)?.Alerts.Webhook, WebhookMessage.TextOf(_key.SecretOf(tenant))));

    /// <summary>Ends what goes on in the background.</summary>
    public void Dispose()
    {
        _usage.Stored = static _ => { };
        _quota.Dispose();
        _closing.Dispose();
        _webhooks.Dispose();
    }

    private static ControlFailure NoTenant(string tenant) => ControlFailures.NotFound(AuditWords.Tenant, tenant);

    private static Task<ControlResult<T>> Reading<T>(Func<ControlResult<T>> read)
    {
        try
        {
            return Task.FromResult(read());
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            return Task.FromResult<ControlResult<T>>(DataFailures.Unavailable(failure.Message));
        }
        catch (OperationCanceledException canceled)
        {
            return Task.FromCanceled<ControlResult<T>>(canceled.CancellationToken);
        }
    }

    private PlanUse UseOf(TenantAccount account, Account current)
        => current.Plans.All.IsEmpty ? PlanUse.Nothing : account.Meter.Measure(current, _statements, _time.GetUtcNow());

    private ControlResult<PlanInfo> BuyPlan(string tenant, ReadOnlyMemory<byte> json, string key, string by)
    {
        if (_accounts.Find(tenant) is not { } account)
        {
            return NoTenant(tenant);
        }

        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        // A clock that went back opens no statement again.
        var effective = new UsageClock(_usage.ClosedThrough).At(now);
        var purchase = PlanPurchase.Decide(account.Account, _around.TenantOf(tenant) is not null, json, key, effective);
        return purchase switch
        {
            { Failure: { } failure } => failure,
            { Repeated: { } bought } => bought,
            _ => Commit(account, purchase.Order!, key, by, now),
        };
    }

    private PlanInfo Commit(TenantAccount account, PlanOrder order, string key, string by, DateTimeOffset now)
    {
        _accounts.Replace(account, account.Account.RecordBought(order, key, by, now, _around.Audit.TakeId()));
        var plan = account.Account.Record.Plans[^1];
        _around.Audit.Append(BillingAudit.Of(account.Tenant, plan));
        _logger.PlanBought(account.Tenant, plan.Id, by);
        if (_quota.Settle(account))
        {
            _around.ExhaustedChanged(account.Tenant, account.Exhausted);
        }

        return plan.ToInfo(usedBytes: 0);
    }

    private async Task ToldAsync(string tenant, AlertRecord told, CancellationToken cancellationToken)
        => await _around.Changes.RunAsync<bool>(
            () =>
            {
                if (_accounts.Find(tenant) is { } account)
                {
                    _accounts.Replace(account, account.Account.RecordTold(told.Id));
                }

                return true;
            },
            cancellationToken);
}

/// <summary>What billing needs of the control plane that it is a part of.</summary>
internal sealed record BillingSurroundings
{
    public required ChangeQueue Changes { get; init; }

    public required AuditLog Audit { get; init; }

    /// <summary>The document of a tenant that is in force; null: there is none.</summary>
    public required Func<string, TenantConfig?> TenantOf { get; init; }

    /// <summary>Kept versions of a tenant's document after a number, oldest first, by the stem of its file.</summary>
    public required Func<string, long, IEnumerable<VersionRecord<TenantConfig>>> VersionsAfter { get; init; }

    /// <summary>Tells the relay of what a tenant may have no more of. Called in a turn of the change queue.</summary>
    public required Action<string, ExhaustedQuota> ExhaustedChanged { get; init; }
}
