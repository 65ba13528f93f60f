using System.Collections.Concurrent;
using System.Globalization;
using OrleansEdge.Clustering.Billing;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Billing;
using OrleansEdge.Model;

namespace OrleansEdge.Cluster.Tests.Billing;

/// <summary>The tenants and domains that accounts need beside them, in memory: documents without conditions or history, what is used up,
/// and the audit. It outlives the mesh, as Redis does.</summary>
internal sealed class TenantsBeside(Func<IGrainFactory> grains, Func<DateTimeOffset> now) : IExhaustedTarget, IBillingAudit, IDomainSource, IControlPlane
{
    private readonly ConcurrentDictionary<string, DomainConfig> _domains = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _versions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ExhaustedQuota> _exhausted = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<AuditEntry> _audit = new();

    private int _refusedDecisions;
    private int _refusedLines;

    /// <summary>How many of the next decisions fail.</summary>
    public int RefusedDecisions
    {
        get => Math.Max(0, Volatile.Read(ref _refusedDecisions));
        set => Volatile.Write(ref _refusedDecisions, value);
    }

    /// <summary>How many of the next lines of the audit fail.</summary>
    public int RefusedLines
    {
        get => Math.Max(0, Volatile.Read(ref _refusedLines));
        set => Volatile.Write(ref _refusedLines, value);
    }

    public IReadOnlyCollection<AuditEntry> Lines => _audit;

    /// <summary>Tenants that ever were.</summary>
    public ICollection<string> Known => _versions.Keys;

    public IDocumentStore<DomainConfig> Domains => new Documents<DomainConfig>(async (name, json, by) =>
    {
        var domain = DomainDocument.Parse(json, DocumentLimits.Widest).Value!;
        _domains[domain.Domain] = domain;
        await Task.CompletedTask;
        return new(domain, 1, false);
    });

    public IDocumentStore<TenantConfig> Tenants => new Documents<TenantConfig>(async (name, json, by) =>
    {
        var tenant = json.IsEmpty ? null : TenantDocument.Parse(json, DocumentLimits.Widest).Value!;
        var version = _versions.AddOrUpdate(name, 1, static (_, before) => before + 1);
        _exhausted[name] = await grains().GetGrain<IAccountGrain>(name).FollowAsync([TenantVersionWire.Of(version, now(), tenant)]);
        return new(tenant!, version, version == 1);
    });

    public IBilling Billing => new ClusterBilling(grains());

    public ExhaustedQuota ExhaustedOf(string tenant) => _exhausted.GetValueOrDefault(tenant);

    public Task SetExhaustedAsync(string tenant, ExhaustedQuota exhausted)
    {
        ThrowWhere(ref _refusedDecisions);
        _exhausted[tenant] = exhausted;
        return Task.CompletedTask;
    }

    public Task AddAsync(string key, AuditEntry entry)
    {
        ThrowWhere(ref _refusedLines);
        _audit.Enqueue(entry with { Id = (_audit.Count + 1).ToString(CultureInfo.InvariantCulture) });
        return Task.CompletedTask;
    }

    public ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken)
        => new(_domains.TryGetValue(host, out var domain)
            ? new DomainSnapshot(domain, 1, tenantBlocked: false, _exhausted.GetValueOrDefault(domain.Tenant))
            : null);

    public IDisposable Subscribe(Action<DomainChange> observer) => throw new NotSupportedException();

    public Task<ControlResult<Page<AuditEntry>>> ListAuditAsync(PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<Page<AuditEntry>>>(new Page<AuditEntry>([.. _audit], null));

    public Task<ControlResult<Page<DomainOnGateway>>> ListDomainGatewaysAsync(string domain, PageRequest page, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ControlResult<Page<SessionInfo>>> ListSessionsAsync(SessionFilter filter, PageRequest page, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ControlResult<bool>> EndSessionAsync(string id, string by, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ControlResult<Page<GatewayInfo>>> ListGatewaysAsync(PageRequest page, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ControlResult<GatewayInfo>> DrainGatewayAsync(string name, string by, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ControlResult<Page<BrokenDocument>>> ListBrokenAsync(PageRequest page, CancellationToken cancellationToken) => throw new NotSupportedException();

    private static void ThrowWhere(ref int refused)
    {
        if (Interlocked.Decrement(ref refused) >= 0)
        {
            throw new TimeoutException("refused by the test");
        }
    }

    private sealed class Documents<T>(Func<string, ReadOnlyMemory<byte>, string, Task<PutOutcome<T>>> put) : IDocumentStore<T>
    {
        public async Task<ControlResult<PutOutcome<T>>> PutAsync(string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, CancellationToken cancellationToken)
            => await put(name, json, by);

        public async Task<ControlResult<long>> DeleteAsync(string name, Precondition precondition, string by, CancellationToken cancellationToken)
            => (await put(name, default, by)).Version;

        public Task<ControlResult<Versioned<T>>> GetAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ControlResult<Page<T>>> ListAsync(PageRequest page, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ControlResult<Page<VersionEntry<T>>>> ListVersionsAsync(string name, PageRequest page, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ControlResult<PutOutcome<T>>> RollbackAsync(string name, long version, Precondition precondition, string by, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
