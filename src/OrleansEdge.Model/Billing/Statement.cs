namespace OrleansEdge.Model;

/// <summary>What a tenant used in a month, what its plans paid, and what the rest costs. Made of nothing but the ledger, the plans and the
/// tenant's terms, so that it comes out the same each time. Immutable.</summary>
public sealed record Statement
{
    /// <summary>State of a statement to which usage or corrections may still come.</summary>
    public const string Open = "open";

    /// <summary>State of a statement that stays as it is.</summary>
    public const string Closed = "closed";

    /// <summary>Who is billed.</summary>
    public required string Tenant { get; init; }

    /// <summary><c>yyyy-MM</c>, UTC.</summary>
    public required string Month { get; init; }

    /// <summary><see cref="Open"/> or <see cref="Closed"/>.</summary>
    public required string State { get; init; }

    /// <summary>When it closes or closed: 72 h after the month's end. A minute later at most its state says so.</summary>
    public required DateTimeOffset ClosesAt { get; init; }

    /// <summary>By domain (ordinal), kind, currency and price, those without a price last.</summary>
    public required IReadOnlyList<StatementLine> Lines { get; init; }

    /// <summary>Late usage of earlier months whose statements had closed, in the same order, then by month.</summary>
    public required IReadOnlyList<StatementAdjustment> Adjustments { get; init; }

    /// <summary>Plans that were valid in the month or paid for an adjustment, in the order in which they were bought.</summary>
    public required IReadOnlyList<StatementPlan> Plans { get; init; }

    /// <summary>What is to be paid, one for each currency.</summary>
    public required IReadOnlyList<StatementTotal> Totals { get; init; }

    /// <summary>Whether there is nothing on it.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsEmpty => Lines.Count + Adjustments.Count + Plans.Count == 0;
}

/// <summary>One domain, kind and price.</summary>
/// <param name="Domain">Name of the domain's document.</param>
/// <param name="Kind">Kind of traffic.</param>
/// <param name="Currency">ISO 4217 code.</param>
/// <param name="PricePerGB">Price of 10^9 bytes; <see langword="null"/>: pay-as-you-go was off, so what no plan paid is not charged.</param>
/// <param name="BytesUp">Bytes up.</param>
/// <param name="BytesDown">Bytes down.</param>
/// <param name="MessagesUp">Messages up.</param>
/// <param name="MessagesDown">Messages down.</param>
/// <param name="Sessions">Sessions opened.</param>
/// <param name="PlanBytes">What plans paid.</param>
/// <param name="BillableBytes">The rest: bytes up and down less <paramref name="PlanBytes"/>.</param>
/// <param name="Amount">The rest at the price, rounded half to even to the currency's minor unit.</param>
public sealed record StatementLine(
    string Domain,
    UsageKind Kind,
    string Currency,
    decimal? PricePerGB,
    long BytesUp,
    long BytesDown,
    long MessagesUp,
    long MessagesDown,
    long Sessions,
    long PlanBytes,
    long BillableBytes,
    decimal Amount);

/// <summary>Late usage of an earlier month, at the price and under the plans of its own time.</summary>
/// <param name="Month">Month of the usage, <c>yyyy-MM</c>.</param>
/// <param name="Domain">Name of the domain's document.</param>
/// <param name="Kind">Kind of traffic.</param>
/// <param name="Currency">ISO 4217 code.</param>
/// <param name="PricePerGB">As in a line.</param>
/// <param name="BytesUp">Bytes up.</param>
/// <param name="BytesDown">Bytes down.</param>
/// <param name="PlanBytes">What plans paid.</param>
/// <param name="BillableBytes">The rest.</param>
/// <param name="Amount">As in a line.</param>
public sealed record StatementAdjustment(
    string Month,
    string Domain,
    UsageKind Kind,
    string Currency,
    decimal? PricePerGB,
    long BytesUp,
    long BytesDown,
    long PlanBytes,
    long BillableBytes,
    decimal Amount);

/// <summary>What a month took of a plan.</summary>
/// <param name="Id">Of the plan.</param>
/// <param name="Kind">What it pays for.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="ValidFrom">Start of its validity.</param>
/// <param name="ValidTo">End of its validity.</param>
/// <param name="UsedBefore">Used by earlier statements.</param>
/// <param name="Used">Used by this one.</param>
public sealed record StatementPlan(string Id, UsageKind Kind, long Bytes, DateTimeOffset ValidFrom, DateTimeOffset ValidTo, long UsedBefore, long Used);

/// <summary>Sum of the amounts in one currency.</summary>
public sealed record StatementTotal(string Currency, decimal Amount);
