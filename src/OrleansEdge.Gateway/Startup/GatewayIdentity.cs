using Microsoft.Extensions.Options;
using OrleansEdge.Clustering.Gateways;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Gateway.Startup;

/// <summary>Who this process is, from its settings and its data directory.</summary>
internal sealed class GatewayIdentity(EdgeIdentity identity) : IGatewayNaming
{
    /// <inheritdoc/>
    public void Rename(string name) => identity.Rename(name);

    /// <summary>Makes the data directory where it is missing.</summary>
    /// <exception cref="StartFaultException">It cannot be made.</exception>
    public static void PrepareDirectory(IServiceProvider services)
    {
        var path = DataPath(services);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartFaultException(
                $"The data directory {path} cannot be made: {failure.Message.TrimEnd('.')}. Choose another with --Edge:DataDirectory=PATH.", failure);
        }
    }

    /// <summary>Makes the identity; the data directory must be there.</summary>
    public static EdgeIdentity Create(IServiceProvider services)
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        return new(
            ProcessName.Of(services.GetRequiredService<IOptions<ProcessOptions>>().Value, configuration, EdgeEndpoints.Edge),
            LoopToken(services, configuration[ClusterSettings.ServiceId]!),
            services.GetRequiredService<TimeProvider>().GetUtcNow(),
            TelemetryService.Version);
    }

    /// <summary>Where the last good config lies: gateways of one data directory have a file each, and a gateway that moves to another
    /// cluster takes none of its domains along.</summary>
    public static string LastGoodPath(IServiceProvider services)
    {
        var serviceId = services.GetRequiredService<IConfiguration>()[ClusterSettings.ServiceId]!;
        var name = services.GetRequiredService<EdgeIdentity>().Name;
        return Path.Combine(DataPath(services), $"last-good-{Uri.EscapeDataString(serviceId)}-{Uri.EscapeDataString(name)}.jsonl");
    }

    /// <summary>That of the cluster, so that a loop ends at the first gateway that sees a request again, whichever it is. A service id that
    /// many clusters have would make two of them in a row refuse each other; then the gateway has a token of its own, as it has where
    /// the id cannot stand in the field.</summary>
    private static string LoopToken(IServiceProvider services, string serviceId)
    {
        var token = services.GetRequiredService<IOptions<LoopOptions>>().Value.LoopToken;
        if (!string.IsNullOrWhiteSpace(token))
        {
            return token;
        }

        return serviceId != ClusterSettings.DefaultId && LoopOptions.IsToken(serviceId) ? serviceId : KeptId.In(DataPath(services), "loop-token", "edge-");
    }

    private static string DataPath(IServiceProvider services) => services.GetRequiredService<IOptions<DataOptions>>().Value.DataPath;
}
