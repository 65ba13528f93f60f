using OrleansEdge.Clustering.Billing;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>The control plane of a cluster over any Orleans client. Thread safe.</summary>
internal sealed class ClusterControlPlane : IControlPlane
{
    private readonly IAdminGrain _admin;

    public ClusterControlPlane(IGrainFactory grains)
    {
        _admin = grains.GetGrain<IAdminGrain>(0);
        Billing = new ClusterBilling(_admin);
        Domains = new ClusterDocumentStore<DomainConfig>(new DomainCalls(_admin));
        Tenants = new ClusterDocumentStore<TenantConfig>(new TenantCalls(_admin));
    }

    /// <inheritdoc/>
    public IDocumentStore<DomainConfig> Domains { get; }

    /// <inheritdoc/>
    public IDocumentStore<TenantConfig> Tenants { get; }

    /// <inheritdoc/>
    public IBilling Billing { get; }

    /// <inheritdoc/>
    public Task<ControlResult<Page<DomainOnGateway>>> ListDomainGatewaysAsync(string domain, PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(
            () => _admin.ListDomainGatewaysAsync(domain, PageRequestWire.Of(page)),
            static wire => wire.ToPage(static item => new DomainOnGateway(item.Gateway, item.Version)),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<SessionInfo>>> ListSessionsAsync(SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(
            () => _admin.ListSessionsAsync(new(filter.Domain, filter.Tenant, filter.Gateway), PageRequestWire.Of(page)),
            static sessions => sessions.ToPage(static item => item.ToInfo()),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<bool>> EndSessionAsync(string id, string by, CancellationToken cancellationToken)
        => GrainCalls.ChangeAsync(() => _admin.EndSessionAsync(id, by), static ended => ended, cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<GatewayInfo>>> ListGatewaysAsync(PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(
            () => _admin.ListGatewaysAsync(PageRequestWire.Of(page)), static gateways => gateways.ToPage(static item => item.ToInfo()), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<GatewayInfo>> DrainGatewayAsync(string name, string by, CancellationToken cancellationToken)
        => GrainCalls.ChangeAsync(() => _admin.DrainGatewayAsync(name, by), static gateway => gateway.ToInfo(), cancellationToken);

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
