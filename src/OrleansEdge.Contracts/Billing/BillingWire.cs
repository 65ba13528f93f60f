using System.Text.Json;
using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>An answer about bills, or why there is none. The answer is the JSON of the admin API, which is the form that has to stay
/// readable anyway.</summary>
[GenerateSerializer, Immutable, Alias("orleansedge.billing.answer")]
public sealed record BillingAnswerWire
{
    /// <summary>The answer, where there is no failure.</summary>
    [Id(0)]
    public ReadOnlyMemory<byte> Json { get; init; }

    /// <summary>Kind of the failure; <see langword="null"/>: there is none.</summary>
    [Id(1)]
    public ControlFailureKind? Failure { get; init; }

    /// <summary>Its code.</summary>
    [Id(2)]
    public string? Code { get; init; }

    /// <summary>Its sentence.</summary>
    [Id(3)]
    public string? Detail { get; init; }

    /// <summary>Faults of the document, as JSON.</summary>
    [Id(4)]
    public ReadOnlyMemory<byte> Errors { get; init; }

    /// <summary>Of a result.</summary>
    public static BillingAnswerWire Of<T>(ControlResult<T> result)
        => result.Failure is { } failure
            ? new() { Failure = failure.Kind, Code = failure.Code, Detail = failure.Detail, Errors = JsonSerializer.SerializeToUtf8Bytes(failure.Errors, EdgeJson.Options) }
            : new() { Json = result.Value is Statement statement ? StatementText.Json(statement) : JsonSerializer.SerializeToUtf8Bytes(result.Value, EdgeJson.Options) };

    /// <summary>The result.</summary>
    /// <exception cref="JsonException">It is of another kind.</exception>
    public ControlResult<T> ToResult<T>()
        where T : class
        => Failure is { } kind
            ? new ControlFailure(kind, Code ?? "", Detail ?? "") { Errors = JsonSerializer.Deserialize<List<ConfigError>>(Errors.Span, EdgeJson.Options) ?? [] }
            : typeof(T) == typeof(Statement) ? (T)(object)StatementText.Parse(Json.Span)
            : JsonSerializer.Deserialize<T>(Json.Span, EdgeJson.Options) ?? throw new JsonException("An answer is not null.");
}

/// <summary>A version of a tenant's document.</summary>
[GenerateSerializer, Immutable, Alias("orleansedge.billing.tenant-version")]
public sealed record TenantVersionWire
{
    /// <summary>Its number, from 1.</summary>
    [Id(0)]
    public required long Version { get; init; }

    /// <summary>Since when it is in force, UTC.</summary>
    [Id(1)]
    public required DateTimeOffset At { get; init; }

    /// <summary>The document, JSON as <see cref="TenantDocument.Write"/> has it; empty: the tenant was deleted.</summary>
    [Id(2)]
    public ReadOnlyMemory<byte> Document { get; init; }

    /// <summary>Of a document in force, or of a deletion.</summary>
    public static TenantVersionWire Of(long version, DateTimeOffset at, TenantConfig? document)
        => new() { Version = version, At = at, Document = document is null ? default : TenantDocument.Write(document) };
}

/// <summary>A <see cref="UsageQuery"/>.</summary>
[GenerateSerializer, Immutable, Alias("orleansedge.billing.usage-query")]
public sealed record UsageQueryWire
{
    /// <summary>Start.</summary>
    [Id(0)]
    public required DateTimeOffset From { get; init; }

    /// <summary>End, not included.</summary>
    [Id(1)]
    public required DateTimeOffset To { get; init; }

    /// <summary>Width of a point in seconds: 300, 3600 or 86400.</summary>
    [Id(2)]
    public required int Interval { get; init; }

    /// <summary>Only this domain's document; <see langword="null"/>: all.</summary>
    [Id(3)]
    public string? Domain { get; init; }

    /// <summary>Only this kind; <see langword="null"/>: both.</summary>
    [Id(4)]
    public UsageKind? Kind { get; init; }

    /// <summary>Of a query.</summary>
    public static UsageQueryWire Of(UsageQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return new() { From = query.From, To = query.To, Interval = query.Interval, Domain = query.Domain, Kind = query.Kind };
    }

    /// <summary>The query.</summary>
    public UsageQuery ToQuery() => new(From, To, Interval, Domain, Kind);
}

/// <summary>A statement that was made of an account and is to be kept.</summary>
[GenerateSerializer, Immutable, Alias("orleansedge.billing.closing")]
public sealed record ClosingWire
{
    /// <summary>Which state of the account it was made of.</summary>
    [Id(0)]
    public required string Basis { get; init; }

    /// <summary>The statement, as <see cref="StatementText.Json"/> has it.</summary>
    [Id(1)]
    public required ReadOnlyMemory<byte> Statement { get; init; }

    /// <summary>Bytes used of each plan after it, in the order in which they were bought.</summary>
    [Id(2)]
    public required IReadOnlyList<long> Used { get; init; }
}
