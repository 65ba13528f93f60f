using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The documents of one kind, as the port has them. Thread safe; reading what is in force takes no lock.</summary>
internal sealed class DocumentStore<T> : IDocumentStore<T>
    where T : class
{
    private readonly DocumentLedger<T> _ledger;
    private readonly HandEdits<T> _edits;
    private readonly ChangeQueue _changes;
    private readonly DocumentKind<T> _kind;

    public DocumentStore(DocumentLedger<T> ledger, HandEdits<T> edits, ChangeQueue changes)
    {
        _ledger = ledger;
        _edits = edits;
        _changes = changes;
        _kind = ledger.Kind;
    }

    /// <inheritdoc/>
    public Task<ControlResult<Versioned<T>>> GetAsync(string name, CancellationToken cancellationToken)
    {
        var state = Find(name);
        return Task.FromResult<ControlResult<Versioned<T>>>(
            state?.Document is { } document ? new Versioned<T>(document, state.Version)
            : state is { IsBroken: true } ? ControlFailures.Broken(_kind.Word, state.Name, state.Faults)
            : ControlFailures.NotFound(_kind.Word, name));
    }

    /// <inheritdoc/>
    public Task<ControlResult<Page<T>>> ListAsync(PageRequest page, CancellationToken cancellationToken)
    {
        var names = _ledger.Names;
        var limit = Paging.LimitOf(page);
        var items = new List<T>();
        for (var index = Paging.StartAfter(names, page.After); index < names.Count; index++)
        {
            // A document that went away since then leaves a gap, not an end.
            if (_ledger.Find(names[index])?.Document is { } document)
            {
                items.Add(document);
            }

            if (items.Count == limit)
            {
                return Answer(new Page<T>(items, index + 1 < names.Count ? names[index] : null));
            }
        }

        return Answer(new Page<T>(items, null));
    }

    /// <inheritdoc/>
    public Task<ControlResult<PutOutcome<T>>> PutAsync(
        string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, CancellationToken cancellationToken)
        => _changes.RunAsync(() => Put(name, json, precondition, by, action: null), cancellationToken);

    /// <inheritdoc/>
    public Task<ControlResult<long>> DeleteAsync(string name, Precondition precondition, string by, CancellationToken cancellationToken)
        => _changes.RunAsync(() => Delete(name, precondition, by), cancellationToken);

    /// <inheritdoc/>
    public async Task<ControlResult<Page<VersionEntry<T>>>> ListVersionsAsync(string name, PageRequest page, CancellationToken cancellationToken)
    {
        if (Find(name) is not { Version: > 0 } state)
        {
            return Find(name) is { IsBroken: true } broken ? ControlFailures.Broken(_kind.Word, broken.Name, broken.Faults) : ControlFailures.NotFound(_kind.Word, name);
        }

        if (!Paging.TryParseNumber(page.After, out var before))
        {
            return ControlFailures.BadCursor(page.After!);
        }

        return await _changes.RunAsync<Page<VersionEntry<T>>>(() => ListVersions(state.Stem, before, Paging.LimitOf(page)), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ControlResult<PutOutcome<T>>> RollbackAsync(
        string name, long version, Precondition precondition, string by, CancellationToken cancellationToken)
        => _changes.RunAsync(() => Rollback(name, version, precondition, by), cancellationToken);

    private static Task<ControlResult<Page<T>>> Answer(Page<T> page) => Task.FromResult<ControlResult<Page<T>>>(page);

    private DocumentState<T>? Find(string name) => _ledger.Find(_kind.Normalize(name));

    private ControlResult<PutOutcome<T>> Put(string name, ReadOnlyMemory<byte> json, Precondition precondition, string by, string? action)
    {
        var parsed = _kind.Parse(json, name, DocumentRules.New);
        if (parsed.Value is not { } document)
        {
            return ControlFailures.Invalid(_kind.Word, parsed.Errors);
        }

        if (DocumentStem.Of(_kind.Normalize(name)).Length > DocumentStem.MaxLength)
        {
            return ControlFailures.Invalid(_kind.Word, [new(_kind.Word, $"has more than {DocumentStem.MaxLength} characters, the most that a file name holds")]);
        }

        var state = Reconciled(name);
        if (ControlFailures.Check(_kind.Word, state.Name, CurrentVersion(state), precondition) is { } failure)
        {
            return failure;
        }

        var created = state.Document is null;
        var made = _ledger.Commit(state, document, by, action ?? (created ? AuditWords.Create : AuditWords.Replace));
        return new PutOutcome<T>(document, made.Version, created);
    }

    private ControlResult<long> Delete(string name, Precondition precondition, string by)
    {
        if (Find(name) is not { } known || _kind.NameOf(known.Stem) is null)
        {
            return ControlFailures.NotFound(_kind.Word, name);
        }

        var state = Reconciled(known.Name);
        if (state.Document is null && !state.IsBroken)
        {
            return ControlFailures.NotFound(_kind.Word, name);
        }

        var failure = ControlFailures.Check(_kind.Word, state.Name, CurrentVersion(state), precondition) ?? _edits.MayDelete(state.Name);
        return failure is null ? _ledger.Commit(state, null, by, AuditWords.Delete).Version : failure;
    }

    private ControlResult<PutOutcome<T>> Rollback(string name, long version, Precondition precondition, string by)
    {
        if (Find(name) is not { Version: > 0 } state)
        {
            return ControlFailures.NotFound(_kind.Word, name);
        }

        if (_ledger.History.Read(state.Stem, version) is not { } kept)
        {
            return ControlFailures.VersionNotFound(_kind.Word, state.Name, version);
        }

        return kept.Document is { } document
            ? Put(state.Name, _kind.Write(document), precondition, by, AuditWords.Rollback)
            : ControlFailures.VersionIsDeletion(_kind.Word, state.Name, version);
    }

    private Page<VersionEntry<T>> ListVersions(string stem, long before, int limit)
    {
        var numbers = _ledger.History.ListNumbers(stem).Where(number => before == 0 || number < before).Take(VersionHistory<T>.Kept).ToList();
        var items = numbers.Take(limit).Select(number => _ledger.History.Read(stem, number)).OfType<VersionRecord<T>>();
        return new([.. items.Select(static version => version.ToEntry())], numbers.Count > limit ? AuditWords.Id(numbers[limit - 1]) : null);
    }

    /// <summary>The state after what somebody may have done to the file just now.</summary>
    private DocumentState<T> Reconciled(string name)
    {
        var stem = DocumentStem.Of(_kind.Normalize(name));
        _edits.Reconcile(stem);
        return _ledger.StateOf(stem);
    }

    // A broken file that was never in force is something that a conditional creation must not overwrite.
    private static long? CurrentVersion(DocumentState<T> state) => state.Document is null && !state.IsBroken ? null : state.Version;
}
