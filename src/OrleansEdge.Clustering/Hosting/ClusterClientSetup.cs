using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace OrleansEdge.Clustering.Hosting;

/// <summary>Puts a client of the cluster into a host.</summary>
public static class ClusterClientSetup
{
    /// <summary>Adds an Orleans client that connects in the background, for as long as it takes: the host starts without a silo, and
    /// without Redis. <see cref="ClusterConnection"/> tells when calls can be made.</summary>
    /// <param name="services">Of the host.</param>
    /// <param name="configuration">The whole configuration, with the settings of <see cref="ClusterSettings"/>.</param>
    public static IServiceCollection AddClusterClient(this IServiceCollection services, IConfiguration configuration)
    {
        var redis = ClusterSettings.RedisOptions(configuration);
        var others = services.ToHashSet();
        services.AddOrleansClient(configuration, client => client
            .UseRedisClustering(clustering => clustering.ConfigurationOptions = redis)
            .Configure<ClientMessagingOptions>(Tune)
            // A gateway that a call could not be sent to is left alone for as long, and a silo that joins is found after it.
            .Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(2))
            .UseConnectionRetryFilter<PatientConnection>());
        StartInBackground(services, others);
        return services;
    }

    private static void Tune(ClientMessagingOptions messaging)
    {
        // A call to a silo that has just died may end by this and by nothing else (30 s by default). With the six seconds after which a
        // silo that hangs is declared dead it makes ten.
        messaging.ResponseTimeout = TimeSpan.FromSeconds(4);
    }

    /// <summary>Orleans would hold the start of the host up until a silo answers.</summary>
    private static void StartInBackground(IServiceCollection services, HashSet<ServiceDescriptor> others)
    {
        foreach (var hosted in services.Where(service => service.ServiceType == typeof(IHostedService) && !others.Contains(service)).ToList())
        {
            services.Remove(hosted);
        }

        services.AddSingleton<ClusterConnection>();
        services.AddHostedService(static provider => provider.GetRequiredService<ClusterConnection>());
    }
}
