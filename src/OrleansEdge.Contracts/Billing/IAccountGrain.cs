using Orleans.Concurrency;
using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>Plans, quota and statements of a tenant; the key is its id. Answers are those of <see cref="IAdminGrain"/>.</summary>
[Alias("OrleansEdge.IAccountGrain")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>Follows the tenant's document. The account is there from the first version on.</summary>
    /// <param name="versions">Versions in the order of their numbers, those that are not known here yet among them; what is known is passed
    /// over.</param>
    /// <returns>What the tenant may have no more of under the last version.</returns>
    /// <exception cref="ArgumentException">No version, or a document that is none.</exception>
    [Alias("Follow")]
    [ResponseTimeout("00:00:30")]
    Task<ExhaustedQuota> FollowAsync(IReadOnlyList<TenantVersionWire> versions);

    /// <summary>Notes that usage was stored.</summary>
    /// <param name="hour">Number of its hour.</param>
    /// <returns>Whether the account wants to be told soon; if not, a few seconds later is soon enough.</returns>
    [Alias("UsageGrown")]
    Task<bool> UsageGrownAsync(int hour);

    /// <summary>Does what is due: judges the quota again, closes statements, tells webhooks.</summary>
    [Alias("Tend")]
    Task TendAsync();

    /// <summary>Usage of the tenant (a <see cref="UsageAnswer"/>).</summary>
    [Alias("QueryUsage")]
    [AlwaysInterleave]
    [ResponseTimeout("00:01:00")]
    Task<Reply<byte[]>> QueryUsageAsync(UsageQueryWire query);

    /// <summary>Plans (a <see cref="Page{T}"/> of <see cref="PlanInfo"/>).</summary>
    [Alias("ListPlans")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> ListPlansAsync(PageRequestWire page);

    /// <summary>A plan (a <see cref="PlanInfo"/>).</summary>
    [Alias("GetPlan")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> GetPlanAsync(string id);

    /// <summary>Buys a plan (a <see cref="PlanInfo"/>). The same key and order get the first answer, so a call that failed can be made
    /// again.</summary>
    [Alias("BuyPlan")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> BuyPlanAsync(byte[] json, string idempotencyKey, string by);

    /// <summary>A month's statement (a <see cref="Statement"/>), the same to the byte once it is closed.</summary>
    /// <param name="month"><c>yyyy-MM</c>.</param>
    [Alias("GetStatement")]
    [AlwaysInterleave]
    [ResponseTimeout("00:01:00")]
    Task<Reply<byte[]>> GetStatementAsync(string month);

    /// <summary>What the tenant needs to check the calls of its webhook (a <see cref="WebhookInfo"/>).</summary>
    [Alias("GetWebhook")]
    Task<Reply<byte[]>> GetWebhookAsync();

    /// <summary>Keeps a closed statement and what it used of the plans.</summary>
    /// <param name="closing">What was made, and of which account.</param>
    /// <returns>The statement that is kept, maybe another; empty where the account has changed, so that it must be made again.</returns>
    [Alias("KeepClosed")]
    Task<ReadOnlyMemory<byte>> KeepClosedAsync(ClosingWire closing);

    /// <summary>Notes that a webhook heard of an alert, or never will.</summary>
    [Alias("NoteTold")]
    Task NoteToldAsync(string alert);
}

/// <summary>Usage of all gateways beside that of all tenants. Any key.</summary>
[Alias("OrleansEdge.IReconciliationGrain")]
public interface IReconciliationGrain : IGrainWithIntegerKey
{
    /// <summary>A <see cref="Page{T}"/> of <see cref="Reconciliation"/>, as <see cref="IBilling.ReconcileAsync"/> has it.</summary>
    [Alias("List")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> ListAsync(DateTimeOffset from, DateTimeOffset to, PageRequestWire page);
}

/// <summary>Sees to a part of the accounts in which something is due without anybody's call. The key is 0 to <see cref="Count"/> - 1.</summary>
[Alias("OrleansEdge.IBillingUpkeepGrain")]
public interface IBillingUpkeepGrain : IGrainWithIntegerKey
{
    /// <summary>How many there are.</summary>
    const int Count = 8;

    /// <summary>Wakes it; it goes on by itself while its silo lives.</summary>
    [Alias("Wake")]
    Task WakeAsync();
}
