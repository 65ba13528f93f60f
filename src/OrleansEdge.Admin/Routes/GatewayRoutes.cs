using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Access;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/gateways</summary>
internal static class GatewayRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        new Resource(api, "/gateways").Get(ApiOperations.ListGateways, ListAsync).RefuseOthers();
        new Resource(api, "/gateways/{name}/drain").Post(ApiOperations.DrainGateway, DrainAsync).RefuseOthers();
    }

    private static Task<IResult> ListAsync(HttpContext context, IControlPlane control)
        => Lists.AnswerAsync(context, control.ListGatewaysAsync);

    private static async Task<IResult> DrainAsync(string name, HttpContext context, IControlPlane control)
    {
        var caller = AdminCaller.Of(context);
        var result = await control.DrainGatewayAsync(name, caller.Name, context.RequestAborted);
        return result.Failure is { } failure
            ? Problem.Of(failure)
            : new JsonAnswer<GatewayInfo>(StatusCodes.Status202Accepted, result.Value);
    }
}
