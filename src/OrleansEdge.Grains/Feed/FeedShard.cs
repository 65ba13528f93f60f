using OrleansEdge.Contracts;

namespace OrleansEdge.Grains.Feed;

/// <summary>The newest change of every name of a shard. Rules only: no clock, no I/O. Not thread safe.</summary>
internal sealed class FeedShard
{
    /// <summary>How many changes back every cursor is known again. Older ones are while their change is the newest of its name; who comes
    /// with another gets the whole set.</summary>
    public const int KnownMarks = 4096;

    private readonly Dictionary<string, FeedStepRecord> _names = new(StringComparer.Ordinal);
    private readonly SortedList<long, FeedStepRecord> _bySequence = [];
    private readonly Dictionary<string, FeedStepRecord> _announced = new(StringComparer.Ordinal);
    private readonly Queue<FeedMarkRecord> _marks = new();
    private readonly Dictionary<long, long> _markOf = [];

    /// <summary>A shard of a course.</summary>
    public FeedShard(Guid epoch) => Epoch = epoch;

    /// <summary>A stored shard.</summary>
    public FeedShard(FeedBaseRecord stored)
        : this(stored.Epoch)
    {
        foreach (var name in stored.Names)
        {
            Put(name);
        }

        foreach (var announced in stored.Announced)
        {
            _announced[announced.Name] = announced;
        }

        foreach (var mark in stored.Marks)
        {
            NoteMark(mark);
        }
    }

    /// <summary>Which course of the shard.</summary>
    public Guid Epoch { get; private set; }

    /// <summary>Number of the last change.</summary>
    public long Sequence { get; private set; }

    /// <summary>What was announced and not confirmed.</summary>
    public IReadOnlyCollection<FeedStepRecord> Announced => _announced.Values;

    /// <summary>Up to where the shard goes.</summary>
    public FeedCursorWire Cursor => new(Epoch, Sequence, MarkOf(Sequence) ?? 0);

    /// <summary>The newest change of a name.</summary>
    public FeedStepRecord? Find(string name) => _names.GetValueOrDefault(name);

    /// <summary>Whether a cursor is one of this course.</summary>
    public bool Knows(FeedCursorWire cursor)
        => cursor.Epoch == Epoch && (cursor.Sequence == 0 || MarkOf(cursor.Sequence) == cursor.Mark);

    /// <summary>Whether a cursor is of this course, but not of what is known of it: the store went back.</summary>
    public bool WentBackFor(FeedCursorWire cursor)
        => cursor.Epoch == Epoch && !Knows(cursor) && (cursor.Sequence > Sequence || MarkOf(cursor.Sequence) is not null);

    /// <summary>Whether a step says anything new.</summary>
    public bool IsNews(FeedStepRecord step)
    {
        var known = Find(step.Name)?.Revision ?? 0;
        return step.IsChange
            ? step.Revision > known || (step.Revision == known && _announced.ContainsKey(step.Name))
            : step.Revision > known && (_announced.GetValueOrDefault(step.Name)?.Revision ?? 0) < step.Revision;
    }

    /// <summary>Takes a step.</summary>
    public void Apply(FeedStepRecord step)
    {
        if (!step.IsChange)
        {
            _announced[step.Name] = step;
            return;
        }

        Put(step);
        NoteMark(new(step.Sequence, step.Mark));
        if (_announced.TryGetValue(step.Name, out var announced) && announced.Revision <= step.Revision)
        {
            _announced.Remove(step.Name);
        }
    }

    /// <summary>Forgets an announcement whose write was never made.</summary>
    public void Forget(string name, long revision)
    {
        if (_announced.TryGetValue(name, out var announced) && announced.Revision == revision)
        {
            _announced.Remove(name);
        }
    }

    /// <summary>Begins a new course.</summary>
    public void Renew(Guid epoch) => Epoch = epoch;

    /// <summary>What changed since a cursor; since the beginning where it is not known.</summary>
    public FeedDeltaWire Since(FeedCursorWire cursor, int most)
    {
        var after = Knows(cursor) ? cursor : new(Epoch, 0, 0);
        var first = IndexAfter(after.Sequence);
        var count = Math.Min(most, _bySequence.Count - first);
        var changes = Enumerable.Range(first, count).Select(index => _bySequence.GetValueAtIndex(index)).ToArray();
        var hasMore = first + count < _bySequence.Count;
        var next = hasMore ? new FeedCursorWire(Epoch, changes[^1].Sequence, changes[^1].Mark) : Cursor;
        return new(after, [.. changes.Select(static change => change.ToWire())], next, hasMore);
    }

    /// <summary>Names of things that exist.</summary>
    public IEnumerable<string> Names => _names.Values.Where(static name => !name.Deleted).Select(static name => name.Name);

    /// <summary>The whole shard.</summary>
    public FeedBaseRecord ToRecord() => new(Epoch, [.. _bySequence.Values], [.. _announced.Values], [.. _marks]);

    private void Put(FeedStepRecord change)
    {
        if (_names.TryGetValue(change.Name, out var old))
        {
            _bySequence.Remove(old.Sequence);
        }

        _names[change.Name] = change;
        _bySequence[change.Sequence] = change;
        Sequence = Math.Max(Sequence, change.Sequence);
    }

    private long? MarkOf(long sequence)
        => _markOf.TryGetValue(sequence, out var mark) ? mark : _bySequence.TryGetValue(sequence, out var change) ? change.Mark : null;

    private void NoteMark(FeedMarkRecord mark)
    {
        _marks.Enqueue(mark);
        _markOf[mark.Sequence] = mark.Mark;
        if (_marks.Count > KnownMarks)
        {
            _markOf.Remove(_marks.Dequeue().Sequence);
        }
    }

    private int IndexAfter(long sequence)
    {
        var (low, high) = (0, _bySequence.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _bySequence.GetKeyAtIndex(middle) <= sequence ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
