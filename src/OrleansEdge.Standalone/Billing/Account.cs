using System.Collections.Immutable;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>What is stored of a tenant, and what follows from it. Immutable, replaced whole.</summary>
internal sealed class Account
{
    public Account(AccountRecord record, Account? before = null)
    {
        Record = record;
        Terms = new([.. record.Terms.Select(static terms => terms.ToTerms())]);
        Plans = before is not null && ReferenceEquals(before.Record.Plans, record.Plans)
            ? before.Plans
            : new([.. record.Plans.Select(static plan => plan.ToPlan())]);
        Closed = UsageMonth.TryParse(record.ClosedMonth ?? "", out var month) ? month : null;
        ClosedUse = new([.. record.Plans.Select(static plan => plan.UsedByClosed)]);
    }

    public AccountRecord Record { get; }

    public string Tenant => Record.Tenant;

    public BillingTerms Terms { get; }

    /// <summary>The same object as long as the plans are the same.</summary>
    public PrepaidPlans Plans { get; }

    /// <summary>The last month whose use of the plans is in <see cref="ClosedUse"/>; null: none.</summary>
    public UsageMonth? Closed { get; }

    /// <summary>What closed statements used of the plans.</summary>
    public PlanUse ClosedUse { get; }

    /// <summary>Index of a plan; -1: there is none of this id.</summary>
    public int IndexOf(string plan)
    {
        var index = Plans.All.Length - 1;
        while (index >= 0 && Plans.All[index].Id != plan)
        {
            index--;
        }

        return index;
    }

    public static AccountRecord NewRecord(string tenant, long version, BillingTerms terms) => new()
    {
        Format = AccountRecord.CurrentFormat,
        Tenant = tenant,
        Version = version,
        Terms = [.. terms.Versions.Select(TermsRecord.Of)],
        Plans = [],
        ClosedMonth = null,
        Alerts = [],
    };

    /// <summary>The record after a month's statement was closed.</summary>
    public AccountRecord RecordClosed(UsageMonth month, PlanUse use) => Record with
    {
        ClosedMonth = month.ToString(),
        Plans = [.. Record.Plans.Select((plan, index) => plan with { UsedByClosed = use[index] })],
    };

    /// <summary>The record without alerts that need not be remembered: those whose plans can never all be valid again.</summary>
    public ImmutableArray<AlertRecord> AlertsToKeep(DateTimeOffset now)
    {
        var expired = Plans.All.Where(plan => plan.Order.ValidTo <= now).Select(static plan => plan.Id).ToHashSet(StringComparer.Ordinal);
        return [.. Record.Alerts.Where(alert => alert.IsPending || !alert.Plans.Split(' ').Any(expired.Contains))];
    }
}

/// <summary>The account of one tenant as it changes. Reading is thread safe; it is replaced in turns of the change queue.</summary>
internal sealed class TenantAccount
{
    private volatile Account _account;
    private volatile ExhaustedQuota _exhausted;

    public TenantAccount(Account account) => _account = account;

    public string Tenant => _account.Tenant;

    public Account Account
    {
        get => _account;
        set => _account = value;
    }

    /// <summary>What the relay is told.</summary>
    public ExhaustedQuota Exhausted
    {
        get => _exhausted;
        set => _exhausted = value;
    }

    public AccountMeter Meter { get; } = new();
}
