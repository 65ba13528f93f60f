using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>The control plane of a cluster over any Orleans client. Thread safe.</summary>
internal sealed class ClusterControlPlane : IControlPlane
{
    private readonly IAdminGrain _admin;

    public ClusterControlPlane(IGrainFactory grains, IBilling billing)
    {
        _admin = grains.GetGrain<IAdminGrain>(0);
        Billing = billing;
        Domains = new ClusterDocumentStore<DomainConfig>(
            ClusterDocumentKind<DomainConfig>.Domain, name => grains.GetGrain<IDomainGrain>(name), _admin.ListDomainsAsync);
        Tenants = new ClusterDocumentStore<TenantConfig>(
            ClusterDocumentKind<TenantConfig>.Tenant, id => grains.GetGrain<ITenantGrain>(id), _admin.ListTenantsAsync);
    }

    /// <inheritdoc/>
    public IDocumentStore<DomainConfig> Domains { get; }

    /// <inheritdoc/>
    public IDocumentStore<TenantConfig> Tenants { get; }

    /// <inheritdoc/>
    public IBilling Billing { get; }

    /// <inheritdoc/>
    public Task<ControlResult<Page<DomainOnGateway>>> ListDomainGatewaysAsync(string domain, PageRequest page, CancellationToken cancellationToken)
        => ClusterDocumentKind<DomainConfig>.Domain.IsName(domain, out var normalized)
            ? GrainCalls.ReadAsync(
                () => _admin.ListDomainGatewaysAsync(normalized, PageRequestWire.Of(page)),
                static wire => wire.ToPage(static item => new DomainOnGateway(item.Gateway, item.Version)),
                cancellationToken)
            : Task.FromResult<ControlResult<Page<DomainOnGateway>>>(ControlFailures.NotFound(AuditWords.Domain, domain));

    /// <inheritdoc/>
    public Task<ControlResult<Page<SessionInfo>>> ListSessionsAsync(SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
    {
        var wire = new SessionFilterWire(filter.Domain is null ? null : DomainName.Normalize(filter.Domain), filter.Tenant, filter.Gateway);
        return GrainCalls.ReadAsync(
            () => _admin.ListSessionsAsync(wire, PageRequestWire.Of(page)), static sessions => sessions.ToPage(static item => item.ToInfo()), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ControlResult<bool>> EndSessionAsync(string id, string by, CancellationToken cancellationToken)
        => GrainCalls.ChangeAsync(() => _admin.EndSessionAsync(id, by), static ended => ended, cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<GatewayInfo>>> ListGatewaysAsync(PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(
            () => _admin.ListGatewaysAsync(PageRequestWire.Of(page)), static gateways => gateways.ToPage(static item => item.ToInfo()), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<GatewayInfo>> DrainGatewayAsync(string name, string by, CancellationToken cancellationToken)
        => name.Length == 0
            ? Task.FromResult<ControlResult<GatewayInfo>>(ControlFailures.NotFound(AuditWords.Gateway, name))
            : GrainCalls.ChangeAsync(() => _admin.DrainGatewayAsync(name, by), static gateway => gateway.ToInfo(), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<AuditEntry>>> ListAuditAsync(PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(
            () => _admin.ListAuditAsync(PageRequestWire.Of(page)),
            static wire => wire.ToPage(static item => new AuditEntry(item.Id, item.At, item.By, item.Action, item.Kind, item.Name, item.Version)),
            cancellationToken);

    /// <summary>Always empty: what grains store was valid when it was put.</summary>
    public Task<ControlResult<Page<BrokenDocument>>> ListBrokenAsync(PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<Page<BrokenDocument>>>(new Page<BrokenDocument>([], null));
}
