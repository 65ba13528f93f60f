using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Access;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/tenants/{tenant}/plans</summary>
internal static class PlanRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        new Resource(api, "/tenants/{tenant}/plans")
            .Get(BillingOperations.ListPlans, ListAsync)
            .Post(BillingOperations.BuyPlan, BuyAsync)
            .RefuseOthers();
        new Resource(api, "/tenants/{tenant}/plans/{plan}").Get(BillingOperations.GetPlan, GetAsync).RefuseOthers();
    }

    private static Task<IResult> ListAsync(string tenant, HttpContext context, IControlPlane control)
        => Lists.AnswerAsync(context, (page, cancellation) => control.Billing.ListPlansAsync(tenant, page, cancellation));

    private static async Task<IResult> GetAsync(string tenant, string plan, HttpContext context, IControlPlane control)
        => JsonAnswer.Of(await control.Billing.GetPlanAsync(tenant, plan, context.RequestAborted));

    private static async Task<IResult> BuyAsync(string tenant, HttpContext context, IControlPlane control)
    {
        if (IdempotencyKey.TryRead(context.Request.Headers, out var key) is { } problem)
        {
            return problem;
        }

        if (await JsonBody.ReadAsync(context) is not { } json)
        {
            return JsonBody.TooBig();
        }

        var result = await control.Billing.BuyPlanAsync(tenant, json, key, AdminCaller.Of(context).Name, context.RequestAborted);
        return result.Failure is { } failure
            ? Problem.Of(failure)
            : new JsonAnswer<PlanInfo>(StatusCodes.Status201Created, result.Value) { Location = Location(context, tenant, result.Value) };
    }

    private static string Location(HttpContext context, string tenant, PlanInfo plan)
        => $"{context.Request.PathBase}{AdminApi.BasePath}/tenants/{Uri.EscapeDataString(tenant)}/plans/{Uri.EscapeDataString(plan.Id)}";
}
