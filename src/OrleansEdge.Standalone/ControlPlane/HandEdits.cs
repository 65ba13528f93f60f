using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Finds documents that somebody put, edited or removed by hand and makes versions of them. Calls must not overlap, but for
/// <see cref="FindCandidates"/>.</summary>
internal sealed class HandEdits<T>
    where T : class
{
    /// <summary>How long a file must be missing until that is a deletion: editors replace a file by removing it first.</summary>
    public static readonly TimeSpan MissingGrace = TimeSpan.FromMilliseconds(400);

    private readonly DocumentLedger<T> _ledger;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private bool _folderGone;

    public HandEdits(DocumentLedger<T> ledger, TimeProvider time, ILogger logger)
    {
        _ledger = ledger;
        _time = time;
        _logger = logger;
    }

    /// <summary>Why a document of this name may not go away; null: it may.</summary>
    public Func<string, ControlFailure?> MayDelete { get; init; } = static _ => null;

    /// <summary>Whether a file is missing and it is too early to tell whether it was removed.</summary>
    public bool IsWaiting => _ledger.States.Any(static state => state.MissingSince is not null && !state.IsBroken);

    /// <summary>Stems whose files may have changed.</summary>
    /// <param name="paths">Paths at which something happened, also of other folders; null: anything may have happened.</param>
    public List<string> FindCandidates(IReadOnlyCollection<string>? paths)
        => paths is null ? FindAllCandidates() : [.. StemsOf(paths).Union(MissingStems(), StringComparer.Ordinal)];

    /// <summary>Reconciles many; what the disk refuses is logged and left for the next time.</summary>
    public void ReconcileAll(IEnumerable<string> stems, bool flush, bool isStart)
    {
        foreach (var stem in stems)
        {
            try
            {
                Reconcile(stem, flush, isStart);
            }
            catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
            {
                _logger.DocumentNotAdopted(_ledger.Kind.Word, _ledger.StateOf(stem).Name, failure.Message);
            }
        }
    }

    /// <summary>Brings what is in force in line with a file.</summary>
    /// <param name="stem">Its stem.</param>
    /// <param name="flush">Whether a version that is made must be on the disk afterwards.</param>
    /// <param name="isStart">Whether this is the start, when no editor is at work.</param>
    public void Reconcile(string stem, bool flush = true, bool isStart = false)
    {
        var state = _ledger.StateOf(stem);
        if (state.IsUnapplied)
        {
            state = _ledger.Apply(state);
            _ledger.Note(state);
        }

        var seen = _ledger.Folder.Stat(stem);
        if (state.IsUnapplied || state.Stamp.StillHolds(seen))
        {
            return;
        }

        if (seen.IsMissing)
        {
            ReconcileMissing(state, flush, isStart);
        }
        else
        {
            ReconcileFile(state, state.Stamp.Next(seen), flush);
        }
    }

    /// <summary>Looks again at all broken files, because something that they need may be there now.</summary>
    public void ReconcileBroken()
    {
        var broken = _ledger.States.Where(static state => state.IsBroken).ToList();
        foreach (var state in broken)
        {
            _ledger.Note(state with { Stamp = default });
        }

        ReconcileAll(broken.Select(static state => state.Stem), flush: true, isStart: false);
    }

    private IEnumerable<string> StemsOf(IReadOnlyCollection<string> paths)
        => paths.Select(_ledger.Folder.StemOf).OfType<string>();

    private IEnumerable<string> MissingStems()
        => _ledger.States.Where(static state => state.MissingSince is not null).Select(static state => state.Stem);

    private List<string> FindAllCandidates()
    {
        var files = _ledger.Folder.List();
        if (files is null)
        {
            NoteFolderGone();
            return [];
        }

        _folderGone = false;
        var candidates = new List<string>();
        foreach (var (stem, seen) in files)
        {
            if (!_ledger.StateOf(stem).Stamp.StillHolds(seen))
            {
                candidates.Add(stem);
            }
        }

        foreach (var state in _ledger.States)
        {
            if (state.IsUnapplied || (!files.ContainsKey(state.Stem) && (state.Document is not null || state.IsBroken)))
            {
                candidates.Add(state.Stem);
            }
        }

        return candidates;
    }

    private void NoteFolderGone()
    {
        if (!_folderGone)
        {
            _folderGone = true;
            _logger.FolderGone(_ledger.Folder.FullPath);
        }
    }

    private void ReconcileMissing(DocumentState<T> state, bool flush, bool isStart)
    {
        if (state.Document is null)
        {
            _ledger.Note(state with { Faults = [], Stamp = default, MissingSince = null });
        }
        else if (!_ledger.Folder.Exists)
        {
            NoteFolderGone();
            _ledger.Note(state with { MissingSince = null });
        }
        else if (!isStart && state.MissingSince is null)
        {
            _ledger.Note(state with { MissingSince = _time.GetTimestamp() });
        }
        else if (isStart || _time.GetElapsedTime(state.MissingSince!.Value) >= MissingGrace)
        {
            Remove(state, flush);
        }
    }

    private void Remove(DocumentState<T> state, bool flush)
    {
        if (MayDelete(state.Name) is { } failure)
        {
            _ledger.Note(state with { Faults = [new("", $"the file was removed by hand, which is not in force: {failure.Detail}")], Stamp = default });
        }
        else
        {
            _ledger.Adopt(state, null, default, flush);
        }
    }

    private void ReconcileFile(DocumentState<T> state, FileStamp stamp, bool flush)
    {
        if (!_ledger.Folder.TryRead(state.Stem, out var content, out var fault))
        {
            // A file that vanished in between is seen to be missing the next time.
            Break(state, stamp, fault is null ? [] : [new("", fault)]);
            return;
        }

        if (_ledger.Kind.NameOf(state.Stem) is not { } name)
        {
            Break(state, stamp, [new("", $"\"{state.Stem}\" is not the name of a {_ledger.Kind.Word} as it is written in file names")]);
            return;
        }

        if (state.Document is { } inForce && _ledger.Kind.Parse(content, name, DocumentRules.Stored).Value is { } same && same.Equals(inForce))
        {
            Break(state, stamp, []);
            return;
        }

        var parsed = _ledger.Kind.Parse(content, name, DocumentRules.New);
        if (parsed.Value is { } document)
        {
            _ledger.Adopt(state, document, stamp, flush);
        }
        else
        {
            Break(state, stamp, parsed.Errors);
        }
    }

    private void Break(DocumentState<T> state, FileStamp stamp, IReadOnlyList<ConfigError> faults)
        => _ledger.Note(state with { Faults = faults, Stamp = stamp, MissingSince = null });
}
