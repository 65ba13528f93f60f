using System.Collections.Immutable;
using System.Globalization;

namespace OrleansEdge.Model;

/// <summary>What is stored of a tenant for its bills, and what follows from it. Immutable, replaced whole.</summary>
public sealed class Account
{
    private const string PlanIdPrefix = "plan-";

    /// <summary>An account.</summary>
    /// <param name="record">What is stored.</param>
    /// <param name="before">The account that this one replaces, whose plans are kept as an object where they are the same.</param>
    public Account(AccountRecord record, Account? before = null)
    {
        ArgumentNullException.ThrowIfNull(record);
        Record = record;
        Terms = new([.. record.Terms.Select(static terms => terms.ToTerms())]);
        Plans = before is not null && ReferenceEquals(before.Record.Plans, record.Plans)
            ? before.Plans
            : new([.. record.Plans.Select(static plan => plan.ToPlan())]);
        Closed = UsageMonth.TryParse(record.ClosedMonth ?? "", out var month) ? month : null;
        ClosedUse = new([.. record.Plans.Select(static plan => plan.UsedByClosed)]);
    }

    /// <summary>What is stored.</summary>
    public AccountRecord Record { get; }

    /// <summary>Whose it is.</summary>
    public string Tenant => Record.Tenant;

    /// <summary>What usage beyond plans cost, and when.</summary>
    public BillingTerms Terms { get; }

    /// <summary>The same object as long as the plans are the same.</summary>
    public PrepaidPlans Plans { get; }

    /// <summary>The last month whose use of the plans is in <see cref="ClosedUse"/>; <see langword="null"/>: none.</summary>
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

    /// <summary>The record of a tenant that has bought nothing yet.</summary>
    public static AccountRecord NewRecord(string tenant, long version, BillingTerms terms)
    {
        ArgumentNullException.ThrowIfNull(terms);
        return new()
        {
            Format = AccountRecord.CurrentFormat,
            Tenant = tenant,
            Version = version,
            Terms = [.. terms.Versions.Select(TermsRecord.Of)],
            Plans = [],
            ClosedMonth = null,
            Alerts = [],
        };
    }

    /// <summary>The record with a plan more, the last of its plans.</summary>
    /// <param name="order">What is bought.</param>
    /// <param name="key">The idempotency key.</param>
    /// <param name="by">Who asks.</param>
    /// <param name="now">When, in whole milliseconds.</param>
    /// <param name="audit">Id of its line in the audit.</param>
    public AccountRecord RecordBought(PlanOrder order, string key, string by, DateTimeOffset now, long audit)
    {
        ArgumentNullException.ThrowIfNull(order);
        var id = PlanIdPrefix + (Record.Plans.Count + 1).ToString(CultureInfo.InvariantCulture);
        return Record with
        {
            Plans = [.. Record.Plans, new(id, order.Kind, order.Bytes, order.ValidFrom, order.ValidTo, now, by, key, audit, UsedByClosed: 0)],
        };
    }

    /// <summary>The record after a month's statement was closed.</summary>
    public AccountRecord RecordClosed(UsageMonth month, PlanUse use)
    {
        ArgumentNullException.ThrowIfNull(use);
        return Record with
        {
            ClosedMonth = month.ToString(),
            Plans = [.. Record.Plans.Select((plan, index) => plan with { UsedByClosed = use[index] })],
        };
    }

    /// <summary>The record after an alert was told, or given up.</summary>
    public AccountRecord RecordTold(string alert)
        => Record with { Alerts = [.. Record.Alerts.Select(told => told.Id == alert ? told with { IsPending = false } : told)] };

    /// <summary>The alerts less those that need not be remembered: whose plans can never all be valid again.</summary>
    public ImmutableArray<AlertRecord> AlertsToKeep(DateTimeOffset now)
    {
        var expired = Plans.All.Where(plan => plan.Order.ValidTo <= now).Select(static plan => plan.Id).ToHashSet(StringComparer.Ordinal);
        return [.. Record.Alerts.Where(alert => alert.IsPending || !alert.Plans.Split(' ').Any(expired.Contains))];
    }

    /// <summary>Before when no plan may begin: the start of the earliest month whose statement is open. A clock that went back opens no
    /// statement again.</summary>
    public DateTimeOffset EarliestStart(DateTimeOffset now)
    {
        var earliest = StatementPeriod.EarliestOpen(now);
        return Closed is { } closed && closed.End > earliest ? closed.End : earliest;
    }

    /// <summary>The first month to close where a month is to be closed: what is used of the plans is noted month by month.</summary>
    public UsageMonth FirstToClose(UsageMonth month)
    {
        var first = Closed?.Next ?? Plans.FirstMonth ?? month;
        return first < month ? first : month;
    }

    /// <summary>Whether the use of the plans must be noted when a month's statement closes.</summary>
    public bool NotesClosingOf(UsageMonth month) => !Plans.All.IsEmpty && month >= Plans.FirstMonth && !(month <= Closed);
}
