using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Transport;

/// <summary>Puts the edge's own socket transport under Kestrel.</summary>
public static class EdgeTransport
{
    /// <summary>Registers the transport for every TCP endpoint, and the services that the endpoints need: certificates, trusted
    /// proxies and the descriptor budget. Kestrel's stock transport stays for what is not TCP.</summary>
    public static IWebHostBuilder UseEdgeTransport(this IWebHostBuilder host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.ConfigureServices((context, services) =>
        {
            services.TryAddSingleton(TimeProvider.System);
            services.TryAddSingleton<EndpointAddresses>();
            services.TryAddSingleton<DescriptorBudget>();
            services.TryAddSingleton<DescriptorReserve>();
            services.TryAddSingleton<LingeringClose>();
            services.TryAddSingleton<OverloadRefusal>();
            services.TryAddSingleton<Descriptors>();
            services.AddSingleton<IConnectionListenerFactory, EdgeListenerFactory>();
            ClientAddressOptions.AddTo(services, context.Configuration);
            CertificateOptions.AddTo(services, context.Configuration);
            services.TryAddSingleton<TrustedProxies>();
            services.TryAddSingleton<CertificateStore>();
            services.AddHostedService(provider => provider.GetRequiredService<CertificateStore>());
        });
    }
}

/// <summary>Makes the listeners. The last factory registered is the first that Kestrel asks.</summary>
internal sealed class EdgeListenerFactory(
    IMemoryPoolFactory<byte> pools,
    LingeringClose lingering,
    Descriptors descriptors,
    EndpointAddresses endpoints,
    TimeProvider time,
    ILogger<EdgeListenerFactory> logger) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly MemoryPool<byte> _pool = pools.Create();

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var services = new EdgeConnectionServices(_pool, lingering, time, logger);
        var named = endpoints.Find(endpoint) ?? new EndpointAddress("", "", 0);
        return ValueTask.FromResult<IConnectionListener>(EdgeListener.Bind((IPEndPoint)endpoint, named, services, descriptors));
    }

    public void Dispose() => _pool.Dispose();
}
