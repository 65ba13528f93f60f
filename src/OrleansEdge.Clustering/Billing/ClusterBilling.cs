using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Billing;

/// <summary>Usage, plans and statements of the mesh: the grains of the accounts, called. Thread safe.</summary>
public sealed class ClusterBilling(IGrainFactory grains) : IBilling
{
    // A call to a silo that has just died fails, or is never answered; the next one finds the grain elsewhere. All calls can be repeated.
    private const int Attempts = 2;

    /// <inheritdoc/>
    public Task<ControlResult<UsageAnswer>> QueryUsageAsync(string tenant, UsageQuery query, CancellationToken cancellationToken)
        => AskAsync<UsageAnswer>(tenant, account => account.QueryUsageAsync(UsageQueryWire.Of(query)), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<PlanInfo>>> ListPlansAsync(string tenant, PageRequest page, CancellationToken cancellationToken)
        => AskAsync<Page<PlanInfo>>(tenant, account => account.ListPlansAsync(page.After, page.Limit), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> GetPlanAsync(string tenant, string id, CancellationToken cancellationToken)
        => AskAsync<PlanInfo>(tenant, account => account.GetPlanAsync(id), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> BuyPlanAsync(
        string tenant, ReadOnlyMemory<byte> json, string idempotencyKey, string by, CancellationToken cancellationToken)
        => PlanPurchase.CheckKey(idempotencyKey) is { } failure
            ? Task.FromResult<ControlResult<PlanInfo>>(failure)
            : AskAsync<PlanInfo>(tenant, account => account.BuyPlanAsync(json, idempotencyKey, by), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Statement>> GetStatementAsync(string tenant, UsageMonth month, CancellationToken cancellationToken)
        => AskAsync<Statement>(tenant, account => account.GetStatementAsync(month.ToString()), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<Reconciliation>>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequest page, CancellationToken cancellationToken)
        => AskAsync<Page<Reconciliation>>(() => grains.GetGrain<IReconciliationGrain>(0).ListAsync(from, to, page.After, page.Limit), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<WebhookInfo>> GetWebhookAsync(string tenant, CancellationToken cancellationToken)
        => AskAsync<WebhookInfo>(tenant, static account => account.GetWebhookAsync(), cancellationToken);

    // What is no id of a tenant wakes no grain.
    private Task<ControlResult<T>> AskAsync<T>(string tenant, Func<IAccountGrain, Task<BillingAnswerWire>> ask, CancellationToken cancellationToken)
        where T : class
        => TenantDocument.ValidateId(tenant) is not null
            ? Task.FromResult<ControlResult<T>>(ControlFailures.NotFound(AuditWords.Tenant, tenant))
            : AskAsync<T>(() => ask(grains.GetGrain<IAccountGrain>(tenant)), cancellationToken);

    private static async Task<ControlResult<T>> AskAsync<T>(Func<Task<BillingAnswerWire>> ask, CancellationToken cancellationToken)
        where T : class
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return (await ask().WaitAsync(cancellationToken)).ToResult<T>();
            }
            catch (Exception failure) when (failure is OrleansException or TimeoutException)
            {
                if (attempt == Attempts)
                {
                    return ControlFailures.Unavailable(failure.Message);
                }
            }
        }
    }
}
