using System.Collections.Concurrent;
using System.Threading.Channels;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Sees when prepaid traffic is used up or reaches a threshold: after usage was stored, when plans begin and end, and when plans
/// and tenants change. Usage is looked at in the background, so that who reports it waits for nothing; tenants that cannot run out of
/// anything cost nothing. Thread safe.</summary>
internal sealed class QuotaWatch : IDisposable
{
    // The clock may be set meanwhile: no timer waits for the next bound of buckets longer than this.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly Accounts _accounts;
    private readonly Statements _statements;
    private readonly Func<string, TenantConfig?> _tenantOf;
    private readonly Action<string, ExhaustedQuota> _exhaustedChanged;
    private readonly ChangeQueue _changes;
    private readonly AuditLog _audit;
    private readonly WebhookSender _webhooks;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, TenantAccount> _due = new(StringComparer.Ordinal);
    private readonly Channel<bool> _work = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _over = new();
    private ITimer? _timer;
    private Task _working = Task.CompletedTask;

    public QuotaWatch(
        Accounts accounts,
        Statements statements,
        Func<string, TenantConfig?> tenantOf,
        Action<string, ExhaustedQuota> exhaustedChanged,
        ChangeQueue changes,
        AuditLog audit,
        WebhookSender webhooks,
        TimeProvider time,
        ILogger logger)
    {
        _accounts = accounts;
        _statements = statements;
        _tenantOf = tenantOf;
        _exhaustedChanged = exhaustedChanged;
        _changes = changes;
        _audit = audit;
        _webhooks = webhooks;
        _time = time;
        _logger = logger;
    }

    /// <summary>Called at the first instant of each bucket, or a little later.</summary>
    public Action BucketBegan { get; init; } = static () => { };

    /// <summary>Judges all tenants, tells of nothing but thresholds, and goes on in the background. Called in a turn.</summary>
    public void Start()
    {
        foreach (var account in _accounts.All.AsParallel().Where(IsWatched).Where(account => IsNew(account, Judge(account))).ToList())
        {
            Settle(account);
        }

        _working = Task.Run(WorkAsync);
        _timer = _time.CreateTimer(static watch => ((QuotaWatch)watch!).OnTimer(), this, UntilNextBucket(), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Notes that usage was stored. Does not block.</summary>
    public void UsageStored(IReadOnlyCollection<UsageShard> shards)
    {
        foreach (var shard in shards)
        {
            if (_accounts.Find(shard.Owner) is { Account.Plans.All.IsEmpty: false } account)
            {
                account.Meter.Touch(shard.Hour);
                if (IsWatched(account))
                {
                    _due[account.Tenant] = account;
                }
            }
        }

        Wake();
    }

    /// <summary>Judges a tenant. Called in a turn.</summary>
    /// <returns>Whether what the relay must be told has changed; the caller tells it.</returns>
    public bool Settle(TenantAccount account)
    {
        var verdict = Judge(account);
        var isNew = Apply(account, verdict.Exhausted);
        Fire(account, verdict);
        return isNew;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        _over.Cancel();
        _working.Wait();
        _over.Dispose();
    }

    private bool IsWatched(TenantAccount account) => QuotaVerdict.Concerns(account.Account, _tenantOf(account.Tenant));

    private QuotaVerdict Judge(TenantAccount account)
    {
        var now = _time.GetUtcNow();
        var (current, tenant) = (account.Account, _tenantOf(account.Tenant));
        try
        {
            var use = QuotaVerdict.NeedsUse(current, tenant, now) ? account.Meter.Measure(current, _statements, now) : PlanUse.Nothing;
            return QuotaVerdict.Of(current, tenant, use, now);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            _logger.UsageNotRead(account.Tenant, failure.Message);
            return new(account.Exhausted, []);
        }
    }

    private static bool IsNew(TenantAccount account, QuotaVerdict verdict) => verdict.Alerts.Count > 0 || verdict.Exhausted != account.Exhausted;

    private bool Apply(TenantAccount account, ExhaustedQuota exhausted)
    {
        if (exhausted == account.Exhausted)
        {
            return false;
        }

        account.Exhausted = exhausted;
        _logger.QuotaChanged(account.Tenant, exhausted);
        return true;
    }

    // The record is the commit; its line in the audit can be added later (BillingAudit.Missing), and the webhook is told until it has heard.
    private void Fire(TenantAccount account, QuotaVerdict verdict)
    {
        if (verdict.Alerts.Count == 0)
        {
            return;
        }

        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        var isPending = _tenantOf(account.Tenant)?.Alerts.Webhook is not null;
        var fired = verdict.Fire(now, isPending, _audit.TakeId);
        try
        {
            _accounts.Replace(account, account.Account.Record with { Alerts = [.. account.Account.AlertsToKeep(now), .. fired] });
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            _logger.AccountNotWritten(account.Tenant, failure.Message);
            return;
        }

        foreach (var alert in fired)
        {
            _audit.Append(BillingAudit.Of(account.Tenant, alert));
            _logger.ThresholdReached(account.Tenant, alert.Threshold, alert.Kind);
            if (isPending)
            {
                _webhooks.Send(account.Tenant, alert);
            }
        }
    }

    private TimeSpan UntilNextBucket()
    {
        var now = _time.GetUtcNow();
        var wait = UsageBucket.At(now).End - now;
        return wait < LongestWait ? wait : LongestWait;
    }

    private void OnTimer()
    {
        foreach (var account in _accounts.All.Where(IsWatched))
        {
            _due[account.Tenant] = account;
        }

        BucketBegan();
        Wake();
        _timer?.Change(UntilNextBucket(), Timeout.InfiniteTimeSpan);
    }

    private void Wake() => _work.Writer.TryWrite(true);

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                await _work.Reader.ReadAsync(_over.Token);
                await WorkOnceAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
    }

    private async Task WorkOnceAsync()
    {
        foreach (var tenant in _due.Keys)
        {
            if (_due.TryRemove(tenant, out var account))
            {
                await SettleInTurnAsync(account);
            }
        }

        if (_accounts.HasUnwritten)
        {
            await LoggedAsync(() => _changes.RunAsync<bool>(WriteUnwritten, _over.Token));
        }
    }

    private Task SettleInTurnAsync(TenantAccount account) => LoggedAsync(async () =>
    {
        if (IsNew(account, Judge(account)))
        {
            await _changes.RunAsync<bool>(() => SettleAndTell(account), _over.Token);
        }
    });

    // One thing that fails keeps nothing else from being done.
    private async Task LoggedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            _logger.BillingWorkFailed(failure);
        }
    }

    private ControlResult<bool> SettleAndTell(TenantAccount account)
    {
        // The relay is told first: a slow disk must not let more traffic through.
        var verdict = Judge(account);
        var isNew = Apply(account, verdict.Exhausted);
        if (isNew)
        {
            _exhaustedChanged(account.Tenant, account.Exhausted);
        }

        Fire(account, verdict);
        return isNew;
    }

    private ControlResult<bool> WriteUnwritten()
    {
        _accounts.WriteUnwritten();
        return true;
    }
}
