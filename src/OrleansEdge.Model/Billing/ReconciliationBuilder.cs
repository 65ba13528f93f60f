using System.Globalization;

namespace OrleansEdge.Model;

/// <summary>Sets sums over gateways beside sums over tenants, one page of them, from hours that are added in the order of time. Not thread
/// safe.</summary>
public sealed class ReconciliationBuilder
{
    private static readonly UsageKind[] Kinds = Enum.GetValues<UsageKind>();

    private readonly UsageBucket _first;
    private readonly UsageBucket _end;
    private readonly string? _after;
    private readonly int _limit;
    private readonly List<Reconciliation> _items = [];

    /// <summary>Begins a page.</summary>
    /// <param name="from">Start, rounded down to a bucket.</param>
    /// <param name="to">End, not included, rounded up to a bucket.</param>
    /// <param name="now">The time: a bucket is left out until one bucket's length after its end.</param>
    /// <param name="page">Which part; the cursor is the start of a bucket and the kind.</param>
    public ReconciliationBuilder(DateTimeOffset from, DateTimeOffset to, DateTimeOffset now, PageRequest page)
    {
        _first = UsageBucket.At(from);
        var (asked, closed) = (UsageBucket.At(Intervals.Ceiling(to, (int)UsageBucket.Length.TotalSeconds)), UsageBucket.At(now - UsageBucket.Length));
        _end = asked < closed ? asked : closed;
        _after = page.After;
        _limit = Paging.LimitOf(page);
        Failure = (long)_end.Number - _first.Number > UsageQuery.MaxPoints ? Intervals.TooBig()
            : _after is not null && !IsCursor(_after) ? ControlFailures.BadCursor(_after)
            : null;
    }

    /// <summary>Why there is no page; <see langword="null"/>: there is one.</summary>
    public ControlFailure? Failure { get; }

    /// <summary>The hours of which all owners' usage has to be added; it ends when the page is full.</summary>
    public IEnumerable<UsageHour> Hours()
    {
        if (Failure is not null)
        {
            yield break;
        }

        var resumed = _after is null ? _first : UsageBucket.At(TimeOf(_after));
        for (var hour = (resumed > _first ? resumed : _first).Hour; hour.FirstBucket < _end && _items.Count <= _limit; hour = new(hour.Number + 1))
        {
            yield return hour;
        }
    }

    /// <summary>Adds an hour.</summary>
    /// <param name="totals">Usage of each owner in the hour.</param>
    public void Add(IEnumerable<(string Owner, UsageHourTotals Totals)> totals)
    {
        ArgumentNullException.ThrowIfNull(totals);
        var gateways = new SortedDictionary<(UsageBucket Bucket, UsageKind Kind), UsageCounts>();
        var tenants = new SortedDictionary<(UsageBucket Bucket, UsageKind Kind), UsageCounts>();
        foreach (var (owner, hour) in totals)
        {
            var sums = new UsageShard(owner, hour.Hour).Gateway is null ? tenants : gateways;
            foreach (var entry in hour.Entries)
            {
                var key = (entry.Key.Bucket, entry.Key.Kind);
                sums[key] = sums.GetValueOrDefault(key) + entry.Counts;
            }
        }

        _items.AddRange(gateways.Keys.Union(tenants.Keys).Order().Select(key => Item(key, gateways.GetValueOrDefault(key), tenants.GetValueOrDefault(key))).Where(IsOnPage));
    }

    /// <summary>The page, where there is no failure.</summary>
    public Page<Reconciliation> Build()
        => _items.Count > _limit ? new(_items[.._limit], CursorOf(_items[_limit - 1])) : new(_items, null);

    private static Reconciliation Item((UsageBucket Bucket, UsageKind Kind) key, UsageCounts gateway, UsageCounts tenant)
        => new(key.Bucket.Start, key.Kind, Intervals.Total(gateway), Intervals.Total(tenant), tenant.OriginBytesUp, tenant.OriginBytesDown);

    private bool IsOnPage(Reconciliation item)
        => item.Start >= _first.Start && item.Start < _end.Start && (_after is null || string.CompareOrdinal(CursorOf(item), _after) > 0);

    // The ordinal order of cursors is that of time, then kind.
    private static string CursorOf(Reconciliation item) => CursorOf(item.Start, item.Kind);

    private static string CursorOf(DateTimeOffset start, UsageKind kind) => $"{EdgeJson.FormatTime(start)}/{(int)kind}";

    private static bool IsCursor(string cursor)
        => cursor.LastIndexOf('/') is > 0 and var slash
            && DateTimeOffset.TryParse(cursor.AsSpan(0, slash), null, DateTimeStyles.AssumeUniversal, out var time)
            && time >= DateTimeOffset.UnixEpoch
            && Kinds.Any(kind => CursorOf(time, kind) == cursor);

    private static DateTimeOffset TimeOf(string cursor) => DateTimeOffset.Parse(cursor.AsSpan(0, cursor.LastIndexOf('/')), CultureInfo.InvariantCulture);
}
