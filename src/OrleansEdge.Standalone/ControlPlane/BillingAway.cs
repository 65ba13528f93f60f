using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Billing before there is a ledger.</summary>
internal sealed class BillingAway : IBilling
{
    private static readonly ControlFailure Away = new(ControlFailureKind.Unavailable, "unavailable", "There is no ledger yet.");

    public Task<ControlResult<UsageAnswer>> QueryUsageAsync(string tenant, UsageQuery query, CancellationToken cancellationToken) => Task.FromResult<ControlResult<UsageAnswer>>(Away);

    public Task<ControlResult<Page<PlanInfo>>> ListPlansAsync(string tenant, PageRequest page, CancellationToken cancellationToken) => Task.FromResult<ControlResult<Page<PlanInfo>>>(Away);

    public Task<ControlResult<PlanInfo>> GetPlanAsync(string tenant, string id, CancellationToken cancellationToken) => Task.FromResult<ControlResult<PlanInfo>>(Away);

    public Task<ControlResult<PlanInfo>> BuyPlanAsync(string tenant, ReadOnlyMemory<byte> json, string idempotencyKey, string by, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<PlanInfo>>(Away);

    public Task<ControlResult<Statement>> GetStatementAsync(string tenant, UsageMonth month, CancellationToken cancellationToken) => Task.FromResult<ControlResult<Statement>>(Away);

    public Task<ControlResult<Page<Reconciliation>>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<Page<Reconciliation>>>(Away);

    public Task<ControlResult<WebhookInfo>> GetWebhookAsync(string tenant, CancellationToken cancellationToken) => Task.FromResult<ControlResult<WebhookInfo>>(Away);
}
