namespace OrleansEdge.Contracts;

/// <summary>The operations of the control plane for any Orleans client; the key is 0. Names are checked and normalised here. Versions of a
/// document and going back to one are with its own grain (<see cref="IDocumentGrain"/>), bills with <see cref="IAccountGrain"/>.</summary>
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

    /// <summary>The document of a tenant; fails with not found.</summary>
    [Alias("GetTenant")]
    Task<Reply<DocumentWire>> GetTenantAsync(string tenant);

    /// <summary>Creates or replaces a tenant.</summary>
    [Alias("PutTenant")]
    Task<Reply<DocumentWire>> PutTenantAsync(string tenant, byte[] json, PreconditionWire precondition, string by);

    /// <summary>Deletes a tenant that has no domains.</summary>
    [Alias("DeleteTenant")]
    Task<Reply<long>> DeleteTenantAsync(string tenant, PreconditionWire precondition, string by);

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
