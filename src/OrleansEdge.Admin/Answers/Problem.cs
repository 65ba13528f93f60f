using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Answers;

/// <summary>An answer that is not what was asked for: a problem document (RFC 9457).</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Code">Stable word for programs.</param>
/// <param name="Detail">Sentence for people.</param>
internal sealed record Problem(int Status, string Code, string Detail) : IResult
{
    /// <summary>All faults of a document; otherwise <see langword="null"/> and left out.</summary>
    public IReadOnlyList<ConfigError>? Errors { get; init; }

    /// <summary>A header that belongs to the status.</summary>
    public (string Name, string Value)? Header { get; init; }

    /// <summary>A request that cannot be understood.</summary>
    public static Problem BadRequest(string code, string detail) => new(StatusCodes.Status400BadRequest, code, detail);

    /// <summary>A body with faults.</summary>
    public static Problem Invalid(IReadOnlyList<ConfigError> errors)
        => BadRequest("config_invalid", "The document is not valid.") with { Errors = errors };

    /// <summary>A refusal of the control plane.</summary>
    public static Problem Of(ControlFailure failure) => new(StatusOf(failure.Kind), failure.Code, failure.Detail)
    {
        Errors = failure.Errors.Count > 0 ? failure.Errors : null,
        Header = failure.Kind is ControlFailureKind.Unavailable ? ("Retry-After", "5") : null,
    };

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        if (Header is { } header)
        {
            response.Headers[header.Name] = header.Value;
        }

        return JsonText.WriteAsync(response, ToBody(), "application/problem+json");
    }

    private Dictionary<string, object> ToBody()
    {
        var body = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["type"] = $"urn:orleansedge:problem:{Code}",
            ["title"] = ReasonPhrases.GetReasonPhrase(Status),
            ["status"] = Status,
            ["code"] = Code,
            ["detail"] = Detail,
        };
        if (Errors is not null)
        {
            body["errors"] = Errors;
        }

        return body;
    }

    private static int StatusOf(ControlFailureKind kind) => kind switch
    {
        ControlFailureKind.NotFound => StatusCodes.Status404NotFound,
        ControlFailureKind.Invalid => StatusCodes.Status400BadRequest,
        ControlFailureKind.PreconditionFailed => StatusCodes.Status412PreconditionFailed,
        ControlFailureKind.Conflict => StatusCodes.Status409Conflict,
        ControlFailureKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
