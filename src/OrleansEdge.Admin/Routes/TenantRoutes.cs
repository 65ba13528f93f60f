using Microsoft.AspNetCore.Routing;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/tenants</summary>
internal static class TenantRoutes
{
    public static void Map(IEndpointRouteBuilder api)
        => new DocumentRoutes<TenantConfig>("tenant", control => control.Tenants, document => document.Tenant).Map(api);
}
