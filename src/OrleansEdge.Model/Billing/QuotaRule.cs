namespace OrleansEdge.Model;

/// <summary>When a tenant's prepaid traffic is used up, and when the tenant is told about it.</summary>
public static class QuotaRule
{
    private const int Hundred = 100;

    private static readonly UsageKind[] Kinds = Enum.GetValues<UsageKind>();

    /// <summary>Kinds of traffic that the tenant may have no more of: pay-as-you-go is off, and no plan of the kind that is valid now has
    /// bytes left. Without any plan a kind is used up too.</summary>
    public static ExhaustedQuota Exhausted(PayAsYouGoConfig terms, PrepaidPlans plans, PlanUse use, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(plans);
        ArgumentNullException.ThrowIfNull(use);
        return terms.Enabled
            ? ExhaustedQuota.None
            : Kinds.Where(kind => plans.ValidAt(kind, now).All(plan => use[plan] >= plans.All[plan].Order.Bytes))
                .Aggregate(ExhaustedQuota.None, static (all, kind) => all | FlagOf(kind));
    }

    /// <summary>Thresholds that usage has reached of the plans that are valid now, by kind, rising.</summary>
    public static IReadOnlyList<QuotaAlert> Reached(AlertsConfig alerts, PrepaidPlans plans, PlanUse use, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(alerts);
        ArgumentNullException.ThrowIfNull(plans);
        ArgumentNullException.ThrowIfNull(use);
        return alerts.Thresholds.IsEmpty ? [] : [.. Kinds.SelectMany(kind => Reached(kind, alerts, plans, use, now))];
    }

    private static IEnumerable<QuotaAlert> Reached(UsageKind kind, AlertsConfig alerts, PrepaidPlans plans, PlanUse use, DateTimeOffset now)
    {
        var valid = plans.ValidAt(kind, now);
        if (valid.IsEmpty)
        {
            return [];
        }

        var (used, prepaid) = ((Int128)0, (Int128)0);
        foreach (var plan in valid)
        {
            used += use[plan];
            prepaid += plans.All[plan].Order.Bytes;
        }

        var ids = string.Join(' ', valid.Order().Select(plan => plans.All[plan].Id));
        return alerts.Thresholds
            .Where(threshold => used * Hundred >= prepaid * threshold)
            .Select(threshold => new QuotaAlert(kind, threshold, ids, used, prepaid));
    }

    private static ExhaustedQuota FlagOf(UsageKind kind) => kind == UsageKind.Websocket ? ExhaustedQuota.Websocket : ExhaustedQuota.Http;
}

/// <summary>Usage has reached a threshold.</summary>
/// <param name="Kind">Of which kind of traffic.</param>
/// <param name="Threshold">Per cent of the prepaid bytes.</param>
/// <param name="Plans">Ids of the plans that are valid, in the order in which they were bought, parted by blanks: a threshold is told once
/// for each such set.</param>
/// <param name="UsedBytes">What is used of those plans.</param>
/// <param name="PrepaidBytes">Their bytes.</param>
public sealed record QuotaAlert(UsageKind Kind, int Threshold, string Plans, Int128 UsedBytes, Int128 PrepaidBytes);
