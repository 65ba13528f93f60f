using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;

namespace OrleansEdge.Admin.Requests;

/// <summary>In which form a statement is asked for.</summary>
internal enum StatementFormat
{
    Json,
    Csv,
}

/// <summary>Reads the form from the query parameter <c>format</c>, which wins, or from <c>Accept</c>.</summary>
internal static class StatementFormats
{
    public const string Parameter = "format";

    public const string Json = "application/json; charset=utf-8";

    public const string Csv = "text/csv; charset=utf-8; header=present";

    public static Problem? TryRead(HttpRequest request, out StatementFormat format)
    {
        (format, var problem) = Query.Value(request.Query, Parameter) switch
        {
            null => Negotiate(request),
            "json" => (StatementFormat.Json, null),
            "csv" => (StatementFormat.Csv, null),
            _ => (default, Query.Invalid(Parameter, "is not json or csv")),
        };
        return problem;
    }

    private static (StatementFormat Format, Problem? Problem) Negotiate(HttpRequest request) => MediaPreference.Choose(request.Headers.Accept, Json, Csv) switch
    {
        Json => (StatementFormat.Json, null),
        Csv => (StatementFormat.Csv, null),
        _ => (default, new Problem(StatusCodes.Status406NotAcceptable, "not_acceptable", "A statement is to be had as application/json and as text/csv.")),
    };
}
