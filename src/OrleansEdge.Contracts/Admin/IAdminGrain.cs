using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>All operations of the control plane for any Orleans client; the key is 0. Names are checked and normalised here.</summary>
[Alias("OrleansEdge.IAdminGrain")]
public interface IAdminGrain : IGrainWithIntegerKey
{
    /// <summary>The document of a domain; fails with not found.</summary>
    [Alias("GetDomain")]
    Task<Reply<DocumentWire>> GetDomainAsync(string domain);

    /// <summary>Creates or replaces a domain. It is durable when it is answered, and on every gateway within a second.</summary>
    [Alias("PutDomain")]
    Task<Reply<DocumentWire>> PutDomainAsync(string domain, byte[] json, PreconditionWire precondition, string by);

    /// <summary>Deletes a domain; the answer is the version of the deletion.</summary>
    [Alias("DeleteDomain")]
    Task<Reply<long>> DeleteDomainAsync(string domain, PreconditionWire precondition, string by);

    /// <summary>Kept versions of a domain, newest first; fails with not found where there never was one.</summary>
    [Alias("ListDomainVersions")]
    Task<Reply<PageWire<VersionWire>>> ListDomainVersionsAsync(string domain, PageRequestWire page);

    /// <summary>Puts the document of a kept version again, as a new version.</summary>
    [Alias("RollbackDomain")]
    Task<Reply<DocumentWire>> RollbackDomainAsync(string domain, long version, PreconditionWire precondition, string by);

    /// <summary>The document of a tenant; fails with not found.</summary>
    [Alias("GetTenant")]
    Task<Reply<DocumentWire>> GetTenantAsync(string tenant);

    /// <summary>Creates or replaces a tenant.</summary>
    [Alias("PutTenant")]
    Task<Reply<DocumentWire>> PutTenantAsync(string tenant, byte[] json, PreconditionWire precondition, string by);

    /// <summary>Deletes a tenant that has no domains.</summary>
    [Alias("DeleteTenant")]
    Task<Reply<long>> DeleteTenantAsync(string tenant, PreconditionWire precondition, string by);

    /// <summary>Kept versions of a tenant, newest first; fails with not found where there never was one.</summary>
    [Alias("ListTenantVersions")]
    Task<Reply<PageWire<VersionWire>>> ListTenantVersionsAsync(string tenant, PageRequestWire page);

    /// <summary>Puts the document of a kept version again, as a new version.</summary>
    [Alias("RollbackTenant")]
    Task<Reply<DocumentWire>> RollbackTenantAsync(string tenant, long version, PreconditionWire precondition, string by);

    /// <summary>Domains in the order of their names.</summary>
    [Alias("ListDomains")]
    Task<Reply<PageWire<DocumentWire>>> ListDomainsAsync(PageRequestWire page);

    /// <summary>Tenants in the order of their ids.</summary>
    [Alias("ListTenants")]
    Task<Reply<PageWire<DocumentWire>>> ListTenantsAsync(PageRequestWire page);

    /// <summary>Which gateway has which version of a domain.</summary>
    [Alias("ListDomainGateways")]
    Task<Reply<PageWire<DomainOnGatewayWire>>> ListDomainGatewaysAsync(string domain, PageRequestWire page);

    /// <summary>Open sessions of the whole cluster by id.</summary>
    [Alias("ListSessions")]
    Task<Reply<PageWire<SessionWire>>> ListSessionsAsync(SessionFilterWire filter, PageRequestWire page);

    /// <summary>Ends a session wherever it is.</summary>
    [Alias("EndSession")]
    Task<Reply<bool>> EndSessionAsync(string id, string by);

    /// <summary>Gateways by name.</summary>
    [Alias("ListGateways")]
    Task<Reply<PageWire<GatewayWire>>> ListGatewaysAsync(PageRequestWire page);

    /// <summary>Tells a gateway to drain and exit.</summary>
    [Alias("DrainGateway")]
    Task<Reply<GatewayWire>> DrainGatewayAsync(string name, string by);

    /// <summary>The audit, oldest first.</summary>
    [Alias("ListAudit")]
    Task<Reply<PageWire<AuditWire>>> ListAuditAsync(PageRequestWire page);

    /// <summary>Usage of a tenant, open sessions included up to the last report: the JSON of the admin API (a
    /// <see cref="UsageAnswer"/>).</summary>
    [Alias("QueryUsage")]
    [ResponseTimeout("00:01:00")]
    Task<Reply<byte[]>> QueryUsageAsync(string tenant, UsageQueryWire query);

    /// <summary>Plans of a tenant in the order in which they were bought (a <see cref="Page{T}"/> of <see cref="PlanInfo"/>).</summary>
    [Alias("ListPlans")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> ListPlansAsync(string tenant, PageRequestWire page);

    /// <summary>A plan (a <see cref="PlanInfo"/>).</summary>
    [Alias("GetPlan")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> GetPlanAsync(string tenant, string id);

    /// <summary>Buys a plan (a <see cref="PlanInfo"/>). The same key and order get the first answer, so a call that failed can be made
    /// again.</summary>
    [Alias("BuyPlan")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> BuyPlanAsync(string tenant, byte[] json, string idempotencyKey, string by);

    /// <summary>The statement of a month that has begun (a <see cref="Statement"/>), the same to the byte once it is closed.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="month"><c>yyyy-MM</c>.</param>
    [Alias("GetStatement")]
    [ResponseTimeout("00:01:00")]
    Task<Reply<byte[]>> GetStatementAsync(string tenant, string month);

    /// <summary>What a tenant needs to check the calls of its webhook (a <see cref="WebhookInfo"/>).</summary>
    [Alias("GetWebhook")]
    Task<Reply<byte[]>> GetWebhookAsync(string tenant);

    /// <summary>Sums over gateways beside sums over tenants (a <see cref="Page{T}"/> of <see cref="Reconciliation"/>).</summary>
    [Alias("Reconcile")]
    [ResponseTimeout("00:00:30")]
    Task<Reply<byte[]>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequestWire page);
}

/// <summary>Which version of a domain a gateway has.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.DomainOnGatewayWire")]
public sealed record DomainOnGatewayWire([property: Id(0)] string Gateway, [property: Id(1)] long Version);

/// <summary>Which sessions to list.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.SessionFilterWire")]
public sealed record SessionFilterWire([property: Id(0)] string? Domain, [property: Id(1)] string? Tenant, [property: Id(2)] string? Gateway);

/// <summary>One line of the audit.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.AuditWire")]
public sealed record AuditWire(
    [property: Id(0)] string Id,
    [property: Id(1)] DateTimeOffset At,
    [property: Id(2)] string By,
    [property: Id(3)] string Action,
    [property: Id(4)] string Kind,
    [property: Id(5)] string Name,
    [property: Id(6)] long? Version);
