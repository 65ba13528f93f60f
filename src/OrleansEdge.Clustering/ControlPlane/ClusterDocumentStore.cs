using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.ControlPlane;

/// <summary>The documents of one kind over the admin grain. Thread safe.</summary>
internal sealed class ClusterDocumentStore<T>(IDocumentCalls<T> calls) : IDocumentStore<T>
    where T : class
{
    /// <inheritdoc/>
    public Task<ControlResult<Versioned<T>>> GetAsync(string name, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(() => calls.GetAsync(name), wire => new Versioned<T>(Read(wire.Json), wire.Version), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<T>>> ListAsync(PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(() => calls.ListAsync(PageRequestWire.Of(page)), wire => wire.ToPage(item => Read(item.Json)), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PutOutcome<T>>> PutAsync(
        string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, CancellationToken cancellationToken)
        => GrainCalls.ChangeAsync(() => calls.PutAsync(name, json.ToArray(), PreconditionWire.Of(precondition), by), Outcome, cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<long>> DeleteAsync(string name, Precondition precondition, string by, CancellationToken cancellationToken)
        => GrainCalls.ChangeAsync(() => calls.DeleteAsync(name, PreconditionWire.Of(precondition), by), static version => version, cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<Page<VersionEntry<T>>>> ListVersionsAsync(string name, PageRequest page, CancellationToken cancellationToken)
        => GrainCalls.ReadAsync(() => calls.ListVersionsAsync(name, PageRequestWire.Of(page)), wire => wire.ToPage(Entry), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<PutOutcome<T>>> RollbackAsync(
        string name, long version, Precondition precondition, string by, CancellationToken cancellationToken)
        => GrainCalls.ChangeAsync(() => calls.RollbackAsync(name, version, PreconditionWire.Of(precondition), by), Outcome, cancellationToken);

    private PutOutcome<T> Outcome(DocumentWire wire) => new(Read(wire.Json), wire.Version, wire.Created);

    private VersionEntry<T> Entry(VersionWire wire) => new(wire.Version, wire.At, wire.By, wire.Json is null, wire.Json is null ? null : Read(wire.Json));

    private T Read(byte[] json)
        => calls.Parse(json) is var parsed && parsed.Value is { } document
            ? document
            : throw new InvalidOperationException($"A stored document cannot be read: {parsed.Errors.Text()}");
}
