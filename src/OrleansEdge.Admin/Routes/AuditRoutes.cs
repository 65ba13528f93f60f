using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/audit and /broken: what was done, and what is wrong with the store.</summary>
internal static class AuditRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        new Resource(api, "/audit").Get(ApiOperations.ListAudit, ListAuditAsync).RefuseOthers();
        new Resource(api, "/broken").Get(ApiOperations.ListBroken, ListBrokenAsync).RefuseOthers();
    }

    private static Task<IResult> ListAuditAsync(HttpContext context, IControlPlane control)
        => Lists.AnswerAsync(context, control.ListAuditAsync);

    private static Task<IResult> ListBrokenAsync(HttpContext context, IControlPlane control)
        => Lists.AnswerAsync(context, control.ListBrokenAsync);
}
