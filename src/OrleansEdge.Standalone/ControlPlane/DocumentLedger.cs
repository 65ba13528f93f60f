using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The documents of one kind, in memory and on disk. A version is made by writing its file in the history: what comes
/// before that can be forgotten, what comes after can be done again (<see cref="Load"/>). Reading is thread safe; changing calls
/// must not overlap.</summary>
internal sealed class DocumentLedger<T>
    where T : class
{
    private readonly DocumentKind<T> _kind;
    private readonly DocumentFolder _folder;
    private readonly VersionHistory<T> _history;
    private readonly AuditLog _audit;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, DocumentState<T>> _states = new(StringComparer.Ordinal);
    private ImmutableSortedSet<string> _names = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    public DocumentLedger(DocumentKind<T> kind, DataFolder data, AuditLog audit, TimeProvider time, ILogger logger)
    {
        _kind = kind;
        _folder = new(data, kind.Folder);
        _history = new(data, kind.Folder, logger);
        _audit = audit;
        _time = time;
        _logger = logger;
    }

    /// <summary>Called after each change of what is in force: the state before, and the state now.</summary>
    public Action<DocumentState<T>, DocumentState<T>> Changed { get; set; } = static (_, _) => { };

    public DocumentKind<T> Kind => _kind;

    public DocumentFolder Folder => _folder;

    public VersionHistory<T> History => _history;

    /// <summary>Names that have a document in force, ordered.</summary>
    public ImmutableSortedSet<string> Names => _names;

    /// <summary>All that is known, deleted and broken ones included, in no order.</summary>
    public IEnumerable<DocumentState<T>> States => _states.Values;

    public DocumentState<T>? Find(string name) => _states.GetValueOrDefault(DocumentStem.Of(name));

    public DocumentState<T> StateOf(string stem) => _states.GetValueOrDefault(stem) ?? new(stem) { Name = _kind.NameOf(stem) ?? stem };

    /// <summary>Reads the newest versions, finishes what a crash interrupted, and says which lines the audit lacks.</summary>
    public List<AuditEntry> Load()
    {
        var unaudited = new List<AuditEntry>();
        foreach (var (state, lines) in _history.ListStems().AsParallel().Select(LoadNewest))
        {
            unaudited.AddRange(lines);
            _states[state.Stem] = state;
        }

        var names = _states.Values.Where(static state => state.Document is not null).Select(static state => state.Name);
        _names = ImmutableSortedSet.CreateRange(StringComparer.Ordinal, names);
        foreach (var (stem, content) in _folder.ListPending())
        {
            FinishInterrupted(stem, content);
        }

        RestoreFolder();
        foreach (var state in _states.Values.Where(static state => state.Document is not null))
        {
            Changed(StateOf(state.Stem) with { Document = null }, state);
        }

        return unaudited;
    }

    /// <summary>Makes a version and writes its file.</summary>
    /// <exception cref="IOException">The disk refuses it: nothing has changed.</exception>
    public DocumentState<T> Commit(DocumentState<T> state, T? document, string by, string action)
    {
        _folder.Prepare(state.Stem, document is null ? [] : _kind.Write(document));
        VersionRecord<T> version;
        try
        {
            version = Append(state, document, by, action, flush: true);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            _logger.ChangeRefusedByDisk(_kind.Word, state.Name, failure.Message);
            _folder.Discard(state.Stem);
            throw;
        }

        var made = Apply(state with { Version = version.Version, Document = document, Faults = [], MissingSince = null, IsUnapplied = true });
        Finish(state, made, version, flush: true);
        return made;
    }

    /// <summary>Makes a version of what somebody did to the file.</summary>
    /// <exception cref="IOException">The disk refuses it: nothing has changed.</exception>
    public void Adopt(DocumentState<T> state, T? document, FileStamp stamp, bool flush)
    {
        var action = document is null ? AuditWords.Delete : state.Document is null ? AuditWords.Create : AuditWords.Replace;
        var version = Append(state, document, AuditWords.ByFile, action, flush);
        var made = state with { Version = version.Version, Document = document, Faults = [], Stamp = stamp, MissingSince = null };
        Finish(state, made, version, flush);
    }

    /// <summary>Notes what was seen of the file without a change of what is in force.</summary>
    public void Note(DocumentState<T> state)
    {
        var before = StateOf(state.Stem);
        if (state is { Version: 0, IsBroken: false })
        {
            _states.TryRemove(state.Stem, out _);
        }
        else
        {
            _states[state.Stem] = state;
        }

        if (state.IsBroken && !state.Faults.SequenceEqual(before.Faults))
        {
            _logger.DocumentBroken(_kind.Word, state.Name, state.Document is null ? "nothing" : $"version {state.Version}", state.Faults.Text());
        }
        else if (before.IsBroken && !state.IsBroken)
        {
            _logger.DocumentMended(_kind.Word, state.Name);
        }
    }

    /// <summary>Brings a version to its file that did not get there before.</summary>
    public DocumentState<T> Apply(DocumentState<T> state)
    {
        try
        {
            _folder.Apply(state.Stem);
            return state with { IsUnapplied = false, Stamp = _folder.Stat(state.Stem) };
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            // Tried again with each look at the files: said once.
            if (!StateOf(state.Stem).IsUnapplied)
            {
                _logger.DocumentNotApplied(_kind.Word, state.Name, state.Version, failure.Message);
            }

            return state;
        }
    }

    private VersionRecord<T> Append(DocumentState<T> state, T? document, string by, string action, bool flush)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        var version = new VersionRecord<T>(state.Version + 1, now, by, action, _audit.TakeId(), document is null, document);
        _history.Append(state.Stem, version, flush);
        return version;
    }

    private void Finish(DocumentState<T> before, DocumentState<T> made, VersionRecord<T> version, bool flush)
    {
        _audit.Append(AuditOf(made.Name, version), flush);
        _states[made.Stem] = made;
        _names = made.Document is null ? _names.Remove(made.Name) : _names.Add(made.Name);
        _logger.DocumentChanged(_kind.Word, made.Name, version.Action, version.By, version.Version);
        Changed(before, made);
        _history.Prune(made.Stem, made.Version);
    }

    private AuditEntry AuditOf(string name, VersionRecord<T> version)
        => new(AuditWords.Id(version.Audit), version.At, version.By, version.Action, _kind.Word, name, version.Version);

    private (DocumentState<T> State, List<AuditEntry> Unaudited) LoadNewest(string stem)
    {
        var state = new DocumentState<T>(stem) { Name = _kind.NameOf(stem) ?? stem };
        var unaudited = new List<AuditEntry>();
        var isNewest = true;
        foreach (var number in _history.ListNumbers(stem))
        {
            state = state with { Version = Math.Max(state.Version, number) };
            if (_history.Read(stem, number) is not { } version)
            {
                continue;
            }

            state = isNewest ? state with { Document = version.Document } : state;
            isNewest = false;
            if (version.Audit <= _audit.LastWrittenId)
            {
                break;
            }

            unaudited.Add(AuditOf(state.Name, version));
        }

        return (state, unaudited);
    }

    private void FinishInterrupted(string stem, byte[] content)
    {
        var state = StateOf(stem);
        var made = state.Document is null ? [] : _kind.Write(state.Document);
        if (state.Version > 0 && content.AsSpan().SequenceEqual(made))
        {
            _states[stem] = Apply(state with { IsUnapplied = true });
        }
        else
        {
            _folder.Discard(stem);
        }
    }

    // Without its folder nobody can have deleted the documents one by one.
    private void RestoreFolder()
    {
        if (!_folder.IsNew || _names.IsEmpty)
        {
            return;
        }

        foreach (var state in _states.Values.Where(static state => state.Document is not null))
        {
            _folder.Prepare(state.Stem, _kind.Write(state.Document!));
            _states[state.Stem] = Apply(state with { IsUnapplied = true });
        }

        _logger.FolderRestored(_folder.FullPath, _names.Count);
    }
}
