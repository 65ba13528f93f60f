using OrleansEdge.Contracts;

namespace OrleansEdge.Clustering.Domains;

/// <summary>What a gateway knows of one shard of the feed, and up to where. Thread safe.</summary>
internal sealed class FollowedShard(int number, ClusterDomains domains, IEnumerable<string> known) : IConfigFeedObserver
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _names = new(known, StringComparer.Ordinal);
    private volatile TaskCompletionSource _gap = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HashSet<string>? _missing;
    private bool _hasAnswered;

    public int Number => number;

    public FeedCursorWire Cursor { get; private set; } = FeedCursorWire.None;

    public IConfigFeedObserver? Observer { get; set; }

    /// <summary>Names of domains.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _names.Count(static name => name.StartsWith(ConfigFeed.Domain, StringComparison.Ordinal));
            }
        }
    }

    /// <summary>Begins a sync.</summary>
    /// <returns>The cursor to ask for.</returns>
    public FeedCursorWire BeginSync()
    {
        lock (_gate)
        {
            _gap = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return Cursor;
        }
    }

    /// <summary>Takes the answer to a sync; at the end of a whole set, notes what was known and is not in it.</summary>
    /// <param name="asked">The cursor that was asked for.</param>
    /// <param name="delta">The answer.</param>
    /// <returns>Whether there is more to ask for.</returns>
    public bool Take(FeedCursorWire asked, FeedDeltaWire delta)
    {
        lock (_gate)
        {
            if (delta.After == asked && Cursor != asked)
            {
                // Hints came while it was on its way, which are as new or newer, and must not be undone.
                return delta.Next.Sequence > Cursor.Sequence;
            }

            if (delta.After != asked)
            {
                // A new course, and its beginning.
                _missing = new(_names, StringComparer.Ordinal);
            }

            Apply(delta, isNewCourse: _missing is not null);
            if (!delta.HasMore && _missing is not null)
            {
                NoteMissing(_missing);
                _missing = null;
            }

            return delta.HasMore;
        }
    }

    /// <inheritdoc/>
    public Task ChangedAsync(FeedDeltaWire delta)
    {
        lock (_gate)
        {
            if (delta.After == Cursor && _missing is null)
            {
                Apply(delta, isNewCourse: false);
            }
            else if (delta.Next.Epoch != Cursor.Epoch || delta.Next.Sequence > Cursor.Sequence)
            {
                _gap.TrySetResult();
            }
        }

        return Task.CompletedTask;
    }

    public bool NoteAnswered()
    {
        var isFirst = !_hasAnswered;
        _hasAnswered = true;
        return isFirst;
    }

    /// <summary>Waits until it is time to sync, which it is at once where a hint has told of something that came after the last sync and
    /// is not known.</summary>
    public async Task WaitAsync(TimeSpan time, TimeProvider clock, CancellationToken stopping)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await Task.WhenAny(_gap.Task, Task.Delay(time, clock, over.Token));
        await over.CancelAsync();
    }

    // They stay among the names, to be missed again in every whole set that lacks them.
    private void NoteMissing(HashSet<string> missing)
    {
        foreach (var name in missing.Where(static name => name.StartsWith(ConfigFeed.Domain, StringComparison.Ordinal)))
        {
            domains.NoteOrphaned(name[ConfigFeed.Domain.Length..]);
        }
    }

    private void Apply(FeedDeltaWire delta, bool isNewCourse)
    {
        foreach (var change in delta.Changes)
        {
            _missing?.Remove(change.Name);
            _ = change.Deleted ? _names.Remove(change.Name) : _names.Add(change.Name);
            domains.Apply(change, isNewCourse);
        }

        Cursor = delta.Next;
    }
}
