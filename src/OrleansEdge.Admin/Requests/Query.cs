using System.Globalization;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Requests;

/// <summary>Query parameters. Names are compared exactly; an empty value is as good as none, except for <c>limit</c>.</summary>
internal static class Query
{
    /// <summary>Parameters of every list.</summary>
    public static readonly string[] Page = ["after", "limit"];

    /// <summary>Refuses what the route does not know or knows once only.</summary>
    public static Problem? RefuseUnknown(IQueryCollection query, IReadOnlyList<string> known)
    {
        var unknown = query.Keys.Where(name => !known.Contains(name, StringComparer.Ordinal)).ToArray();
        if (unknown.Length > 0)
        {
            return Problem.BadRequest("parameter_unknown", $"Unknown query parameter: {string.Join(", ", unknown)}.");
        }

        var repeated = query.Where(parameter => parameter.Value.Count > 1).Select(parameter => parameter.Key).ToArray();
        return repeated.Length > 0
            ? Problem.BadRequest("parameter_invalid", $"Given more than once: {string.Join(", ", repeated)}.")
            : null;
    }

    /// <summary>Reads which part of a list is asked for.</summary>
    public static Problem? TryReadPage(IQueryCollection query, out PageRequest page)
    {
        page = new PageRequest(Value(query, "after"), PageRequest.DefaultLimit);
        if (!query.TryGetValue("limit", out var text))
        {
            return null;
        }

        if (!int.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var limit) || limit is < 1 or > PageRequest.MaxLimit)
        {
            return Invalid("limit", $"is not a whole number from 1 to {PageRequest.MaxLimit}");
        }

        page = page with { Limit = limit };
        return null;
    }

    /// <summary>The problem of a value that breaks a rule.</summary>
    public static Problem Invalid(string name, string rule) => Problem.BadRequest("parameter_invalid", $"{name} {rule}.");

    /// <summary>A parameter's value, or <see langword="null"/>.</summary>
    public static string? Value(IQueryCollection query, string name)
        => query.TryGetValue(name, out var value) && !string.IsNullOrEmpty(value) ? value.ToString() : null;
}
