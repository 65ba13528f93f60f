using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using OrleansEdge.Admin;
using OrleansEdge.Admin.Access;
using OrleansEdge.Hosting.Health;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Model;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Demo;
using OrleansEdge.Standalone.Settings;
using OrleansEdge.Standalone.Startup;
using OrleansEdge.Standalone.Telemetry;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone;

/// <summary>The whole edge in one process, put together.</summary>
internal static class StandaloneApplication
{
    /// <summary>Composes the application; the data directory is taken and its documents are read, no port is open yet.</summary>
    /// <param name="args">Settings as <c>--Section:Key=value</c>.</param>
    /// <param name="configure">Last word of a test.</param>
    /// <exception cref="StartFaultException">It cannot start, for reasons that a person can mend.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { ContentRootPath = AppContext.BaseDirectory, ApplicationName = "OrleansEdge.Standalone" });
        var faults = EdgeSettings.Process.Load(builder.Configuration, args);
        builder.Logging.AddDiagnosticLog(builder.Configuration);
        AddServices(builder.Services, builder.Configuration);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().UseEdgeTransport();
        builder.WebHost.ConfigureKestrel((context, kestrel) => EdgeEndpoints.Configure(kestrel, context.Configuration, kestrel.ApplicationServices));
        configure?.Invoke(builder);
        var app = builder.Build();
        try
        {
            ProcessSettings.Check(app.Services, faults);
            Prepare(app);
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
        services.AddEdgeOptions(configuration);
        services.AddRouting();
        services.AddRelay();
        services.AddAdminApi(configuration);
        services.AddControlPlane();
        services.AddTelemetry(static provider => provider.GetRequiredService<EdgeIdentity>().Name);
        services.AddReadiness();
        services.AddDemo();
    }

    private static void AddControlPlane(this IServiceCollection services)
    {
        services.AddSingleton(static provider => new FileControlPlane(
            provider.GetRequiredService<IOptions<DataOptions>>().Value.DataPath,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<FileControlPlane>>(),
            new DocumentLimits { MaxTimeoutSeconds = provider.GetRequiredService<IOptions<LimitOptions>>().Value.MaxTimeoutSeconds },
            provider.GetRequiredService<IGatewayOperations>(),
            folder => new FileUsageLedger(
                folder,
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<FileUsageLedger>>(),
                new() { DeadAfter = provider.GetRequiredService<IOptions<MeteringOptions>>().Value.DeadAfter })));
        services.AddSingleton<IControlPlane>(static provider => new MeasuredControlPlane(
            provider.GetRequiredService<FileControlPlane>(), provider.GetRequiredService<IMeterFactory>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(static provider => provider.GetRequiredService<FileControlPlane>().Usage);
        services.AddSingleton<IDomainSource>(static provider => provider.GetRequiredService<FileControlPlane>());
        services.AddSingleton(static provider => EdgeIdentities.Create(provider, provider.GetRequiredService<FileControlPlane>().DataDirectoryPath));
    }

    private static void AddReadiness(this IServiceCollection services)
    {
        services.AddSingleton<Readiness>();
        services.AddSingleton<IReadinessCondition>(static provider =>
        {
            var drain = provider.GetRequiredService<DrainCoordinator>();
            return new ReadinessCondition(() => drain.State == GatewayState.Draining ? Readiness.Draining : null);
        });
    }

    private static void AddDemo(this IServiceCollection services)
    {
        services.AddSingleton(static provider => new DemoRecord(provider.GetRequiredService<IOptions<DataOptions>>().Value.DataPath));
        services.AddHostedService<DemoService>();
    }

    /// <summary>Opens what can fail in a way that a person can mend, before anything listens.</summary>
    private static void Prepare(WebApplication app)
    {
        var admin = app.Services.GetRequiredService<IOptions<AdminOptions>>().Value;
        if (admin.CheckEndpoints([EndpointSettings.ListenUri(app.Configuration, EdgeEndpoints.Admin)]) is { } fault)
        {
            throw new StartFaultException([fault]);
        }

        app.Services.GetRequiredService<IControlPlane>();
        app.Services.PrepareRelay();
    }

    private static void MapEndpoints(WebApplication app)
    {
        var control = app.Services.GetRequiredService<IControlPlane>();
        Task<int> CountBroken(CancellationToken cancellationToken) => BrokenDocuments.CountAsync(control, cancellationToken);
        var relay = app.BuildBranch(branch => branch.UseRelay());
        var admin = app.BuildBranch(branch => branch.UseRouting().UseEndpoints(endpoints =>
        {
            endpoints.MapHealth(CountBroken);
            endpoints.MapAdminApi();
        }));
        var health = app.BuildBranch(branch => branch.UseRouting().UseEndpoints(endpoints => endpoints.MapHealth(CountBroken)));
        app.Run(context => EdgeEndpoints.NameOf(context) switch
        {
            EdgeEndpoints.Admin => admin(context),
            EdgeEndpoints.Health => health(context),
            _ => relay(context),
        });
    }
}
