using System.Security.Cryptography;

namespace OrleansEdge.Model;

/// <summary>What a tenant may have no more of, and what it has not been told yet.</summary>
/// <param name="Exhausted">Kinds of traffic that are used up.</param>
/// <param name="Alerts">Thresholds that are reached and not in the account.</param>
public sealed record QuotaVerdict(ExhaustedQuota Exhausted, IReadOnlyList<QuotaAlert> Alerts)
{
    /// <summary>Nothing is used up and nothing to be told.</summary>
    public static readonly QuotaVerdict None = new(ExhaustedQuota.None, []);

    /// <summary>Whether a tenant can run out of anything, or wants to be told. Who pays as he goes runs out of nothing.</summary>
    public static bool Concerns(Account account, TenantConfig? tenant)
    {
        ArgumentNullException.ThrowIfNull(account);
        return tenant is not null && (!tenant.PayAsYouGo.Enabled || (!tenant.Alerts.Thresholds.IsEmpty && !account.Plans.All.IsEmpty));
    }

    /// <summary>Whether the verdict at an instant depends on what is used of the plans.</summary>
    public static bool NeedsUse(Account account, TenantConfig? tenant, DateTimeOffset now)
        => Concerns(account, tenant) && account.Plans.AnyWithin(now, now.AddTicks(1));

    /// <summary>The verdict.</summary>
    /// <param name="account">The tenant's account.</param>
    /// <param name="tenant">Its document in force; <see langword="null"/>: it was deleted.</param>
    /// <param name="use">What is used of the plans, where <see cref="NeedsUse"/>.</param>
    /// <param name="now">The time.</param>
    public static QuotaVerdict Of(Account account, TenantConfig? tenant, PlanUse use, DateTimeOffset now)
    {
        if (tenant is null || !Concerns(account, tenant))
        {
            return None;
        }

        var reached = QuotaRule.Reached(tenant.Alerts, account.Plans, use, now).Where(alert => !account.Record.Alerts.Any(told => told.IsOf(alert)));
        return new(QuotaRule.Exhausted(tenant.PayAsYouGo, account.Plans, use, now), [.. reached]);
    }

    /// <summary>The alerts as they are stored, each under an id of its own.</summary>
    /// <param name="now">When they were noticed, in whole milliseconds.</param>
    /// <param name="isPending">Whether a webhook has to be told.</param>
    /// <param name="takeAuditId">Gives the id of a line in the audit.</param>
    public IReadOnlyList<AlertRecord> Fire(DateTimeOffset now, bool isPending, Func<long> takeAuditId)
    {
        ArgumentNullException.ThrowIfNull(takeAuditId);
        return [.. Alerts.Select(alert => new AlertRecord(
            NewId(), now, alert.Kind, alert.Threshold, alert.Plans, alert.UsedBytes, alert.PrepaidBytes, takeAuditId(), isPending))];
    }

    private static string NewId() => $"evt_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";
}
