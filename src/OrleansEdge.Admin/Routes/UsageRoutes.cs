using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/tenants/{tenant}/usage and /reconciliation: what was counted.</summary>
internal static class UsageRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        new Resource(api, "/tenants/{tenant}/usage").Get(BillingOperations.GetUsage, GetAsync).RefuseOthers();
        new Resource(api, "/reconciliation").Get(BillingOperations.ListReconciliation, ReconcileAsync).RefuseOthers();
    }

    private static async Task<IResult> GetAsync(string tenant, HttpContext context, IControlPlane control, TimeProvider time)
        => UsageParameters.TryRead(context.Request.Query, time.GetUtcNow(), out var query)
            ?? JsonAnswer.Of(await control.Billing.QueryUsageAsync(tenant, query, context.RequestAborted));

    private static async Task<IResult> ReconcileAsync(HttpContext context, IControlPlane control, TimeProvider time)
        => TimeRange.TryRead(context.Request.Query, time.GetUtcNow(), out var range)
            ?? await Lists.AnswerAsync(context, (page, cancellation) => control.Billing.ReconcileAsync(range.From, range.To, page, cancellation));
}
