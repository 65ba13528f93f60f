using System.Text.Json;
using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>Answers about bills as they are on the way: the JSON of the admin API, which is the form that has to stay readable
/// anyway.</summary>
public static class BillingJson
{
    /// <summary>Of a result.</summary>
    public static Reply<byte[]> Of<T>(ControlResult<T> result)
        => result.Failure is { } failure ? failure
            : result.Value is Statement statement ? StatementText.Json(statement)
            : JsonSerializer.SerializeToUtf8Bytes(result.Value, EdgeJson.Options);

    /// <summary>The answer.</summary>
    /// <exception cref="JsonException">It is of another kind.</exception>
    public static T Read<T>(byte[] json)
        where T : class
        => typeof(T) == typeof(Statement)
            ? (T)(object)StatementText.Parse(json)
            : JsonSerializer.Deserialize<T>(json, EdgeJson.Options) ?? throw new JsonException("An answer is not null.");
}

/// <summary>A version of a tenant's document.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.TenantVersionWire")]
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
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.UsageQueryWire")]
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
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.ClosingWire")]
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
