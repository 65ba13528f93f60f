using Microsoft.AspNetCore.Http;

namespace OrleansEdge.Admin.OpenApi;

/// <summary>The operations of one kind of document.</summary>
/// <param name="kind"><c>domain</c> or <c>tenant</c>.</param>
internal sealed class DocumentOperations(string kind)
{
    private static readonly string[] Conditions = ["If-Match", "If-None-Match"];

    private readonly string _name = char.ToUpperInvariant(kind[0]) + kind[1..];

    public ApiOperation List => new($"list{_name}s", $"{kind}s", $"Lists the {kind}s in force, ordered by name.")
    {
        Query = Requests.Query.Page,
        Answers = [ApiAnswer.Ok($"{_name}Page")],
    };

    public ApiOperation Get => new($"get{_name}", $"{kind}s", $"Reads a {kind}, exactly as PUT accepts it.")
    {
        Headers = Conditions,
        Answers = [Document(200, $"The {kind}."), new(304, "The version is among those of If-None-Match.", null, "ETag")],
        Problems = [404, 412],
    };

    public ApiOperation Put => new($"put{_name}", $"{kind}s", $"Creates or replaces a {kind}. It is in force when the answer comes.")
    {
        Headers = Conditions,
        Body = _name,
        Answers = [Document(200, "Replaced."), Created],
        Problems = [412, 413, 415],
    };

    public ApiOperation Delete => new($"delete{_name}", $"{kind}s", $"Deletes a {kind}.")
    {
        Headers = ["If-Match"],
        Answers = [ApiAnswer.NoContent("Deleted.")],
        Problems = kind == "tenant" ? [404, 409, 412, 415] : [404, 412, 415],
    };

    public ApiOperation Versions => new($"list{_name}Versions", $"{kind}s", $"Lists the kept versions of a {kind}, newest first: the last 50, deletions too.")
    {
        Query = Requests.Query.Page,
        Answers = [ApiAnswer.Ok($"{_name}VersionPage")],
        Problems = [404],
    };

    public ApiOperation Rollback => new($"rollback{_name}", $"{kind}s", $"Puts a kept version of a {kind} again, as a new version.")
    {
        Headers = Conditions,
        Body = "Rollback",
        Answers = [Document(200, "Replaced."), Created],
        Problems = [404, 409, 412, 413, 415],
    };

    private ApiAnswer Created => new(StatusCodes.Status201Created, "Created.", _name, "ETag", "Location");

    private ApiAnswer Document(int status, string description) => new(status, description, _name, "ETag");
}
