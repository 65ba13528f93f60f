using System.Globalization;
using System.Text.Json.Serialization;

namespace OrleansEdge.Model;

/// <summary>What is stored of a tenant for its bills.</summary>
public sealed record AccountRecord
{
    /// <summary>Number of this shape.</summary>
    public const int CurrentFormat = 1;

    /// <summary><see cref="CurrentFormat"/>.</summary>
    public required int Format { get; init; }

    /// <summary>Whose it is.</summary>
    public required string Tenant { get; init; }

    /// <summary>Newest version of the tenant's document whose terms are in here.</summary>
    public required long Version { get; init; }

    /// <summary>In the order in which they came into force, at least one.</summary>
    public required IReadOnlyList<TermsRecord> Terms { get; init; }

    /// <summary>In the order in which they were bought.</summary>
    public required IReadOnlyList<PlanRecord> Plans { get; init; }

    /// <summary>The last month, <c>yyyy-MM</c>, whose use of the plans is in <see cref="PlanRecord.UsedByClosed"/>; null: none.</summary>
    public required string? ClosedMonth { get; init; }

    /// <summary>Thresholds that were reached, as long as their set of plans can be valid again or somebody has to be told.</summary>
    public required IReadOnlyList<AlertRecord> Alerts { get; init; }

    /// <summary>Whether nothing is in it but what follows from the versions of the tenant's document.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool CanBeMadeAgain => Plans.Count + Alerts.Count == 0 && ClosedMonth is null;
}

/// <summary>Terms of pay-as-you-go.</summary>
/// <param name="From">When they came into force.</param>
/// <param name="PayAsYouGo">Whether usage beyond plans is allowed.</param>
/// <param name="Currency">ISO 4217 code.</param>
/// <param name="Websocket">Price of 10^9 bytes, a decimal.</param>
/// <param name="Http">The same for HTTP.</param>
public sealed record TermsRecord(DateTimeOffset From, bool PayAsYouGo, string Currency, string Websocket, string Http)
{
    /// <summary>As they are stored.</summary>
    public static TermsRecord Of(TermsVersion version)
    {
        ArgumentNullException.ThrowIfNull(version);
        var (from, terms) = version;
        return new(from, terms.Enabled, terms.Currency, ToText(terms.PricePerGB.Websocket), ToText(terms.PricePerGB.Http));
    }

    /// <summary>As they are used.</summary>
    public TermsVersion ToTerms() => new(From, new()
    {
        Enabled = PayAsYouGo,
        Currency = Currency,
        PricePerGB = new() { Websocket = ToDecimal(Websocket), Http = ToDecimal(Http) },
    });

    private static string ToText(decimal price) => price.ToString(CultureInfo.InvariantCulture);

    private static decimal ToDecimal(string text) => decimal.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
}

/// <summary>A plan that was bought.</summary>
/// <param name="Id">Unique within the tenant.</param>
/// <param name="Kind">What it pays for.</param>
/// <param name="Bytes">How much.</param>
/// <param name="ValidFrom">Start of its validity.</param>
/// <param name="ValidTo">End of its validity.</param>
/// <param name="BoughtAt">When it was bought.</param>
/// <param name="By">Who asked.</param>
/// <param name="Key">The idempotency key under which it was bought.</param>
/// <param name="Audit">Id of its line in the audit, which is written after it.</param>
/// <param name="UsedByClosed">What closed statements used of it.</param>
public sealed record PlanRecord(
    string Id,
    UsageKind Kind,
    long Bytes,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidTo,
    DateTimeOffset BoughtAt,
    string By,
    string Key,
    long Audit,
    long UsedByClosed)
{
    /// <summary>What pays.</summary>
    public PrepaidPlan ToPlan() => new(Id, Order, BoughtAt);

    /// <summary>What is shown.</summary>
    public PlanInfo ToInfo(long usedBytes) => new(Id, Kind, Bytes, ValidFrom, ValidTo, usedBytes);

    /// <summary>What was bought.</summary>
    [JsonIgnore]
    public PlanOrder Order => new(Kind, Bytes, ValidFrom, ValidTo);
}

/// <summary>A threshold that was reached.</summary>
/// <param name="Id">Of the event that the tenant's webhook gets.</param>
/// <param name="At">When it was noticed.</param>
/// <param name="Kind">Kind of traffic.</param>
/// <param name="Threshold">Per cent.</param>
/// <param name="Plans">The set of plans, see <see cref="QuotaAlert.Plans"/>.</param>
/// <param name="UsedBytes">What was used of them.</param>
/// <param name="PrepaidBytes">Their bytes.</param>
/// <param name="Audit">Id of its line in the audit, which is written after it.</param>
/// <param name="IsPending">Whether the webhook has to be told.</param>
public sealed record AlertRecord(
    string Id, DateTimeOffset At, UsageKind Kind, int Threshold, string Plans, Int128 UsedBytes, Int128 PrepaidBytes, long Audit, bool IsPending)
{
    /// <summary>Whether this is the threshold of an alert, for the same set of plans.</summary>
    public bool IsOf(QuotaAlert alert)
    {
        ArgumentNullException.ThrowIfNull(alert);
        return Kind == alert.Kind && Threshold == alert.Threshold && Plans == alert.Plans;
    }
}
