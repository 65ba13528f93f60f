using OrleansEdge.Model;

namespace OrleansEdge.Admin.Tests;

/// <summary>A control plane in memory. Some names stand for failures: <c>unavailable</c>, <c>broken</c>, <c>throws</c>.</summary>
internal sealed class FakeControlPlane : IControlPlane
{
    public const string Secret = "inner detail of the failure";

    public static readonly DateTimeOffset Time = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private readonly List<SessionInfo> _sessions =
    [
        Session("s1", "chat.example.com", "acme"),
        Session("s2", "chat.example.com", "acme") with { Subprotocol = "mqtt", Protocol = "h2" },
        Session("s3", "game.example.com", "bolt"),
    ];

    public FakeControlPlane()
    {
        Domains = new(json => DomainDocument.Parse(json, new DocumentLimits()), Refuse, _ => null);
        Tenants = new(json => TenantDocument.Parse(json, new DocumentLimits()), Refuse, name => name == "acme" ? TenantHasDomains : null);
        Billing = new(Tenants);
    }

    public FakeDocumentStore<DomainConfig> Domains { get; }

    public FakeDocumentStore<TenantConfig> Tenants { get; }

    public List<AuditEntry> Audit { get; } = [];

    public SessionFilter? LastFilter { get; private set; }

    public FakeBilling Billing { get; }

    IBilling IControlPlane.Billing => Billing;

    IDocumentStore<DomainConfig> IControlPlane.Domains => Domains;

    IDocumentStore<TenantConfig> IControlPlane.Tenants => Tenants;

    private static ControlFailure TenantHasDomains => new(ControlFailureKind.Conflict, "tenant_has_domains", "The tenant has domains.");

    public static SessionInfo Session(string id, string domain, string tenant) => new()
    {
        Id = id,
        Domain = domain,
        Tenant = tenant,
        Gateway = "gw-1",
        Client = "127.0.0.1:50000",
        Origin = "127.0.0.1:9000",
        Protocol = "http/1.1",
        StartedAt = Time,
        LastActivityAt = Time.AddSeconds(1.5),
        BytesUp = 5_000_000_000,
    };

    public async Task<ControlResult<Page<DomainOnGateway>>> ListDomainGatewaysAsync(string domain, PageRequest page, CancellationToken cancellationToken)
    {
        var result = await Domains.GetAsync(domain, cancellationToken);
        return result.Failure is { } failure ? failure : Page([("gw-1", new DomainOnGateway("gw-1", result.Value.Version))], page);
    }

    public Task<ControlResult<Page<SessionInfo>>> ListSessionsAsync(SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
    {
        LastFilter = filter;
        var found = _sessions.Where(session => (filter.Domain ?? session.Domain) == session.Domain && (filter.Tenant ?? session.Tenant) == session.Tenant);
        return Task.FromResult(Page(found.Select(session => (session.Id, session)), page));
    }

    public Task<ControlResult<bool>> EndSessionAsync(string id, string by, CancellationToken cancellationToken)
    {
        if (_sessions.RemoveAll(session => session.Id == id) == 0)
        {
            return Task.FromResult<ControlResult<bool>>(NotFound);
        }

        Record(by, "end", "session", id);
        return Task.FromResult<ControlResult<bool>>(true);
    }

    public Task<ControlResult<Page<GatewayInfo>>> ListGatewaysAsync(PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult(Page([("gw-1", Gateway(GatewayState.Ready))], page));

    public Task<ControlResult<GatewayInfo>> DrainGatewayAsync(string name, string by, CancellationToken cancellationToken)
    {
        if (name != "gw-1")
        {
            return Task.FromResult<ControlResult<GatewayInfo>>(NotFound);
        }

        Record(by, "drain", "gateway", name);
        return Task.FromResult<ControlResult<GatewayInfo>>(Gateway(GatewayState.Draining));
    }

    public Task<ControlResult<Page<AuditEntry>>> ListAuditAsync(PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult(Page(Audit.Select(entry => (entry.Id, entry)), page));

    public Task<ControlResult<Page<BrokenDocument>>> ListBrokenAsync(PageRequest page, CancellationToken cancellationToken)
        => Task.FromResult(Page([("broken.example.com", new BrokenDocument("domain", "broken.example.com", [new ConfigError("", "not JSON")]))], page));

    public static ControlResult<Page<T>> Page<T>(IEnumerable<(string Key, T Item)> all, PageRequest page)
    {
        var rest = all.Where(pair => page.After is null || string.CompareOrdinal(pair.Key, page.After) > 0).ToArray();
        var items = rest.Take(page.Limit).ToArray();
        return new Page<T>([.. items.Select(pair => pair.Item)], rest.Length > items.Length ? items[^1].Key : null);
    }

    private static GatewayInfo Gateway(GatewayState state) => new() { Name = "gw-1", StartedAt = Time, State = state, Sessions = 3, Version = "0.1.0" };

    private static ControlFailure? Refuse(string name) => name switch
    {
        "unavailable" => new(ControlFailureKind.Unavailable, "unavailable", "Try again later."),
        "broken" => new(ControlFailureKind.Broken, "config_broken", "The stored document cannot be read.") { Errors = [new("", "not JSON")] },
        "throws" => throw new InvalidOperationException(Secret),
        _ => null,
    };

    public static ControlFailure NotFound => new(ControlFailureKind.NotFound, "not_found", "There is no such thing.");

    private void Record(string by, string action, string kind, string name)
        => Audit.Add(new((Audit.Count + 1).ToString("d4"), Time, by, action, kind, name, null));
}
