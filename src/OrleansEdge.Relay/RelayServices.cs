using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Telemetry;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay;

/// <summary>Puts the relay into a host.</summary>
public static class RelayServices
{
    /// <summary>Adds the relay. The host adds <see cref="IDomainSource"/>, <see cref="IUsageSink"/>, where gateways share limits <see cref="ISharedLimits"/>,
    /// <see cref="EdgeIdentity"/> and the options' values.</summary>
    public static IServiceCollection AddRelay(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpForwarder();
        services.AddSingleton<RelayMetrics>();
        services.AddSingleton<AccessLog>();
        services.AddSingleton<UsageSpool>();
        services.AddHostedService<UsageReporter>();
        services.AddSingleton<SessionRegistry>();
        services.AddSingleton<SessionHost>();
        services.AddSingleton<DrainCoordinator>();
        services.AddHostedService(static provider => provider.GetRequiredService<DrainCoordinator>());
        services.AddSingleton(static provider => new ForwardedHeaders(
            provider.GetRequiredService<EdgeIdentity>().LoopToken, provider.GetRequiredService<TrustedProxies>().Contains));
        services.AddSingleton<OriginConnector>();
        services.AddSingleton<HttpForwarding>();
        services.AddSingleton<Admission.Admission>();
        services.AddSingleton<WebSocketHandler>();
        services.AddSingleton<EdgeRequestHandler>();
        services.AddSingleton<IGatewayOperations, LocalGateway>();
        return services;
    }

    /// <summary>Opens what can fail in a way that a person can mend, before anything listens, and has the threads made that are wanted.</summary>
    /// <exception cref="IOException">The access log cannot be opened.</exception>
    public static void PrepareRelay(this IServiceProvider services)
    {
        if (services.GetRequiredService<IOptions<RelayOptions>>().Value.Threads is > 0 and var threads)
        {
            ThreadPool.GetMinThreads(out _, out var completion);
            ThreadPool.SetMinThreads(threads, completion);
        }

        services.GetRequiredService<AccessLog>();
    }

    /// <summary>Answers every request that comes to this branch of the pipeline as an edge does.</summary>
    public static IApplicationBuilder UseRelay(this IApplicationBuilder app)
    {
        var handler = app.ApplicationServices.GetRequiredService<EdgeRequestHandler>();
        app.Run(handler.HandleAsync);
        return app;
    }
}
