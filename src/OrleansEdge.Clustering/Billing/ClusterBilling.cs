using OrleansEdge.Clustering.ControlPlane;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Billing;

/// <summary>Usage, plans and statements of a cluster over the admin grain. All calls can be repeated, also that which buys. Thread safe.</summary>
internal sealed class ClusterBilling(IAdminGrain admin) : IBilling
{
    /// <inheritdoc/>
    public Task<ControlResult<UsageAnswer>> QueryUsageAsync(string tenant, UsageQuery query, CancellationToken cancellationToken)
        => AskAsync<UsageAnswer>(() => admin.QueryUsageAsync(tenant, UsageQueryWire.Of(query)), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<PlanInfo>>> ListPlansAsync(string tenant, PageRequest page, CancellationToken cancellationToken)
        => AskAsync<Page<PlanInfo>>(() => admin.ListPlansAsync(tenant, PageRequestWire.Of(page)), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> GetPlanAsync(string tenant, string id, CancellationToken cancellationToken)
        => AskAsync<PlanInfo>(() => admin.GetPlanAsync(tenant, id), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PlanInfo>> BuyPlanAsync(
        string tenant, ReadOnlyMemory<byte> json, string idempotencyKey, string by, CancellationToken cancellationToken)
        => AskAsync<PlanInfo>(() => admin.BuyPlanAsync(tenant, json.ToArray(), idempotencyKey, by), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Statement>> GetStatementAsync(string tenant, UsageMonth month, CancellationToken cancellationToken)
        => AskAsync<Statement>(() => admin.GetStatementAsync(tenant, month.ToString()), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<Reconciliation>>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequest page, CancellationToken cancellationToken)
        => AskAsync<Page<Reconciliation>>(() => admin.ReconcileAsync(from, to, PageRequestWire.Of(page)), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<WebhookInfo>> GetWebhookAsync(string tenant, CancellationToken cancellationToken)
        => AskAsync<WebhookInfo>(() => admin.GetWebhookAsync(tenant), cancellationToken);

    private static Task<ControlResult<T>> AskAsync<T>(Func<Task<Reply<byte[]>>> ask, CancellationToken cancellationToken)
        where T : class
        => GrainCalls.ReadAsync(ask, BillingJson.Read<T>, cancellationToken);
}
