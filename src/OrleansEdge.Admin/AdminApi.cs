using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OrleansEdge.Admin.Access;
using OrleansEdge.Admin.Answers;
using OrleansEdge.Admin.OpenApi;
using OrleansEdge.Admin.Routes;
using OrleansEdge.Model;

namespace OrleansEdge.Admin;

/// <summary>The admin HTTP API: <c>/api/v1</c> and its description at <c>/openapi/v1.json</c>.</summary>
public static class AdminApi
{
    /// <summary>Path before every route of the API.</summary>
    public const string BasePath = "/api/v1";

    /// <summary>Adds what the API needs. The host adds an <see cref="IControlPlane"/>.</summary>
    /// <param name="services">Of the host.</param>
    /// <param name="configuration">The whole configuration; section <c>Edge:Admin</c> is read, and checked with all faults when the host starts.</param>
    public static IServiceCollection AddAdminApi(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddOptions<AdminOptions>().Bind(configuration.GetSection(AdminOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AdminOptions>, AdminOptionsValidator>();
        services.AddSingleton<AdminKeyRing>();
        services.AddSingleton<AdminAccess>();
        services.AddSingleton<AdminPipeline>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddOpenApi(ApiDocument.Name, ApiDocument.Configure);
        return services;
    }

    /// <summary>Maps the API.</summary>
    /// <returns>Conventions for all its endpoints, so that the host can bind them to the admin endpoint's port.</returns>
    public static IEndpointConventionBuilder MapAdminApi(this IEndpointRouteBuilder endpoints)
    {
        var root = endpoints.MapGroup("");
        ((IEndpointConventionBuilder)root).Finally(AdminPipeline.Wrap);
        OpenApiRoute.Map(root);
        root.Map("/api/{**path}", () => new Problem(StatusCodes.Status404NotFound, "not_found", "There is no such path.")).ExcludeFromDescription();

        var api = root.MapGroup(BasePath);
        DomainRoutes.Map(api);
        TenantRoutes.Map(api);
        UsageRoutes.Map(api);
        PlanRoutes.Map(api);
        StatementRoutes.Map(api);
        SessionRoutes.Map(api);
        GatewayRoutes.Map(api);
        AuditRoutes.Map(api);
        return root;
    }
}
