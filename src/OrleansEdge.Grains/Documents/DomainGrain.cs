using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Admin;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Documents;

/// <inheritdoc cref="IDomainGrain"/>
internal sealed class DomainGrain(
    [PersistentState("domain", SiloSetup.Storage)] IPersistentState<DocumentRecord> state,
    DocumentLimits limits,
    RedisFence fence,
    EdgeClock clock,
    AuditLog audit,
    ILogger<DomainGrain> logger) : DocumentGrain(state, fence, clock, audit, logger), IDomainGrain
{
    // Tenants with which the domain is entered, or may be.
    private readonly HashSet<string> _entered = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    protected override string Word => AuditWords.Domain;

    /// <inheritdoc/>
    protected override string FeedName => ConfigFeed.Domain + Name;

    /// <inheritdoc/>
    public async Task<Reply<long>> OfferAsync(byte[] json, long version, string by)
    {
        // A tenant that the store lost too may still be known to its activation.
        if (TenantOf(json) is { } tenant)
        {
            await GrainFactory.GetGrain<ITenantGrain>(tenant).RereadAsync();
        }

        return await RestoreAsync(json, version, by);
    }

    /// <inheritdoc/>
    protected override async Task<(byte[]? Json, IReadOnlyList<ConfigError> Errors)> PrepareAsync(ReadOnlyMemory<byte> json)
    {
        string? tenant = null;
        DomainDocument.Parse(json, limits, Name, named =>
        {
            tenant = named;
            return true;
        });
        var exists = tenant is not null && await GrainFactory.GetGrain<ITenantGrain>(tenant).ExistsAsync();
        var parsed = DomainDocument.Parse(json, limits, Name, _ => exists);
        return parsed.Value is { } config ? (DomainDocument.Write(config), []) : (null, parsed.Errors);
    }

    /// <inheritdoc/>
    protected override async Task<IReadOnlyList<ConfigError>> ReserveAsync(byte[] json)
    {
        var tenant = TenantOf(json)!;
        _entered.Add(tenant);
        return await GrainFactory.GetGrain<ITenantGrain>(tenant).TryEnterAsync(Name) ? [] : DomainDocument.Parse(json, limits, Name, static _ => false).Errors;
    }

    /// <inheritdoc/>
    protected override async Task FollowUpAsync()
    {
        var current = TenantOf(Record.Newest());
        _entered.UnionWith(Record.Versions.Select(TenantOf).OfType<string>());
        foreach (var tenant in _entered.Where(tenant => tenant != current).ToArray())
        {
            await GrainFactory.GetGrain<ITenantGrain>(tenant).LeaveAsync(Name);
        }

        _entered.Clear();
    }

    private static string? TenantOf(VersionRecord? version) => version?.Json is { } json ? TenantOf(System.Text.Encoding.UTF8.GetBytes(json)) : null;

    private static string? TenantOf(byte[] json) => DomainDocument.Parse(json, DocumentLimits.Widest).Value?.Tenant;
}
