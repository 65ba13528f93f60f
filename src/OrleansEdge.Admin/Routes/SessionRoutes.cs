using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Access;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/sessions</summary>
internal static class SessionRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        new Resource(api, "/sessions").Get(ApiOperations.ListSessions, ListAsync).RefuseOthers();
        new Resource(api, "/sessions/{id}").Delete(ApiOperations.EndSession, EndAsync).RefuseOthers();
    }

    private static Task<IResult> ListAsync(HttpContext context, IControlPlane control)
    {
        var query = context.Request.Query;
        var filter = new SessionFilter(Query.Value(query, "domain"), Query.Value(query, "tenant"), Query.Value(query, "gateway"));
        return Lists.AnswerAsync(context, (page, cancellation) => control.ListSessionsAsync(filter, page, cancellation));
    }

    private static async Task<IResult> EndAsync(string id, HttpContext context, IControlPlane control)
    {
        var caller = AdminCaller.Of(context);
        var result = await control.EndSessionAsync(id, caller.Name, context.RequestAborted);
        return result.Failure is { } failure ? Problem.Of(failure) : TypedResults.NoContent();
    }
}
