using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansEdge.Hosting.Startup;

namespace OrleansEdge.Clustering.Hosting;

/// <summary>Tells in a sentence that a port of the silo cannot be had, which Orleans does in a hundred lines. Registered before the silo.</summary>
internal sealed class SiloPortCheck(IOptions<EndpointOptions> options) : IHostedService
{
    /// <inheritdoc/>
    /// <exception cref="StartFaultException">A port cannot be had.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var endpoints = options.Value;
        Check(endpoints.SiloListeningEndpoint ?? new(endpoints.AdvertisedIPAddress, endpoints.SiloPort), nameof(endpoints.SiloPort));
        Check(endpoints.GatewayListeningEndpoint ?? new(endpoints.AdvertisedIPAddress, endpoints.GatewayPort), nameof(endpoints.GatewayPort));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void Check(IPEndPoint endpoint, string setting)
    {
        try
        {
            using var listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(endpoint);
            listener.Listen();
        }
        catch (SocketException failure)
        {
            throw new StartFaultException($"Cannot listen on {endpoint}: {Reason(failure, setting)}", failure);
        }
    }

    private static string Reason(SocketException failure, string setting) => failure.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"the port is already in use by another process. Choose another with --Orleans:Endpoints:{setting}=PORT.",
        SocketError.AddressNotAvailable => "the address is not of this machine. Set Orleans:Endpoints:AdvertisedIPAddress.",
        SocketError.AccessDenied => "this user may not open that port (ports below 1024 need a privilege).",
        _ => failure.Message,
    };
}
