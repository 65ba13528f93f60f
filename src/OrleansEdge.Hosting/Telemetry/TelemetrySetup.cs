using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansEdge.Hosting.Telemetry;

/// <summary>Puts metrics into a host.</summary>
public static class TelemetrySetup
{
    /// <summary>Collects metrics, for <c>/metrics</c> and by OTLP.</summary>
    /// <param name="services">Of the host.</param>
    /// <param name="name">Name of the process.</param>
    /// <param name="furtherMeters">Meters beside those that every executable has.</param>
    public static IServiceCollection AddTelemetry(
        this IServiceCollection services, Func<IServiceProvider, string> name, params IReadOnlyList<string> furtherMeters)
    {
        services.AddSingleton<PrometheusExporter>();
        services.AddSingleton<TelemetryFaults>();
        return services.AddHostedService(provider => new TelemetryService(
            provider.GetRequiredService<IConfiguration>(),
            provider.GetRequiredService<PrometheusExporter>(),
            provider.GetRequiredService<TelemetryFaults>(),
            name(provider),
            furtherMeters));
    }
}
