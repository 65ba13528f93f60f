using Microsoft.Extensions.Options;
using OrleansEdge.Admin;
using OrleansEdge.Admin.Access;
using OrleansEdge.Clustering.ControlPlane;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Grains;
using OrleansEdge.Hosting.Health;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Silo.Endpoints;
using OrleansEdge.Silo.Settings;

namespace OrleansEdge.Silo;

/// <summary>A silo with the admin API, put together.</summary>
internal static class SiloApplication
{
    private const string OrleansMeter = "Microsoft.Orleans";
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Composes the application; nothing is connected to, and no port is open yet.</summary>
    /// <exception cref="StartFaultException">It cannot start, for reasons that a person can mend.</exception>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ContentRootPath = AppContext.BaseDirectory, ApplicationName = "OrleansEdge.Silo" });
        var faults = SiloSettings.Process.Load(builder.Configuration, args);
        // At its first look it takes the age of the machine for a stall.
        builder.Logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        builder.Logging.AddDiagnosticLog(builder.Configuration);
        AddServices(builder.Services, builder.Configuration);
        builder.AddClusterSilo((silo, redis) => silo.AddOrleansEdgeGrains(redis, SiloSettings.DocumentLimits(builder.Configuration)));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel((context, kestrel) => SiloEndpoints.Configure(kestrel, context.Configuration));
        var app = builder.Build();
        try
        {
            ProcessSettings.Check(app.Services, faults);
            CheckAdminEndpoint(app);
        }
        catch
        {
            ((IDisposable)app).Dispose();
            throw;
        }

        MapEndpoints(app);
        return app;
    }

    private static void AddServices(IServiceCollection services, ConfigurationManager configuration)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddSiloOptions(configuration);
        services.AddOptions<HostOptions>().Configure(static host => host.ShutdownTimeout = ShutdownTimeout);
        services.AddRouting();
        services.AddAdminApi(configuration);
        services.AddClusterControlPlane();
        services.AddSingleton<Readiness>();
        services.AddTelemetry(
            static provider => ProcessName.Of(
                provider.GetRequiredService<IOptions<ProcessOptions>>().Value, provider.GetRequiredService<IConfiguration>(), SiloEndpoints.Admin),
            OrleansMeter);
    }

    private static void CheckAdminEndpoint(WebApplication app)
    {
        var admin = app.Services.GetRequiredService<IOptions<AdminOptions>>().Value;
        if (admin.CheckEndpoints([EndpointSettings.ListenUri(app.Configuration, SiloEndpoints.Admin)]) is { } fault)
        {
            throw new StartFaultException([fault]);
        }
    }

    private static void MapEndpoints(WebApplication app)
    {
        var admin = app.BuildBranch(branch => branch.UseRouting().UseEndpoints(endpoints =>
        {
            endpoints.MapHealth();
            endpoints.MapAdminApi();
        }));
        var health = app.BuildBranch(branch => branch.UseRouting().UseEndpoints(endpoints => endpoints.MapHealth()));
        app.Run(context => SiloEndpoints.NameOf(context) == SiloEndpoints.Health ? health(context) : admin(context));
    }
}
