using Microsoft.AspNetCore.Http;

namespace OrleansEdge.Admin.OpenApi;

/// <summary>What a route takes and answers: metadata of its endpoint, from which the pipeline checks a request and the OpenAPI
/// document is written. Schemas and parameters are named as in <c>components.json</c>.</summary>
/// <param name="Id">Unique id.</param>
/// <param name="Tag">Group.</param>
/// <param name="Summary">Sentence for people.</param>
internal sealed record ApiOperation(string Id, string Tag, string Summary)
{
    /// <summary>Query parameters that are known; all others are refused.</summary>
    public IReadOnlyList<string> Query { get; init; } = [];

    /// <summary>Headers that are heeded.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Schema of the body; <see langword="null"/>: it takes none.</summary>
    public string? Body { get; init; }

    /// <summary>Answers that are not problems, by status.</summary>
    public IReadOnlyList<ApiAnswer> Answers { get; init; } = [];

    /// <summary>Status of the problems that it answers beyond those that every operation has.</summary>
    public IReadOnlyList<int> Problems { get; init; } = [];
}

/// <summary>One answer of an operation.</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Description">What it means.</param>
/// <param name="Schema">Schema of the body; <see langword="null"/>: it has none.</param>
/// <param name="Headers">Headers that belong to it.</param>
internal sealed record ApiAnswer(int Status, string Description, string? Schema, params string[] Headers)
{
    /// <summary>Media types, beside JSON, in which the same is to be had as text.</summary>
    public IReadOnlyList<string> OtherTypes { get; init; } = [];

    public static ApiAnswer Ok(string schema) => new(StatusCodes.Status200OK, "What was asked for.", schema);

    public static ApiAnswer NoContent(string description) => new(StatusCodes.Status204NoContent, description, null);
}
