namespace OrleansEdge.Model;

/// <summary>Usage, plans and statements as the admin API asks for them; a part of <see cref="IControlPlane"/>. Thread safe. Expected
/// refusals are values. Tenants that were deleted stay readable.</summary>
public interface IBilling
{
    /// <summary>Usage of a tenant, open sessions included up to the last report; not found for a tenant that never was.</summary>
    Task<ControlResult<UsageAnswer>> QueryUsageAsync(string tenant, UsageQuery query, CancellationToken cancellationToken);

    /// <summary>Plans of a tenant in the order in which they were bought; the cursor is the id.</summary>
    Task<ControlResult<Page<PlanInfo>>> ListPlansAsync(string tenant, PageRequest page, CancellationToken cancellationToken);

    /// <summary>A plan; not found for an id that is not among the tenant's.</summary>
    Task<ControlResult<PlanInfo>> GetPlanAsync(string tenant, string id, CancellationToken cancellationToken);

    /// <summary>Buys a plan.</summary>
    /// <param name="tenant">For whom; it must exist and not be deleted.</param>
    /// <param name="json">The order as it came, UTF-8 (kind, bytes, validFrom, validTo); validated here, all faults at once.</param>
    /// <param name="idempotencyKey">The same key and order get the first answer; the same key with another order fails with
    /// <see cref="ControlFailureKind.Conflict"/>, code <c>idempotency_key_reused</c>. 1 to 255 visible ASCII characters, else it fails with
    /// code <c>idempotency_key_invalid</c>.</param>
    /// <param name="by">Who asks.</param>
    /// <param name="cancellationToken">Gives up waiting; the plan may be bought all the same.</param>
    /// <returns>The plan as it was when it was bought.</returns>
    Task<ControlResult<PlanInfo>> BuyPlanAsync(string tenant, ReadOnlyMemory<byte> json, string idempotencyKey, string by, CancellationToken cancellationToken);

    /// <summary>The statement of a month that has begun; not found for a tenant that never was and for a month to come.</summary>
    Task<ControlResult<Statement>> GetStatementAsync(string tenant, UsageMonth month, CancellationToken cancellationToken);

    /// <summary>Sums over gateways and sums over tenants, bucket by bucket, for [from, to), newest left out while they are open.
    /// A bucket closes one bucket's length after its end. The cursor is the start of a bucket and the kind; more than
    /// <see cref="UsageQuery.MaxPoints"/> buckets fail with code <c>range_too_big</c>.</summary>
    Task<ControlResult<Page<Reconciliation>>> ReconcileAsync(DateTimeOffset from, DateTimeOffset to, PageRequest page, CancellationToken cancellationToken);

    /// <summary>What a tenant needs to check the edge's calls of its webhook.</summary>
    Task<ControlResult<WebhookInfo>> GetWebhookAsync(string tenant, CancellationToken cancellationToken);
}

/// <summary>What of a tenant's usage is asked for.</summary>
/// <param name="From">Start; rounded down to the interval.</param>
/// <param name="To">End, not included; rounded up to the interval.</param>
/// <param name="Interval">Width of a point in seconds: 300, 3600 or 86400.</param>
/// <param name="Domain">Only this domain's document; <see langword="null"/>: all.</param>
/// <param name="Kind">Only this kind; <see langword="null"/>: both.</param>
public sealed record UsageQuery(DateTimeOffset From, DateTimeOffset To, int Interval, string? Domain, UsageKind? Kind)
{
    /// <summary>Most points of an answer; a query for more fails with code <c>range_too_big</c>.</summary>
    public const int MaxPoints = 100_000;
}

/// <summary>Usage of a tenant.</summary>
/// <param name="Tenant">Who.</param>
/// <param name="From">Start, on a bound of the interval.</param>
/// <param name="To">End, not included, on a bound of the interval.</param>
/// <param name="Interval">Seconds.</param>
/// <param name="Points">By start, domain and kind; those without usage are left out.</param>
/// <param name="Total">Sum of the points.</param>
public sealed record UsageAnswer(string Tenant, DateTimeOffset From, DateTimeOffset To, int Interval, IReadOnlyList<UsagePoint> Points, UsageTotal Total);

/// <summary>Usage of one domain and kind in one interval.</summary>
public sealed record UsagePoint(
    DateTimeOffset Start, string Domain, UsageKind Kind, long BytesUp, long BytesDown, long MessagesUp, long MessagesDown, long Sessions, long SessionMilliseconds);

/// <summary>Counts without a label.</summary>
public sealed record UsageTotal(long BytesUp, long BytesDown, long MessagesUp, long MessagesDown, long Sessions, long SessionMilliseconds);

/// <summary>A prepaid plan.</summary>
/// <param name="Id">Unique within the tenant.</param>
/// <param name="Kind">What it pays for, and nothing else.</param>
/// <param name="Bytes">How much, up and down together.</param>
/// <param name="ValidFrom">It covers the buckets that start in [validFrom, validTo).</param>
/// <param name="ValidTo">End of its validity.</param>
/// <param name="UsedBytes">How much of it is used up, as far as usage has been reported.</param>
public sealed record PlanInfo(string Id, UsageKind Kind, long Bytes, DateTimeOffset ValidFrom, DateTimeOffset ValidTo, long UsedBytes);

/// <summary>One closed bucket of one kind, counted twice.</summary>
/// <param name="Start">Start of the bucket.</param>
/// <param name="Kind">Kind of traffic.</param>
/// <param name="Gateways">Sum of what gateways counted.</param>
/// <param name="Tenants">Sum of what tenants are billed for. Equal to the other once all reports are in.</param>
/// <param name="OriginBytesUp">Bytes that origins' sockets took.</param>
/// <param name="OriginBytesDown">Bytes that came from origins.</param>
public sealed record Reconciliation(DateTimeOffset Start, UsageKind Kind, UsageTotal Gateways, UsageTotal Tenants, long OriginBytesUp, long OriginBytesDown);

/// <summary>How a tenant checks the edge's calls of its webhook.</summary>
/// <param name="Url">Where it is called; <see langword="null"/>: nowhere.</param>
/// <param name="Secret">Key of the signature, <c>whsec_</c> and base64 (Standard Webhooks).</param>
public sealed record WebhookInfo(string? Url, string Secret);
