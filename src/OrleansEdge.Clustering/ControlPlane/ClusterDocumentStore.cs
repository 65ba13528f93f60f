using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>The documents of one kind as the port has them, over grains. Thread safe.</summary>
/// <param name="kind">What kind.</param>
/// <param name="grainOf">The grain of a normalised name.</param>
/// <param name="list">Lists documents.</param>
internal sealed class ClusterDocumentStore<T>(
    ClusterDocumentKind<T> kind, Func<string, IDocumentGrain> grainOf, Func<PageRequestWire, Task<Reply<PageWire<DocumentWire>>>> list) : IDocumentStore<T>
    where T : class
{
    /// <inheritdoc/>
    public Task<ControlResult<Versioned<T>>> GetAsync(string name, CancellationToken cancellationToken)
        => ReadAsync(name, static grain => grain.GetAsync(), wire => new Versioned<T>(kind.Read(wire.Json), wire.Version), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<T>>> ListAsync(PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(() => list(PageRequestWire.Of(page)), wire => wire.ToPage(item => kind.Read(item.Json)), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PutOutcome<T>>> PutAsync(
        string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, CancellationToken cancellationToken)
    {
        if (!kind.IsName(name, out var normalized))
        {
            // A document under a name that is none has a fault that says so.
            return Task.FromResult<ControlResult<PutOutcome<T>>>(ControlFailures.Invalid(kind.Word, kind.Parse(json, name).Errors));
        }

        return GrainCalls.ChangeAsync(
            () => grainOf(normalized).PutAsync(json.ToArray(), PreconditionWire.Of(precondition), by), Outcome, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ControlResult<long>> DeleteAsync(string name, Precondition precondition, string by, CancellationToken cancellationToken)
        => kind.IsName(name, out var normalized)
            ? GrainCalls.ChangeAsync(() => grainOf(normalized).DeleteAsync(PreconditionWire.Of(precondition), by), static version => version, cancellationToken)
            : Task.FromResult<ControlResult<long>>(ControlFailures.NotFound(kind.Word, name));

    /// <inheritdoc/>
    public Task<ControlResult<Page<VersionEntry<T>>>> ListVersionsAsync(string name, PageRequest page, CancellationToken cancellationToken)
        => ReadAsync(name, grain => grain.ListVersionsAsync(PageRequestWire.Of(page)), wire => wire.ToPage(Entry), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PutOutcome<T>>> RollbackAsync(
        string name, long version, Precondition precondition, string by, CancellationToken cancellationToken)
        => kind.IsName(name, out var normalized)
            ? GrainCalls.ChangeAsync(() => grainOf(normalized).RollbackAsync(version, PreconditionWire.Of(precondition), by), Outcome, cancellationToken)
            : Task.FromResult<ControlResult<PutOutcome<T>>>(ControlFailures.NotFound(kind.Word, name));

    private Task<ControlResult<TResult>> ReadAsync<TWire, TResult>(
        string name, Func<IDocumentGrain, Task<Reply<TWire>>> ask, Func<TWire, TResult> convert, CancellationToken cancellationToken)
        => kind.IsName(name, out var normalized)
            ? GrainCalls.ReadAsync(() => ask(grainOf(normalized)), convert, cancellationToken)
            : Task.FromResult<ControlResult<TResult>>(ControlFailures.NotFound(kind.Word, name));

    private PutOutcome<T> Outcome(DocumentWire wire) => new(kind.Read(wire.Json), wire.Version, wire.Created);

    private VersionEntry<T> Entry(VersionWire wire) => new(wire.Version, wire.At, wire.By, wire.Json is null, wire.Json is null ? null : kind.Read(wire.Json));
}

/// <summary>What a store must know of one kind of document.</summary>
internal sealed record ClusterDocumentKind<T>(
    string Word, Func<string, string> Normalize, Func<string, string?> ValidateName, Func<ReadOnlyMemory<byte>, string?, ConfigResult<T>> Parse)
    where T : class
{
    public static readonly ClusterDocumentKind<DomainConfig> Domain = new(
        AuditWords.Domain, DomainName.Normalize, DomainName.Validate, static (json, name) => DomainDocument.Parse(json, DocumentLimits.Widest, name, tenantExists: null));

    public static readonly ClusterDocumentKind<TenantConfig> Tenant = new(
        AuditWords.Tenant, static name => name, TenantDocument.ValidateId, static (json, name) => TenantDocument.Parse(json, DocumentLimits.Widest, name));

    public bool IsName(string name, out string normalized)
    {
        normalized = Normalize(name);
        return ValidateName(normalized) is null;
    }

    /// <summary>Reads a document that was accepted once.</summary>
    public T Read(byte[] json)
        => Parse(json, null).Value ?? throw new InvalidOperationException($"A stored document of a {Word} cannot be read: {Parse(json, null).Errors.Text()}");
}
