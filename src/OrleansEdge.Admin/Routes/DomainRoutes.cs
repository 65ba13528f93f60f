using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Routes;

/// <summary>/domains</summary>
internal static class DomainRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        new DocumentRoutes<DomainConfig>("domain", control => control.Domains, document => document.Domain).Map(api);
        new Resource(api, "/domains/{domain}/gateways").Get(ApiOperations.ListDomainGateways, ListGatewaysAsync).RefuseOthers();
    }

    private static Task<IResult> ListGatewaysAsync(string domain, HttpContext context, IControlPlane control)
        => Lists.AnswerAsync(context, (page, cancellation) => control.ListDomainGatewaysAsync(domain, page, cancellation));
}
