using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using OrleansEdge.Admin.Routes;

namespace OrleansEdge.Admin.OpenApi;

/// <summary>/openapi/v1.json, for the same callers as the API.</summary>
internal static class OpenApiRoute
{
    public static void Map(IEndpointRouteBuilder routes)
        => new Resource(routes, $"/openapi/{ApiDocument.Name}.json").GetUndescribed(GetAsync).RefuseOthers();

    private static async Task<IResult> GetAsync([FromKeyedServices(ApiDocument.Name)] IOpenApiDocumentProvider documents, HttpContext context)
    {
        var document = await documents.GetOpenApiDocumentAsync(context.RequestAborted);
        var json = await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, context.RequestAborted);
        return TypedResults.Text(json, "application/json");
    }
}
