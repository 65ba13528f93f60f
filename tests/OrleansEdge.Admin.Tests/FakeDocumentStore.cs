using OrleansEdge.Model;

namespace OrleansEdge.Admin.Tests;

/// <summary>Documents in memory, by the rules of <see cref="IDocumentStore{T}"/>.</summary>
internal sealed class FakeDocumentStore<T>(
    Func<ReadOnlyMemory<byte>, ConfigResult<T>> parse,
    Func<string, ControlFailure?> refuse,
    Func<string, ControlFailure?> refuseDelete) : IDocumentStore<T>
    where T : class
{
    private readonly SortedDictionary<string, List<VersionEntry<T>>> _versions = new(StringComparer.Ordinal);

    public List<string> Callers { get; } = [];

    public Task<ControlResult<Versioned<T>>> GetAsync(string name, CancellationToken cancellationToken)
        => Task.FromResult<ControlResult<Versioned<T>>>(
            refuse(name) is { } failure ? failure
            : Current(name) is { Document: { } document } entry ? new Versioned<T>(document, entry.Version)
            : NotFound(name));

    public Task<ControlResult<Page<T>>> ListAsync(PageRequest page, CancellationToken cancellationToken)
    {
        var current = _versions.Where(pair => !pair.Value[^1].Deleted).Select(pair => (pair.Key, pair.Value[^1].Document!));
        return Task.FromResult(FakeControlPlane.Page(current, page));
    }

    public Task<ControlResult<PutOutcome<T>>> PutAsync(string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, CancellationToken cancellationToken)
        => Task.FromResult(Check(name, precondition) is { } failure ? failure : Put(name, parse(json), by));

    public Task<ControlResult<long>> DeleteAsync(string name, Precondition precondition, string by, CancellationToken cancellationToken)
    {
        var failure = refuse(name) ?? (Current(name) is null ? NotFound(name) : null) ?? Check(name, precondition) ?? refuseDelete(name);
        return Task.FromResult<ControlResult<long>>(failure is not null ? failure : Add(name, null, by).Version);
    }

    public Task<ControlResult<Page<VersionEntry<T>>>> ListVersionsAsync(string name, PageRequest page, CancellationToken cancellationToken)
    {
        if (!_versions.TryGetValue(Normal(name), out var versions))
        {
            return Task.FromResult<ControlResult<Page<VersionEntry<T>>>>(NotFound(name));
        }

        return Task.FromResult(FakeControlPlane.Page(versions.AsEnumerable().Reverse().Select(entry => ($"{long.MaxValue - entry.Version:d19}", entry)), page));
    }

    public Task<ControlResult<PutOutcome<T>>> RollbackAsync(string name, long version, Precondition precondition, string by, CancellationToken cancellationToken)
    {
        var kept = _versions.GetValueOrDefault(Normal(name))?.Find(entry => entry.Version == version)?.Document;
        var failure = kept is null ? NotFound(name) : Check(name, precondition);
        return Task.FromResult(failure is not null ? failure : Put(name, new ConfigResult<T>(kept!), by));
    }

    private ControlResult<PutOutcome<T>> Put(string name, ConfigResult<T> result, string by)
    {
        if (result.Value is null)
        {
            return new ControlFailure(ControlFailureKind.Invalid, "config_invalid", "The document is not valid.") { Errors = result.Errors };
        }

        var created = Current(name) is null;
        return new PutOutcome<T>(result.Value, Add(name, result.Value, by).Version, created);
    }

    private VersionEntry<T> Add(string name, T? document, string by)
    {
        Callers.Add(by);
        var versions = _versions.TryGetValue(Normal(name), out var found) ? found : _versions[Normal(name)] = [];
        versions.Add(new(versions.Count + 1, FakeControlPlane.Time, by, document is null, document));
        return versions[^1];
    }

    private ControlFailure? Check(string name, Precondition precondition)
    {
        var current = Current(name);
        var fails = (precondition.IfMatch is { } version && current?.Version != version)
            || (precondition.IfNoneMatch && current is not null)
            || (precondition.MustExist && current is null);
        return refuse(name) ?? (fails ? new ControlFailure(ControlFailureKind.PreconditionFailed, "precondition_failed", "Another version.") : null);
    }

    private VersionEntry<T>? Current(string name)
        => _versions.TryGetValue(Normal(name), out var versions) && !versions[^1].Deleted ? versions[^1] : null;

    private static string Normal(string name) => name.ToLowerInvariant();

    private static ControlFailure NotFound(string name) => new(ControlFailureKind.NotFound, "not_found", $"There is no {name}.");
}
