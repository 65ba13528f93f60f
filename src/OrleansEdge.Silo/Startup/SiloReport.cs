using System.Net;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Silo.Endpoints;

namespace OrleansEdge.Silo.Startup;

/// <summary>What a start prints: which cluster this is, and where the silo listens.</summary>
internal static class SiloReport
{
    public static Task PrintAsync(IServiceProvider services)
    {
        var cluster = services.GetRequiredService<IOptions<ClusterOptions>>().Value;
        var endpoints = services.GetRequiredService<IOptions<EndpointOptions>>().Value;
        var redis = ClusterSettings.RedisOptions(services.GetRequiredService<IConfiguration>());
        return new StartReport(services, (SiloEndpoints.Admin, "admin"), (SiloEndpoints.Health, "health"))
            .Add("silo", $"{new IPEndPoint(endpoints.AdvertisedIPAddress, endpoints.SiloPort)}")
            .Add("gateways", $"{new IPEndPoint(endpoints.AdvertisedIPAddress, endpoints.GatewayPort)}")
            .Add("cluster", $"{cluster.ClusterId}, service {cluster.ServiceId}")
            .Add("redis", string.Join(", ", redis.EndPoints))
            .AddLine("Ready.")
            .PrintAsync();
    }
}
