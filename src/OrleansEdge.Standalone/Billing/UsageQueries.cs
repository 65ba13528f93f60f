using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Answers questions about usage from the ledger. Thread safe.</summary>
internal sealed class UsageQueries
{
    private static readonly UsageKind[] Kinds = Enum.GetValues<UsageKind>();

    private readonly IUsageReader _usage;

    public UsageQueries(IUsageReader usage) => _usage = usage;

    /// <summary>Usage of a tenant in intervals.</summary>
    /// <exception cref="IOException">The ledger cannot be read.</exception>
    public ControlResult<UsageAnswer> Query(string tenant, UsageQuery query, CancellationToken cancellationToken)
    {
        var (from, to) = (Floor(query.From, query.Interval), Ceiling(query.To, query.Interval));
        if ((to - from).TotalSeconds / query.Interval > UsageQuery.MaxPoints)
        {
            return TooBig();
        }

        var points = new List<UsagePoint>();
        var total = default(UsageCounts);
        foreach (var (start, sums) in ReadIntervals(tenant, query, from, to))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var ((domain, kind), sum) in sums.Where(static pair => Total(pair.Value) != Total(default)))
            {
                points.Add(Point(start, domain, kind, sum));
                total += sum;
            }

            if (points.Count > UsageQuery.MaxPoints)
            {
                return TooBig();
            }
        }

        return new UsageAnswer(tenant, from, to, query.Interval, points, Total(total));
    }

    /// <summary>Sums over gateways beside sums over tenants.</summary>
    /// <param name="from">Start, rounded down to a bucket.</param>
    /// <param name="to">End, not included, rounded up to a bucket.</param>
    /// <param name="closedAt">Buckets that end later are left out.</param>
    /// <param name="page">Which part; the cursor is the start of a bucket and the kind.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The ledger cannot be read.</exception>
    public ControlResult<Page<Reconciliation>> Reconcile(
        DateTimeOffset from, DateTimeOffset to, DateTimeOffset closedAt, PageRequest page, CancellationToken cancellationToken)
    {
        var first = UsageBucket.At(from);
        var (asked, closed) = (UsageBucket.At(Ceiling(to, (int)UsageBucket.Length.TotalSeconds)), UsageBucket.At(closedAt));
        var end = asked < closed ? asked : closed;
        if ((long)end.Number - first.Number > UsageQuery.MaxPoints)
        {
            return TooBig();
        }

        if (page.After is not null && !IsCursor(page.After))
        {
            return ControlFailures.BadCursor(page.After);
        }

        var limit = Paging.LimitOf(page);
        var items = new List<Reconciliation>();
        var resumed = page.After is null ? first : UsageBucket.At(TimeOf(page.After));
        for (var hour = (resumed > first ? resumed : first).Hour; hour.FirstBucket < end && items.Count <= limit; hour = new(hour.Number + 1))
        {
            cancellationToken.ThrowIfCancellationRequested();
            items.AddRange(Reconcile(hour).Where(item
                => item.Start >= first.Start && item.Start < end.Start && (page.After is null || string.CompareOrdinal(CursorOf(item), page.After) > 0)));
        }

        return items.Count > limit ? new Page<Reconciliation>(items[..limit], CursorOf(items[limit - 1])) : new Page<Reconciliation>(items, null);
    }

    private static ControlFailure TooBig() => new(
        ControlFailureKind.Invalid, "range_too_big", $"The answer would have more than {UsageQuery.MaxPoints} points: ask for less time or wider intervals.");

    private static DateTimeOffset Floor(DateTimeOffset time, int seconds)
        => new(time.UtcTicks - (time.UtcTicks % (seconds * TimeSpan.TicksPerSecond)), TimeSpan.Zero);

    private static DateTimeOffset Ceiling(DateTimeOffset time, int seconds)
    {
        var floor = Floor(time, seconds);
        return floor == time ? floor : floor.AddSeconds(seconds);
    }

    private static UsagePoint Point(DateTimeOffset start, string domain, UsageKind kind, UsageCounts sum) => new(
        start, domain, kind, sum.BytesUp, sum.BytesDown, sum.MessagesUp, sum.MessagesDown, sum.Sessions, sum.SessionMilliseconds);

    private static UsageTotal Total(UsageCounts sum)
        => new(sum.BytesUp, sum.BytesDown, sum.MessagesUp, sum.MessagesDown, sum.Sessions, sum.SessionMilliseconds);

    // The ordinal order of cursors is that of time, then kind.
    private static string CursorOf(Reconciliation item) => $"{EdgeJson.FormatTime(item.Start)}/{(int)item.Kind}";

    private static bool IsCursor(string cursor)
        => cursor.LastIndexOf('/') is > 0 and var slash
            && DateTimeOffset.TryParse(cursor.AsSpan(0, slash), null, System.Globalization.DateTimeStyles.AssumeUniversal, out var time)
            && time >= DateTimeOffset.UnixEpoch
            && Kinds.Any(kind => CursorOf(new(time, kind, Total(default), Total(default), 0, 0)) == cursor);

    private static DateTimeOffset TimeOf(string cursor) => DateTimeOffset.Parse(cursor.AsSpan(0, cursor.LastIndexOf('/')), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Sums of each interval that has usage, in the order of time, by domain and kind.</summary>
    private IEnumerable<(DateTimeOffset Start, SortedDictionary<(string Domain, UsageKind Kind), UsageCounts> Sums)> ReadIntervals(
        string tenant, UsageQuery query, DateTimeOffset from, DateTimeOffset to)
    {
        var domain = query.Domain is null ? null : DomainName.Normalize(query.Domain);
        var sums = NewSums();
        DateTimeOffset? start = null;
        foreach (var entry in _usage.Read(tenant, UsageHour.At(from), UsageHour.At(to.AddHours(1).AddTicks(-1))).SelectMany(static hour => hour.Entries))
        {
            var time = entry.Key.Bucket.Start;
            if (time < from || time >= to || (domain ?? entry.Key.Domain) != entry.Key.Domain || (query.Kind ?? entry.Key.Kind) != entry.Key.Kind)
            {
                continue;
            }

            var interval = Floor(time, query.Interval);
            if (start is { } before && before != interval)
            {
                yield return (before, sums);
                sums = NewSums();
            }

            start = interval;
            var key = (entry.Key.Domain, entry.Key.Kind);
            sums[key] = sums.GetValueOrDefault(key) + entry.Counts;
        }

        if (start is { } last)
        {
            yield return (last, sums);
        }
    }

    private static SortedDictionary<(string Domain, UsageKind Kind), UsageCounts> NewSums()
        => new(Comparer<(string Domain, UsageKind Kind)>.Create(static (a, b) =>
        {
            var order = string.CompareOrdinal(a.Domain, b.Domain);
            return order != 0 ? order : a.Kind.CompareTo(b.Kind);
        }));

    private IEnumerable<Reconciliation> Reconcile(UsageHour hour)
    {
        var gateways = new SortedDictionary<(UsageBucket Bucket, UsageKind Kind), UsageCounts>();
        var tenants = new SortedDictionary<(UsageBucket Bucket, UsageKind Kind), UsageCounts>();
        UsageHour next = new(hour.Number + 1);
        foreach (var owner in _usage.ListOwners(hour, next))
        {
            var sums = new UsageShard(owner, hour).Gateway is null ? tenants : gateways;
            foreach (var entry in _usage.Read(owner, hour, next).SelectMany(static totals => totals.Entries))
            {
                var key = (entry.Key.Bucket, entry.Key.Kind);
                sums[key] = sums.GetValueOrDefault(key) + entry.Counts;
            }
        }

        return gateways.Keys.Union(tenants.Keys).Order().Select(key =>
        {
            var (gateway, tenant) = (gateways.GetValueOrDefault(key), tenants.GetValueOrDefault(key));
            return new Reconciliation(key.Bucket.Start, key.Kind, Total(gateway), Total(tenant), tenant.OriginBytesUp, tenant.OriginBytesDown);
        });
    }
}
