using Microsoft.Extensions.Options;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Standalone.Startup;

/// <summary>Who this process is, from its settings and its data directory.</summary>
internal static class EdgeIdentities
{
    /// <summary>Makes the identity; the loop token's file is written where it is wanted and missing, so the data directory must be this process's own.</summary>
    public static EdgeIdentity Create(IServiceProvider services, string dataDirectory)
        => new(
            ProcessName.Of(services.GetRequiredService<IOptions<ProcessOptions>>().Value, services.GetRequiredService<IConfiguration>(), EdgeEndpoints.Edge),
            services.GetRequiredService<IOptions<LoopOptions>>().Value.LoopToken is { } token && !string.IsNullOrWhiteSpace(token)
                ? token
                : KeptId.In(dataDirectory, "loop-token", "edge-"),
            services.GetRequiredService<TimeProvider>().GetUtcNow(),
            TelemetryService.Version);
}
