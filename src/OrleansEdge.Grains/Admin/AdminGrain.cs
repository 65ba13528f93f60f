using Orleans.Concurrency;
using OrleansEdge.Contracts;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Admin;

/// <inheritdoc cref="IAdminGrain"/>
[StatelessWorker]
[Reentrant]
internal sealed class AdminGrain(AuditLog audit, DocumentLimits limits, EdgeClock clock) : Grain, IAdminGrain
{
    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> GetDomainAsync(string domain) => OnDomainAsync(domain, static grain => grain.GetAsync());

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> PutDomainAsync(string domain, byte[] json, PreconditionWire precondition, string by)
        => DomainName.Validate(DomainName.Normalize(domain)) is null
            ? OnDomainAsync(domain, grain => grain.PutAsync(json, precondition, by))
            : Task.FromResult<Reply<DocumentWire>>(ControlFailures.Invalid(AuditWords.Domain, DomainDocument.Parse(json, limits, domain, tenantExists: null).Errors));

    /// <inheritdoc/>
    public Task<Reply<long>> DeleteDomainAsync(string domain, PreconditionWire precondition, string by)
        => OnDomainAsync(domain, grain => grain.DeleteAsync(precondition, by));

    /// <inheritdoc/>
    public Task<Reply<PageWire<VersionWire>>> ListDomainVersionsAsync(string domain, PageRequestWire page)
        => OnDomainAsync(domain, grain => grain.ListVersionsAsync(page));

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> RollbackDomainAsync(string domain, long version, PreconditionWire precondition, string by)
        => OnDomainAsync(domain, grain => grain.RollbackAsync(version, precondition, by));

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> GetTenantAsync(string tenant) => OnTenantAsync(tenant, static grain => grain.GetAsync());

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> PutTenantAsync(string tenant, byte[] json, PreconditionWire precondition, string by)
        => TenantDocument.ValidateId(tenant) is null
            ? OnTenantAsync(tenant, grain => grain.PutAsync(json, precondition, by))
            : Task.FromResult<Reply<DocumentWire>>(ControlFailures.Invalid(AuditWords.Tenant, TenantDocument.Parse(json, limits, tenant).Errors));

    /// <inheritdoc/>
    public Task<Reply<long>> DeleteTenantAsync(string tenant, PreconditionWire precondition, string by)
        => OnTenantAsync(tenant, grain => grain.DeleteAsync(precondition, by));

    /// <inheritdoc/>
    public Task<Reply<PageWire<VersionWire>>> ListTenantVersionsAsync(string tenant, PageRequestWire page)
        => OnTenantAsync(tenant, grain => grain.ListVersionsAsync(page));

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> RollbackTenantAsync(string tenant, long version, PreconditionWire precondition, string by)
        => OnTenantAsync(tenant, grain => grain.RollbackAsync(version, precondition, by));

    /// <inheritdoc/>
    public Task<Reply<PageWire<DocumentWire>>> ListDomainsAsync(PageRequestWire page)
        => ListDocumentsAsync(ConfigFeed.Domain, page.ToPage(), GrainFactory.GetGrain<IDomainGrain>);

    /// <inheritdoc/>
    public Task<Reply<PageWire<DocumentWire>>> ListTenantsAsync(PageRequestWire page)
        => ListDocumentsAsync(ConfigFeed.Tenant, page.ToPage(), GrainFactory.GetGrain<ITenantGrain>);

    /// <inheritdoc/>
    public Task<Reply<PageWire<DomainOnGatewayWire>>> ListDomainGatewaysAsync(string domain, PageRequestWire page)
        => OnDomainAsync<PageWire<DomainOnGatewayWire>>(domain, async grain =>
        {
            if ((await grain.GetAsync()).Failure is { } failure)
            {
                return new(null, failure);
            }

            var names = await GrainFactory.GetGrain<IGatewayListGrain>(0).ListAsync();
            var versions = await Task.WhenAll(names.Select(name => GrainFactory.GetGrain<IGatewayGrain>(name).VersionOfAsync(grain.GetPrimaryKeyString())));
            var items = names.Zip(versions, static (name, version) => new DomainOnGatewayWire(name, version)).Where(static item => item.Version > 0);
            return Paging.Take(items, static item => item.Gateway, page.ToPage()).ToWire(static item => item);
        });

    /// <inheritdoc/>
    public Task<Reply<PageWire<SessionWire>>> ListSessionsAsync(SessionFilterWire filter, PageRequestWire page)
        => AskingAsync<PageWire<SessionWire>>(async () =>
        {
            var limit = Paging.LimitOf(page.ToPage());
            var domain = filter.Domain is null ? null : DomainName.Normalize(filter.Domain);
            var names = filter.Gateway is { } gateway ? [gateway] : await GrainFactory.GetGrain<IGatewayListGrain>(0).ListAsync();
            var sessions = await Task.WhenAll(names.Where(static name => name.Length > 0).Select(name
                => GrainFactory.GetGrain<IGatewayGrain>(name).ListSessionsAsync(domain, filter.Tenant, page.After, limit + 1)));
            return Paging.Take(sessions.SelectMany(static some => some), static session => session.Id, page.ToPage()).ToWire(static item => item);
        });

    /// <inheritdoc/>
    public Task<Reply<bool>> EndSessionAsync(string id, string by)
        => AskingAsync<bool>(async () =>
        {
            var names = await GrainFactory.GetGrain<IGatewayListGrain>(0).ListAsync();
            var ended = await Task.WhenAll(names.Select(name => GrainFactory.GetGrain<IGatewayGrain>(name).EndSessionAsync(id)));
            if (!ended.Contains(true))
            {
                return ControlFailures.NotFound(AuditWords.Session, id);
            }

            await AuditAsync(by, AuditWords.End, AuditWords.Session, id);
            return true;
        });

    /// <inheritdoc/>
    public Task<Reply<PageWire<GatewayWire>>> ListGatewaysAsync(PageRequestWire page)
        => AskingAsync<PageWire<GatewayWire>>(async () =>
        {
            var names = await GrainFactory.GetGrain<IGatewayListGrain>(0).ListAsync();
            var part = Paging.Take(names, static name => name, page.ToPage());
            var gateways = await Task.WhenAll(part.Items.Select(name => GrainFactory.GetGrain<IGatewayGrain>(name).DescribeAsync()));
            return new PageWire<GatewayWire>([.. gateways.OfType<GatewayWire>()], part.Next);
        });

    /// <inheritdoc/>
    public Task<Reply<GatewayWire>> DrainGatewayAsync(string name, string by)
        => AskingAsync<GatewayWire>(async () =>
        {
            var gateway = name.Length == 0 ? null : GrainFactory.GetGrain<IGatewayGrain>(name);
            if (gateway is null || await gateway.DescribeAsync() is not { State: not GatewayState.Lost })
            {
                return ControlFailures.NotFound(AuditWords.Gateway, name);
            }

            // The process may end soon after it was told to, so the line comes first.
            await AuditAsync(by, AuditWords.Drain, AuditWords.Gateway, name);
            return await gateway.DrainAsync();
        });

    /// <inheritdoc/>
    public Task<Reply<PageWire<AuditWire>>> ListAuditAsync(PageRequestWire page)
        => AskingAsync<PageWire<AuditWire>>(async () =>
        {
            if (!Paging.TryParseNumber(page.After, out var after))
            {
                return ControlFailures.BadCursor(page.After!);
            }

            var entries = await audit.ListAsync(after, Paging.LimitOf(page.ToPage()));
            return entries.ToWire(static entry => new AuditWire(entry.Id, entry.At, entry.By, entry.Action, entry.Kind, entry.Name, entry.Version));
        });

    /// <inheritdoc/>
    public Task<Reply<byte[]>> QueryUsageAsync(string tenant, UsageQueryWire query)
        => UsageAnswerBuilder.FaultOf(query.ToQuery()) is { } fault
            ? Task.FromResult<Reply<byte[]>>(fault)
            : OnAccountAsync(tenant, account => account.QueryUsageAsync(query));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> ListPlansAsync(string tenant, PageRequestWire page) => OnAccountAsync(tenant, account => account.ListPlansAsync(page));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> GetPlanAsync(string tenant, string id) => OnAccountAsync(tenant, account => account.GetPlanAsync(id));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> BuyPlanAsync(string tenant, byte[] json, string idempotencyKey, string by)
        => PlanPurchase.CheckKey(idempotencyKey) is { } fault
            ? Task.FromResult<Reply<byte[]>>(fault)
            : OnAccountAsync(tenant, account => account.BuyPlanAsync(json, idempotencyKey, by));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> GetStatementAsync(string tenant, string month)
        => UsageMonth.TryParse(month, out _)
            ? OnAccountAsync(tenant, account => account.GetStatementAsync(month))
            : Task.FromResult<Reply<byte[]>>(ControlFailures.BadParameter("month", UsageMonth.Rule));

    /// <inheritdoc/>
    public Task<Reply<byte[]>> GetWebhookAsync(string tenant) => OnAccountAsync(tenant, static account => account.GetWebhookAsync());

    /// <inheritdoc/>
    public Task<Reply<byte[]>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequestWire page)
        => AskingAsync(() => GrainFactory.GetGrain<IReconciliationGrain>(0).ListAsync(from, to, page));

    // What is no name wakes no grain.
    private Task<Reply<T>> OnDomainAsync<T>(string domain, Func<IDomainGrain, Task<Reply<T>>> call)
        => DomainName.Normalize(domain) is var name && DomainName.Validate(name) is null
            ? AskingAsync(() => call(GrainFactory.GetGrain<IDomainGrain>(name)))
            : Task.FromResult<Reply<T>>(ControlFailures.NotFound(AuditWords.Domain, domain));

    private Task<Reply<T>> OnTenantAsync<T>(string tenant, Func<ITenantGrain, Task<Reply<T>>> call)
        => TenantDocument.ValidateId(tenant) is null
            ? AskingAsync(() => call(GrainFactory.GetGrain<ITenantGrain>(tenant)))
            : Task.FromResult<Reply<T>>(ControlFailures.NotFound(AuditWords.Tenant, tenant));

    private Task<Reply<byte[]>> OnAccountAsync(string tenant, Func<IAccountGrain, Task<Reply<byte[]>>> call)
        => TenantDocument.ValidateId(tenant) is null
            ? AskingAsync(() => call(GrainFactory.GetGrain<IAccountGrain>(tenant)))
            : Task.FromResult<Reply<byte[]>>(ControlFailures.NotFound(AuditWords.Tenant, tenant));

    private static async Task<Reply<T>> AskingAsync<T>(Func<Task<Reply<T>>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException or OrleansException)
        {
            return ControlFailures.Unavailable($"The cluster cannot answer now: {failure.Message}");
        }
    }

    private Task<Reply<PageWire<DocumentWire>>> ListDocumentsAsync<TGrain>(string prefix, PageRequest page, Func<string, string?, TGrain> grainOf)
        where TGrain : IDocumentGrain
        => AskingAsync<PageWire<DocumentWire>>(async () =>
        {
            var limit = Paging.LimitOf(page);
            var after = page.After is null ? null : prefix + page.After;
            var shards = await Task.WhenAll(Enumerable.Range(0, ConfigFeed.Shards).Select(shard
                => GrainFactory.GetGrain<IConfigFeedGrain>(shard).ListNamesAsync(prefix, after, limit + 1)));
            var names = shards.SelectMany(static some => some).Order(StringComparer.Ordinal).Take(limit + 1).Select(name => name[prefix.Length..]).ToList();

            // A document that went away since then leaves a gap, not an end.
            var found = await Task.WhenAll(names.Take(limit).Select(name => grainOf(name, null).GetAsync()));
            return new PageWire<DocumentWire>([.. found.Where(static reply => reply.Failure is null).Select(static reply => reply.Value!)], names.Count > limit ? names[limit - 1] : null);
        });

    private Task AuditAsync(string by, string action, string kind, string name) => audit.AppendAsync(new("", clock.Now, by, action, kind, name, null));
}
