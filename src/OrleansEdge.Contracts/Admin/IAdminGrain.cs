namespace OrleansEdge.Contracts;

/// <summary>Every operation of the control plane but billing (<see cref="IDocumentGrain"/> for documents by name): what the admin API
/// and any other Orleans client calls. The key is 0.</summary>
[Alias("OrleansEdge.IAdminGrain")]
public interface IAdminGrain : IGrainWithIntegerKey
{
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
