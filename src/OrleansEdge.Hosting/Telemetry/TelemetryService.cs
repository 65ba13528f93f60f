using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace OrleansEdge.Hosting.Telemetry;

/// <summary>Collects the process's metrics: for whoever reads <c>/metrics</c>, and by OTLP where an <c>OTEL_EXPORTER_OTLP_…ENDPOINT</c>
/// is set. The standard <c>OTEL_*</c> names work as environment variables and as settings.</summary>
public sealed class TelemetryService : IHostedService, IDisposable
{
    /// <summary>Meters whose instruments every executable collects.</summary>
    public static readonly IReadOnlyList<string> Meters =
        ["OrleansEdge.*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"];

    private const string DefaultServiceName = "orleans-edge";
    private const int FlushMilliseconds = 2000;

    private readonly MeterProvider _provider;
    private readonly TelemetryFaults _faults;

    /// <param name="configuration">Where <c>OTEL_*</c> is looked up.</param>
    /// <param name="prometheus">The reader behind <c>/metrics</c>.</param>
    /// <param name="faults">Listens for as long as the service lives.</param>
    /// <param name="instanceId">Name of this edge, resource attribute <c>service.instance.id</c>.</param>
    /// <param name="furtherMeters">Meters beside those that every executable has.</param>
    internal TelemetryService(
        IConfiguration configuration, PrometheusExporter prometheus, TelemetryFaults faults, string instanceId, IReadOnlyList<string> furtherMeters)
    {
        _faults = faults;
        var builder = Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .ConfigureResource(resource => Describe(resource, configuration, instanceId))
            .AddMeter([.. Meters, .. furtherMeters])
            .AddReader(prometheus.Reader);
        if (IsExported(configuration))
        {
            builder.AddOtlpExporter();
        }

        _provider = builder.Build();
    }

    /// <summary>Version of the software, without the commit.</summary>
    public static string Version { get; } = typeof(TelemetryService).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+', 2)[0];

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what was measured since the last export.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
        => Task.Run(() => _provider.Shutdown(FlushMilliseconds), CancellationToken.None);

    /// <inheritdoc/>
    public void Dispose()
    {
        _provider.Dispose();
        _faults.Dispose();
    }

    private static bool IsExported(IConfiguration configuration)
        => (!string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"])
                || !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"]))
            && !string.Equals(configuration["OTEL_METRICS_EXPORTER"], "none", StringComparison.OrdinalIgnoreCase);

    // Environment last, so that OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    private static void Describe(ResourceBuilder resource, IConfiguration configuration, string instanceId)
        => resource.Clear()
            .AddAttributes([
                new("service.name", configuration["OTEL_SERVICE_NAME"] is { Length: > 0 } name ? name : DefaultServiceName),
                new("service.version", Version),
                new("service.instance.id", instanceId),
            ])
            .AddTelemetrySdk()
            .AddEnvironmentVariableDetector();
}
