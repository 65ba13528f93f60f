namespace OrleansEdge.Model;

/// <summary>Answers a query of a tenant's usage from its hours, added in the order of time. Not thread safe.</summary>
public sealed class UsageAnswerBuilder
{
    private static readonly DateTimeOffset Latest = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly string _tenant;
    private readonly UsageQuery _query;
    private readonly string? _domain;
    private readonly DateTimeOffset _start;
    private readonly DateTimeOffset _end;
    private readonly List<UsagePoint> _points = [];
    private readonly SortedDictionary<(string Domain, UsageKind Kind), UsageCounts> _sums = new(Comparer<(string Domain, UsageKind Kind)>.Create(Compare));
    private DateTimeOffset? _interval;
    private UsageCounts _total;

    /// <summary>Begins an answer.</summary>
    /// <param name="tenant">Who.</param>
    /// <param name="query">What is asked for.</param>
    /// <exception cref="ArgumentException"><see cref="FaultOf"/> finds one.</exception>
    public UsageAnswerBuilder(string tenant, UsageQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (FaultOf(query) is { } fault)
        {
            throw new ArgumentException(fault.Detail, nameof(query));
        }

        _tenant = tenant;
        _query = query;
        _domain = query.Domain is null ? null : DomainName.Normalize(query.Domain);
        (_start, _end) = (Intervals.Floor(query.From, query.Interval), Intervals.Ceiling(query.To, query.Interval));
    }

    /// <summary>What is wrong with a query; <see langword="null"/>: nothing.</summary>
    public static ControlFailure? FaultOf(UsageQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return query.Interval is not (300 or 3600 or 86_400) ? ControlFailures.BadParameter("interval", "is not 300, 3600 or 86400")
            : query.From < DateTimeOffset.UnixEpoch || query.To > Latest ? ControlFailures.BadParameter("from", "and to are not in the years 1970 to 9998")
            : query.From >= query.To ? ControlFailures.BadParameter("from", "is not before to")
            : null;
    }

    /// <summary>Whether the answer is too big: nothing more need be added.</summary>
    public bool IsTooBig => (_end - _start).TotalSeconds / _query.Interval > UsageQuery.MaxPoints || _points.Count > UsageQuery.MaxPoints;

    /// <summary>First hour that is needed.</summary>
    public UsageHour From => UsageHour.At(_start);

    /// <summary>End of the hours that are needed, not included.</summary>
    public UsageHour To => UsageHour.At(_end.AddHours(1).AddTicks(-1));

    /// <summary>Adds an hour.</summary>
    public void Add(UsageHourTotals hour)
    {
        ArgumentNullException.ThrowIfNull(hour);
        foreach (var entry in hour.Entries.Where(IsAskedFor))
        {
            var interval = Intervals.Floor(entry.Key.Bucket.Start, _query.Interval);
            if (_interval != interval)
            {
                EndInterval();
                _interval = interval;
            }

            var key = (entry.Key.Domain, entry.Key.Kind);
            _sums[key] = _sums.GetValueOrDefault(key) + entry.Counts;
        }
    }

    /// <summary>The answer, or that there is too much for one.</summary>
    public ControlResult<UsageAnswer> Build()
    {
        EndInterval();
        return IsTooBig ? Intervals.TooBig() : new UsageAnswer(_tenant, _start, _end, _query.Interval, _points, Intervals.Total(_total));
    }

    private bool IsAskedFor(UsageEntry entry)
    {
        var time = entry.Key.Bucket.Start;
        return time >= _start && time < _end && (_domain ?? entry.Key.Domain) == entry.Key.Domain && (_query.Kind ?? entry.Key.Kind) == entry.Key.Kind;
    }

    private void EndInterval()
    {
        foreach (var ((domain, kind), sum) in _sums.Where(static pair => Intervals.Total(pair.Value) != Intervals.Total(default)))
        {
            _points.Add(new(
                _interval!.Value, domain, kind, sum.BytesUp, sum.BytesDown, sum.MessagesUp, sum.MessagesDown, sum.Sessions, sum.SessionMilliseconds));
            _total += sum;
        }

        _sums.Clear();
    }

    private static int Compare((string Domain, UsageKind Kind) a, (string Domain, UsageKind Kind) b)
    {
        var order = string.CompareOrdinal(a.Domain, b.Domain);
        return order != 0 ? order : a.Kind.CompareTo(b.Kind);
    }
}
