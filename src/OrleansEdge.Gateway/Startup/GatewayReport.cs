using Microsoft.Extensions.Options;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Gateway.Startup;

/// <summary>What a start prints: where the gateway listens, where its data lies, and which cluster it belongs to.</summary>
internal static class GatewayReport
{
    public static Task PrintAsync(IServiceProvider services)
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        return new StartReport(services, (EdgeEndpoints.Edge, "edge"), (EdgeEndpoints.EdgeTls, "edge tls"), (EdgeEndpoints.Health, "health"))
            .Add("data", services.GetRequiredService<IOptions<DataOptions>>().Value.DataPath)
            .Add("cluster", $"{configuration[ClusterSettings.ClusterId]}, service {configuration[ClusterSettings.ServiceId]}")
            .Add("redis", string.Join(", ", ClusterSettings.RedisOptions(configuration).EndPoints))
            .AddLine("Started.")
            .PrintAsync();
    }
}
