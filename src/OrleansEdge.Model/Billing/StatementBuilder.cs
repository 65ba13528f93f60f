namespace OrleansEdge.Model;

/// <summary>Makes the statement of one month out of the ledger, the plans and the tenant's terms. Not thread safe.</summary>
/// <remarks>Late usage of earlier months is brought first, then the month's hours in the order of time: in that order plans pay.</remarks>
public sealed class StatementBuilder
{
    private readonly string _tenant;
    private readonly UsageMonth _month;
    private readonly PrepaidPlans _plans;
    private readonly BillingTerms _terms;
    private readonly PlanUse _before;
    private readonly PlanAllocation _allocation;
    private readonly Dictionary<LineKey, LineSum> _lines = [];
    private readonly Dictionary<(UsageMonth Month, LineKey Key), LineSum> _adjustments = [];
    private readonly HashSet<int> _paidLate = [];

    /// <summary>Begins a statement.</summary>
    /// <param name="tenant">Who is billed.</param>
    /// <param name="month">The month.</param>
    /// <param name="plans">The tenant's plans.</param>
    /// <param name="terms">The tenant's terms.</param>
    /// <param name="before">What earlier statements used of the plans.</param>
    public StatementBuilder(string tenant, UsageMonth month, PrepaidPlans plans, BillingTerms terms, PlanUse before)
    {
        _tenant = tenant;
        _month = month;
        _plans = plans;
        _terms = terms;
        _before = before;
        _allocation = new(plans, before);
    }

    /// <summary>What is used of the plans by now.</summary>
    public PlanUse Use => _allocation.Use;

    /// <summary>Adds the late usage that goes on this statement (<see cref="StatementPeriod"/>), in any order.</summary>
    public void AddAdjustments(IEnumerable<UsageAdjustment> adjustments)
    {
        foreach (var adjustment in StatementPeriod.InOrder(adjustments).Where(static adjustment => adjustment.Delta.BillableBytes > 0))
        {
            var month = adjustment.Key.Bucket.Hour.Month;
            Add(SumOf(_adjustments, (month, KeyOf(adjustment.Key))), adjustment.Key, adjustment.Delta);
        }

        var after = Use;
        _paidLate.UnionWith(Enumerable.Range(0, _plans.All.Length).Where(plan => after[plan] > _before[plan]));
    }

    /// <summary>Adds an hour of the month, later than those that were added.</summary>
    public void Add(UsageHourTotals hour)
    {
        foreach (var entry in StatementPeriod.OnTime(hour).Where(static entry => IsStated(entry.Counts)))
        {
            Add(SumOf(_lines, KeyOf(entry.Key)), entry.Key, entry.Counts);
        }
    }

    /// <summary>The statement of what was added.</summary>
    /// <param name="isClosed">Whether nothing more can come.</param>
    public Statement Build(bool isClosed)
    {
        var lines = _lines.OrderBy(static line => line.Key, LineKey.Order).Select(static line => ToLine(line.Key, line.Value)).ToList();
        var adjustments = _adjustments
            .OrderBy(static line => line.Key.Key, LineKey.Order).ThenBy(static line => line.Key.Month)
            .Select(static line => ToAdjustment(line.Key.Month, line.Key.Key, line.Value))
            .ToList();
        var amounts = lines.Select(static line => (line.Currency, line.Amount)).Concat(adjustments.Select(static line => (line.Currency, line.Amount)));
        return new()
        {
            Tenant = _tenant,
            Month = _month.ToString(),
            State = isClosed ? Statement.Closed : Statement.Open,
            ClosesAt = _month.ClosesAt,
            Lines = lines,
            Adjustments = adjustments,
            Plans = [.. ListPlans()],
            Totals = [.. amounts
                .GroupBy(static line => line.Currency, static line => line.Amount)
                .OrderBy(static currency => currency.Key, StringComparer.Ordinal)
                .Select(static currency => new StatementTotal(currency.Key, currency.Sum()))],
        };
    }

    // Bytes of the edge and of the origin leg are not the customer's.
    private static bool IsStated(UsageCounts counts)
        => (counts.BytesUp | counts.BytesDown | counts.MessagesUp | counts.MessagesDown | counts.Sessions) != 0;

    private static LineSum SumOf<TKey>(Dictionary<TKey, LineSum> sums, TKey key)
        where TKey : notnull
    {
        if (!sums.TryGetValue(key, out var sum))
        {
            sums[key] = sum = new();
        }

        return sum;
    }

    private static StatementLine ToLine(LineKey key, LineSum sum) => new(
        key.Domain,
        key.Kind,
        key.Currency,
        key.Price,
        sum.Counts.BytesUp,
        sum.Counts.BytesDown,
        sum.Counts.MessagesUp,
        sum.Counts.MessagesDown,
        sum.Counts.Sessions,
        sum.PlanBytes,
        sum.Rest,
        AmountOf(key, sum));

    private static StatementAdjustment ToAdjustment(UsageMonth month, LineKey key, LineSum sum) => new(
        month.ToString(),
        key.Domain,
        key.Kind,
        key.Currency,
        key.Price,
        sum.Counts.BytesUp,
        sum.Counts.BytesDown,
        sum.PlanBytes,
        sum.Rest,
        AmountOf(key, sum));

    private static decimal AmountOf(LineKey key, LineSum sum) => Money.Amount(sum.Rest, key.Price ?? 0, key.Currency);

    private void Add(LineSum sum, UsageKey key, UsageCounts counts)
    {
        sum.Counts += counts;
        sum.PlanBytes += _allocation.Take(key.Kind, key.Bucket, counts.BillableBytes);
    }

    private LineKey KeyOf(UsageKey key)
    {
        var terms = _terms.At(key.Bucket.Start);
        var price = key.Kind == UsageKind.Websocket ? terms.PricePerGB.Websocket : terms.PricePerGB.Http;
        return new(key.Domain, key.Kind, terms.Currency, terms.Enabled ? price : null);
    }

    private IEnumerable<StatementPlan> ListPlans()
    {
        var after = Use;
        for (var index = 0; index < _plans.All.Length; index++)
        {
            var plan = _plans.All[index];
            if (plan.IsValidWithin(_month.Start, _month.End) || _paidLate.Contains(index))
            {
                yield return new(
                    plan.Id, plan.Order.Kind, plan.Order.Bytes, plan.Order.ValidFrom, plan.Order.ValidTo, _before[index], after[index] - _before[index]);
            }
        }
    }

    private sealed class LineSum
    {
        public UsageCounts Counts { get; set; }

        public long PlanBytes { get; set; }

        public long Rest => Counts.BillableBytes - PlanBytes;
    }

    private readonly record struct LineKey(string Domain, UsageKind Kind, string Currency, decimal? Price)
    {
        public static readonly Comparer<LineKey> Order = Comparer<LineKey>.Create(Compare);

        private static int Compare(LineKey a, LineKey b)
        {
            var order = string.CompareOrdinal(a.Domain, b.Domain);
            order = order != 0 ? order : a.Kind.CompareTo(b.Kind);
            order = order != 0 ? order : string.CompareOrdinal(a.Currency, b.Currency);
            order = order != 0 ? order : (a.Price is null).CompareTo(b.Price is null);
            return order != 0 ? order : Nullable.Compare(a.Price, b.Price);
        }
    }
}
