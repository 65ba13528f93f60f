using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/tenants</summary>
internal static class TenantRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        new DocumentRoutes<TenantConfig>("tenant", control => control.Tenants, document => document.Tenant).Map(api);
        new Resource(api, "/tenants/{tenant}/webhook").Get(BillingOperations.GetWebhook, GetWebhookAsync).RefuseOthers();
    }

    private static async Task<IResult> GetWebhookAsync(string tenant, HttpContext context, IControlPlane control)
        => JsonAnswer.Of(await control.Billing.GetWebhookAsync(tenant, context.RequestAborted));
}
