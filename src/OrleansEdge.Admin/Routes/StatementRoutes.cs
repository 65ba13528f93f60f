using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/tenants/{tenant}/statements</summary>
internal static class StatementRoutes
{
    public static void Map(IEndpointRouteBuilder api)
        => new Resource(api, "/tenants/{tenant}/statements/{month}").Get(BillingOperations.GetStatement, GetAsync).RefuseOthers();

    private static async Task<IResult> GetAsync(string tenant, string month, HttpContext context, IControlPlane control)
    {
        if (!UsageMonth.TryParse(month, out var parsed))
        {
            return Query.Invalid("month", UsageMonth.Rule);
        }

        if (StatementFormats.TryRead(context.Request, out var format) is { } problem)
        {
            return problem;
        }

        var result = await control.Billing.GetStatementAsync(tenant, parsed, context.RequestAborted);
        return result.Failure is { } failure ? Problem.Of(failure) : new StatementAnswer(result.Value, format);
    }
}
