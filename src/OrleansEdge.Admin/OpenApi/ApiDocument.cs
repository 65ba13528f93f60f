using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace OrleansEdge.Admin.OpenApi;

/// <summary>Writes the OpenAPI document: paths from the mapped endpoints and their <see cref="ApiOperation"/>, the rest from <c>components.json</c>.</summary>
internal static partial class ApiDocument
{
    public const string Name = "v1";

    private const string Security = "key";

    // Every route can answer these.
    private static readonly int[] CommonProblems = [400, 401, 403, 500, 503];

    public static void Configure(OpenApiOptions options)
    {
        options.AddOperationTransformer((operation, context, _) =>
        {
            var described = context.Description.ActionDescriptor.EndpointMetadata.OfType<ApiOperation>().Last();
            Describe(operation, described, context.Description.RelativePath!, context.Document!);
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer(async (document, _, cancellation) =>
        {
            await AddComponentsAsync(document, cancellation);
        });
    }

    private static void Describe(OpenApiOperation operation, ApiOperation described, string path, OpenApiDocument document)
    {
        operation.OperationId = described.Id;
        operation.Summary = described.Summary;
        operation.Tags = new HashSet<OpenApiTagReference> { new(described.Tag, document) };
        operation.Parameters = [.. ParameterNames(described, path).Select(name => new OpenApiParameterReference(name, document))];
        operation.RequestBody = described.Body is null ? null : new OpenApiRequestBody { Required = true, Content = Json(described.Body, document) };
        operation.Responses = [];
        foreach (var answer in described.Answers)
        {
            operation.Responses[Text(answer.Status)] = Response(answer, document);
        }

        foreach (var status in CommonProblems.Union(described.Problems).Order())
        {
            operation.Responses[Text(status)] = new OpenApiResponseReference(Text(status), document);
        }
    }

    private static IEnumerable<string> ParameterNames(ApiOperation described, string path)
        => PathParameter().Matches(path).Select(match => $"path.{match.Groups["name"].Value}")
            .Concat(described.Query.Select(name => $"query.{name}"))
            .Concat(described.Headers.Select(name => $"header.{name}"));

    private static OpenApiResponse Response(ApiAnswer answer, OpenApiDocument document) => new()
    {
        Description = answer.Description,
        Content = answer.Schema is null ? null : Content(answer.Schema, answer.OtherTypes, document),
        Headers = answer.Headers.ToDictionary(name => name, IOpenApiHeader (name) => new OpenApiHeaderReference(name, document), StringComparer.Ordinal),
    };

    private static Dictionary<string, OpenApiMediaType> Content(string schema, IReadOnlyList<string> otherTypes, OpenApiDocument document)
    {
        var content = Json(schema, document);
        foreach (var type in otherTypes)
        {
            content[type] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
        }

        return content;
    }

    private static Dictionary<string, OpenApiMediaType> Json(string schema, OpenApiDocument document) => new(StringComparer.Ordinal)
    {
        ["application/json"] = new() { Schema = new OpenApiSchemaReference(schema, document) },
    };

    private static async Task AddComponentsAsync(OpenApiDocument document, CancellationToken cancellationToken)
    {
        await using var stream = typeof(ApiDocument).Assembly.GetManifestResourceStream("components.json")!;
        var (components, _) = await OpenApiDocument.LoadAsync(stream, OpenApiConstants.Json, cancellationToken: cancellationToken);
        document.Info = components!.Info;
        document.Components = components.Components;
        document.Tags = components.Tags;
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Security, document)] = [] }];

        // Each GET answers HEAD too; the document would only say everything twice.
        foreach (var path in document.Paths.Values)
        {
            path.Operations!.Remove(HttpMethod.Head);
        }
    }

    private static string Text(int status) => status.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{(?<name>\w+)\}", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex PathParameter();
}
