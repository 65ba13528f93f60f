using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>What the admin grain has for one kind of document.</summary>
internal interface IDocumentCalls<T>
    where T : class
{
    Task<Reply<DocumentWire>> GetAsync(string name);

    Task<Reply<PageWire<DocumentWire>>> ListAsync(PageRequestWire page);

    Task<Reply<DocumentWire>> PutAsync(string name, byte[] json, PreconditionWire precondition, string by);

    Task<Reply<long>> DeleteAsync(string name, PreconditionWire precondition, string by);

    Task<Reply<PageWire<VersionWire>>> ListVersionsAsync(string name, PageRequestWire page);

    Task<Reply<DocumentWire>> RollbackAsync(string name, long version, PreconditionWire precondition, string by);

    /// <summary>Reads a document that was accepted once.</summary>
    ConfigResult<T> Parse(byte[] json);
}

/// <summary>For domains.</summary>
internal sealed class DomainCalls(IAdminGrain admin) : IDocumentCalls<DomainConfig>
{
    public Task<Reply<DocumentWire>> GetAsync(string name) => admin.GetDomainAsync(name);

    public Task<Reply<PageWire<DocumentWire>>> ListAsync(PageRequestWire page) => admin.ListDomainsAsync(page);

    public Task<Reply<DocumentWire>> PutAsync(string name, byte[] json, PreconditionWire precondition, string by)
        => admin.PutDomainAsync(name, json, precondition, by);

    public Task<Reply<long>> DeleteAsync(string name, PreconditionWire precondition, string by) => admin.DeleteDomainAsync(name, precondition, by);

    public Task<Reply<PageWire<VersionWire>>> ListVersionsAsync(string name, PageRequestWire page) => admin.ListDomainVersionsAsync(name, page);

    public Task<Reply<DocumentWire>> RollbackAsync(string name, long version, PreconditionWire precondition, string by)
        => admin.RollbackDomainAsync(name, version, precondition, by);

    public ConfigResult<DomainConfig> Parse(byte[] json) => DomainDocument.Parse(json, DocumentLimits.Widest);
}

/// <summary>For tenants.</summary>
internal sealed class TenantCalls(IAdminGrain admin) : IDocumentCalls<TenantConfig>
{
    public Task<Reply<DocumentWire>> GetAsync(string name) => admin.GetTenantAsync(name);

    public Task<Reply<PageWire<DocumentWire>>> ListAsync(PageRequestWire page) => admin.ListTenantsAsync(page);

    public Task<Reply<DocumentWire>> PutAsync(string name, byte[] json, PreconditionWire precondition, string by)
        => admin.PutTenantAsync(name, json, precondition, by);

    public Task<Reply<long>> DeleteAsync(string name, PreconditionWire precondition, string by) => admin.DeleteTenantAsync(name, precondition, by);

    public Task<Reply<PageWire<VersionWire>>> ListVersionsAsync(string name, PageRequestWire page) => admin.ListTenantVersionsAsync(name, page);

    public Task<Reply<DocumentWire>> RollbackAsync(string name, long version, PreconditionWire precondition, string by)
        => admin.RollbackTenantAsync(name, version, precondition, by);

    public ConfigResult<TenantConfig> Parse(byte[] json) => TenantDocument.Parse(json, DocumentLimits.Widest);
}
