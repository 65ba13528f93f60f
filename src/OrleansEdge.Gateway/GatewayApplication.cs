using OrleansEdge.Clustering.Gateways;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Gateway.Settings;
using OrleansEdge.Gateway.Startup;
using OrleansEdge.Hosting.Health;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Model;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Gateway;

/// <summary>The relay as a client of the cluster, put together.</summary>
internal static class GatewayApplication
{
    private const string OrleansMeter = "Microsoft.Orleans";

    /// <summary>Composes the application; the data directory is there, nothing is connected to, and no port is open yet.</summary>
    /// <exception cref="StartFaultException">It cannot start, for reasons that a person can mend.</exception>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ContentRootPath = AppContext.BaseDirectory, ApplicationName = "OrleansEdge.Gateway" });
        var faults = GatewaySettings.Process.Load(builder.Configuration, args);
        // It would warn twice a second while there is no silo; the connection itself says so now and then.
        builder.Logging.AddFilter("Orleans.Messaging.GatewayManager", LogLevel.Error);
        builder.Logging.AddDiagnosticLog(builder.Configuration);
        AddServices(builder.Services, builder.Configuration);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseEdgeTransport();
        builder.WebHost.ConfigureKestrel((context, kestrel)
            => EdgeEndpoints.Configure(kestrel, context.Configuration, kestrel.ApplicationServices, GatewaySettings.Endpoints));
        var app = builder.Build();
        try
        {
            ProcessSettings.Check(app.Services, faults);
            GatewayIdentity.PrepareDirectory(app.Services);
            app.Services.PrepareRelay();
        }
        catch
        {
            ((IDisposable)app).Dispose();
            throw;
        }

        MapEndpoints(app);
        return app;
    }

    // What is added first is stopped last: the last usage is reported while the cluster is still connected.
    private static void AddServices(IServiceCollection services, ConfigurationManager configuration)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddGatewayOptions(configuration);
        services.AddRouting();
        services.AddClusterClient(configuration);
        services.AddClusterGateway(GatewayIdentity.LastGoodPath);
        services.AddRelay();
        services.AddSingleton(GatewayIdentity.Create);
        services.AddSingleton<IGatewayNaming, GatewayIdentity>();
        services.AddTelemetry(static provider => provider.GetRequiredService<EdgeIdentity>().Name, OrleansMeter);
        services.AddSingleton<Readiness>();
        services.AddSingleton<IReadinessCondition>(static provider =>
        {
            var drain = provider.GetRequiredService<DrainCoordinator>();
            return new ReadinessCondition(() => drain.State == GatewayState.Draining ? Readiness.Draining : null);
        });
    }

    private static void MapEndpoints(WebApplication app)
    {
        var relay = app.BuildBranch(branch => branch.UseRelay());
        var health = app.BuildBranch(branch => branch.UseRouting().UseEndpoints(endpoints => endpoints.MapHealth()));
        app.Run(context => EdgeEndpoints.NameOf(context) == EdgeEndpoints.Health ? health(context) : relay(context));
    }
}
