using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>What a tenant has used of its plans, up to date at the cost of reading the hours that changed. Thread safe.</summary>
internal sealed class AccountMeter
{
    private readonly Lock _gate = new();
    private readonly Lock _touchGate = new();
    private readonly List<PlanWalk> _walks = [];
    private UsageHour? _touched;
    private PrepaidPlans? _plans;
    private UsageMonth _settled;
    private UsageHour _latest;

    /// <summary>Notes that usage of an hour was stored.</summary>
    public void Touch(UsageHour hour)
    {
        lock (_touchGate)
        {
            _touched = _touched is { } earlier && earlier < hour ? earlier : hour;
            _latest = _latest < hour ? hour : _latest;
        }
    }

    /// <summary>What is used by now.</summary>
    /// <exception cref="IOException">The ledger cannot be read; the next call tries again.</exception>
    public PlanUse Measure(Account account, Statements statements, DateTimeOffset now)
    {
        lock (_gate)
        {
            try
            {
                Update(account, statements, now);
                return _walks[^1].Use;
            }
            catch
            {
                // What was touched is taken already, so nothing of this can be gone on from.
                _plans = null;
                throw;
            }
        }
    }

    private void Update(Account account, Statements statements, DateTimeOffset now)
    {
        var touched = TakeTouched();
        var current = UsageMonth.At(now);
        if (MustRestart(account, touched, now))
        {
            _walks.Clear();
            (_plans, _settled) = (account.Plans, Statements.LastSettled(now));
            Append(account, statements, _settled.Next, statements.CarryInto(account, _settled.Next));
        }
        else if (touched is { } hour)
        {
            Repeat(account, statements, hour, now);
        }

        while (_walks[^1].Month < current)
        {
            Append(account, statements, _walks[^1].Month.Next, _walks[^1].Use);
        }
    }

    private UsageHour? TakeTouched()
    {
        lock (_touchGate)
        {
            var touched = _touched;
            _touched = null;
            return touched;
        }
    }

    // Usage of a month whose statement has closed goes before the first month of the walk.
    private bool MustRestart(Account account, UsageHour? touched, DateTimeOffset now)
        => _plans != account.Plans
            || _settled != Statements.LastSettled(now)
            || UsageMonth.At(now) < _walks[^1].Month
            || (touched is { } hour && now >= hour.Month.ClosesAt);

    private void Repeat(Account account, Statements statements, UsageHour hour, DateTimeOffset now)
    {
        var index = _walks.FindIndex(walk => walk.Month == hour.Month);
        if (index < 0)
        {
            // A month to come, which will be walked as a whole.
            return;
        }

        Add(account, statements, _walks[index], _walks[index].Rewind(hour), LastOf(_walks[index].Month, now));
        _walks.RemoveRange(index + 1, _walks.Count - index - 1);
    }

    private void Append(Account account, Statements statements, UsageMonth month, PlanUse before)
    {
        var walk = statements.Begin(account, month, before);
        Add(account, statements, walk, UsageHour.At(month.Start), UsageHour.At(month.End));
        _walks.Add(walk);
    }

    private void Add(Account account, Statements statements, PlanWalk walk, UsageHour from, UsageHour to)
    {
        foreach (var hour in statements.ReadCovered(account, walk.Month, from, to))
        {
            walk.Add(hour);
            Remember(hour.Hour);
        }
    }

    private void Remember(UsageHour hour)
    {
        lock (_touchGate)
        {
            _latest = _latest < hour ? hour : _latest;
        }
    }

    // A clock that is ahead may have reported hours that have not come yet.
    private UsageHour LastOf(UsageMonth month, DateTimeOffset now)
    {
        var end = UsageHour.At(month.End);
        lock (_touchGate)
        {
            var latest = _latest > UsageHour.At(now) ? _latest : UsageHour.At(now);
            return latest < end ? new(latest.Number + 1) : end;
        }
    }
}
