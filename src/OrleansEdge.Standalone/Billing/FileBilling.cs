using System.Globalization;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Usage, plans and statements of one process on local files. Thread safe; what changes is changed in turns of the change queue
/// that it shares with the documents.</summary>
internal sealed class FileBilling : IBilling, IDisposable
{
    private const string PlanIdPrefix = "plan-";
    private const int MaxKeyLength = 255;

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
        var buyers = new Lazy<HashSet<string>>(() => BillingAudit.ListBuyers(around.Audit));
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
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Interval is not (300 or 3600 or 86_400) || query.From >= query.To || query.From < DateTimeOffset.UnixEpoch)
        {
            throw new ArgumentException("From must be before to and not before 1970, and the interval 300, 3600 or 86400 seconds.", nameof(query));
        }

        return Reading(() => _accounts.Find(tenant) is null ? NoTenant(tenant) : _queries.Query(tenant, query, cancellationToken));
    }

    /// <inheritdoc/>
    public Task<ControlResult<Page<PlanInfo>>> ListPlansAsync(string tenant, PageRequest page, CancellationToken cancellationToken)
        => Reading(() => _accounts.Find(tenant) is { } account ? ListPlans(account, page) : NoTenant(tenant));

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> GetPlanAsync(string tenant, string id, CancellationToken cancellationToken)
        => Reading(() => _accounts.Find(tenant) is { } account ? GetPlan(account, id) : NoTenant(tenant));

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> BuyPlanAsync(
        string tenant, ReadOnlyMemory<byte> json, string idempotencyKey, string by, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(idempotencyKey);
        var isKey = idempotencyKey.Length is > 0 and <= MaxKeyLength && idempotencyKey.All(static letter => letter is > ' ' and <= '~');
        return isKey
            ? _around.Changes.RunAsync(() => BuyPlan(tenant, json, idempotencyKey, by), cancellationToken)
            : Task.FromResult<ControlResult<PlanInfo>>(new ControlFailure(
                ControlFailureKind.Invalid, "idempotency_key_invalid", $"An idempotency key has 1 to {MaxKeyLength} visible ASCII characters."));
    }

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
            return month <= Statements.LastSettled(now) || month <= _usage.ClosedThrough
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
        => Reading(() => _queries.Reconcile(from, to, _time.GetUtcNow() - UsageBucket.Length, page, cancellationToken));

    /// <inheritdoc/>
    public Task<ControlResult<WebhookInfo>> GetWebhookAsync(string tenant, CancellationToken cancellationToken)
        => Reading<WebhookInfo>(() => _accounts.Find(tenant) is null
            ? NoTenant(tenant)
            : new WebhookInfo(_around.TenantOf(tenant)?.Alerts.Webhook, WebhookKey.Text(_key.SecretOf(tenant))));

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

    private ControlResult<Page<PlanInfo>> ListPlans(TenantAccount account, PageRequest page)
    {
        var current = account.Account;
        var plans = current.Record.Plans;
        var first = 0;
        if (page.After is { } after)
        {
            first = current.IndexOf(after) + 1;
            if (first == 0)
            {
                return ControlFailures.BadCursor(after);
            }
        }

        var use = UseOf(account, current);
        var end = Math.Min(plans.Count, first + Paging.LimitOf(page));
        var items = Enumerable.Range(first, end - first).Select(index => plans[index].ToInfo(use[index])).ToList();
        return new Page<PlanInfo>(items, end < plans.Count ? plans[end - 1].Id : null);
    }

    private ControlResult<PlanInfo> GetPlan(TenantAccount account, string id)
    {
        var current = account.Account;
        var index = current.IndexOf(id);
        return index < 0
            ? ControlFailures.NotFound(AuditWords.Plan, $"{account.Tenant}/{id}")
            : current.Record.Plans[index].ToInfo(UseOf(account, current)[index]);
    }

    private PlanUse UseOf(TenantAccount account, Account current)
        => current.Plans.All.IsEmpty ? PlanUse.Nothing : account.Meter.Measure(current, _statements, _time.GetUtcNow());

    private ControlResult<PlanInfo> BuyPlan(string tenant, ReadOnlyMemory<byte> json, string key, string by)
    {
        if (_accounts.Find(tenant) is not { } account)
        {
            return NoTenant(tenant);
        }

        if (account.Account.Record.Plans.FirstOrDefault(plan => plan.Key == key) is { } bought)
        {
            return Repeat(bought, json);
        }

        if (_around.TenantOf(tenant) is null)
        {
            return NoTenant(tenant);
        }

        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        var parsed = PlanDocument.Parse(json, EarliestStart(account.Account, now));
        return parsed.Value is { } order ? Commit(account, order, key, by, now) : ControlFailures.Invalid(AuditWords.Plan, parsed.Errors);
    }

    // What was in order when it was first asked for is in order when it is asked for again, so the time of validity is not looked at.
    private static ControlResult<PlanInfo> Repeat(PlanRecord bought, ReadOnlyMemory<byte> json)
    {
        var parsed = PlanDocument.Parse(json, DateTimeOffset.MinValue);
        return parsed.Value is not { } order ? ControlFailures.Invalid(AuditWords.Plan, parsed.Errors)
            : order == bought.Order ? bought.ToInfo(usedBytes: 0)
            : new ControlFailure(
                ControlFailureKind.Conflict, "idempotency_key_reused", $"The idempotency key \"{bought.Key}\" was used for another order, which became {bought.Id}.");
    }

    // A clock that went back opens no statement again.
    private DateTimeOffset EarliestStart(Account account, DateTimeOffset now)
    {
        var earliest = StatementPeriod.EarliestOpen(_usage.ClosedThrough is { } last ? new UsageClock(last).At(now) : now);
        return account.Closed is { } closed && closed.End > earliest ? closed.End : earliest;
    }

    private PlanInfo Commit(TenantAccount account, PlanOrder order, string key, string by, DateTimeOffset now)
    {
        var record = account.Account.Record;
        var id = PlanIdPrefix + (record.Plans.Count + 1).ToString(CultureInfo.InvariantCulture);
        var plan = new PlanRecord(id, order.Kind, order.Bytes, order.ValidFrom, order.ValidTo, now, by, key, _around.Audit.TakeId(), UsedByClosed: 0);
        _accounts.Replace(account, record with { Plans = [.. record.Plans, plan] });
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
                    var alerts = account.Account.Record.Alerts.Select(alert => alert.Id == told.Id ? alert with { IsPending = false } : alert);
                    _accounts.Replace(account, account.Account.Record with { Alerts = [.. alerts] });
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
