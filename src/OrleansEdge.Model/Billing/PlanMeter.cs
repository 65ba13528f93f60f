namespace OrleansEdge.Model;

/// <summary>What a tenant has used of its plans, up to date at the cost of reading from the first hour that changed. Where a reading
/// fails the next measuring begins anew. Not thread safe.</summary>
public sealed class PlanMeter
{
    private readonly List<PlanWalk> _walks = [];
    private PrepaidPlans? _plans;
    private UsageMonth _settled;
    private UsageHour _latest;

    /// <summary>What was used when it was last measured to the end.</summary>
    public PlanUse Use { get; private set; } = PlanUse.Nothing;

    /// <summary>Measures what is used by now.</summary>
    /// <param name="account">The tenant's account.</param>
    /// <param name="changed">The hours whose usage may have changed since it was last measured.</param>
    /// <param name="now">The time.</param>
    public IEnumerable<UsageRequest> Measure(Account account, ChangedHours changed, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(changed);
        var begun = _plans;

        // Nothing of this can be gone on from unless it comes to its end.
        _plans = null;
        Remember(changed.Last);
        foreach (var request in Requests(account, changed.First, MustRestart(account, begun, changed.First, now), now))
        {
            yield return request;
        }

        (_plans, Use) = (account.Plans, _walks[^1].Use);
    }

    private IEnumerable<UsageRequest> Requests(Account account, UsageHour? changed, bool mustRestart, DateTimeOffset now)
    {
        foreach (var request in mustRestart ? Restart(account, now) : changed is { } hour ? Repeat(account, hour, now) : [])
        {
            yield return request;
        }

        for (var current = UsageMonth.At(now); _walks[^1].Month < current;)
        {
            yield return Append(account, _walks[^1].Month.Next, _walks[^1].Use);
        }
    }

    // Usage of a month whose statement has closed goes before the first month of the walk.
    private bool MustRestart(Account account, PrepaidPlans? begun, UsageHour? changed, DateTimeOffset now)
        => begun != account.Plans
            || _settled != StatementPeriod.LastSettled(now)
            || UsageMonth.At(now) < _walks[^1].Month
            || (changed is { } hour && now >= hour.Month.ClosesAt);

    private IEnumerable<UsageRequest> Restart(Account account, DateTimeOffset now)
    {
        _walks.Clear();
        _settled = StatementPeriod.LastSettled(now);
        var history = new PlanHistory(account);
        foreach (var request in history.WalkTo(_settled.Next))
        {
            yield return request;
        }

        yield return Append(account, _settled.Next, history.Use);
    }

    private IEnumerable<UsageRequest> Repeat(Account account, UsageHour hour, DateTimeOffset now)
    {
        var index = _walks.FindIndex(walk => walk.Month == hour.Month);
        if (index < 0)
        {
            // A month to come, which will be walked as a whole.
            yield break;
        }

        var walk = _walks[index];
        var from = walk.Rewind(hour);
        var to = account.Plans.AnyWithin(walk.Month.Start, walk.Month.End) ? LastOf(walk.Month, now) : from;
        yield return new(walk.Month, from, to, addLate: null, hour => Add(walk, hour));
        _walks.RemoveRange(index + 1, _walks.Count - index - 1);
    }

    private UsageRequest Append(Account account, UsageMonth month, PlanUse before)
        => PlanHistory.BeginMonth(account, month, before, _walks.Add, hour => Add(_walks[^1], hour));

    private void Add(PlanWalk walk, UsageHourTotals hour)
    {
        walk.Add(hour);
        Remember(hour.Hour);
    }

    private void Remember(UsageHour? hour) => _latest = hour is { } later && _latest < later ? later : _latest;

    // A clock that is ahead may have reported hours that have not come yet.
    private UsageHour LastOf(UsageMonth month, DateTimeOffset now)
    {
        var end = UsageHour.At(month.End);
        var latest = _latest > UsageHour.At(now) ? _latest : UsageHour.At(now);
        return latest < end ? new(latest.Number + 1) : end;
    }
}

/// <summary>Hours whose usage changed, as far as they have to be told apart. Immutable.</summary>
/// <param name="First">The earliest; <see langword="null"/>: none changed.</param>
/// <param name="Last">The latest.</param>
public sealed record ChangedHours(UsageHour? First, UsageHour? Last)
{
    /// <summary>No hours.</summary>
    public static readonly ChangedHours None = new(null, null);

    /// <summary>These and one more.</summary>
    public ChangedHours With(UsageHour hour) => new(First < hour ? First : hour, Last > hour ? Last : hour);
}
