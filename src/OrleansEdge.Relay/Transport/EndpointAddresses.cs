using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace OrleansEdge.Relay.Transport;

/// <summary>An endpoint that listens.</summary>
/// <param name="Name"><c>Edge</c>, <c>EdgeTls</c>, <c>Admin</c> or <c>Health</c>.</param>
/// <param name="Url">Its address as it was set (<c>http://*:8080</c>), with the real port where 0 was asked for.</param>
/// <param name="Port">The port.</param>
public sealed record EndpointAddress(string Name, string Url, int Port)
{
    internal bool IsTls => Url.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    internal bool IsForClients => Name is not (EdgeEndpoints.Admin or EdgeEndpoints.Health);
}

/// <summary>Where the endpoints listen. Thread safe once the server has started; before that the ports may still be 0.</summary>
public sealed class EndpointAddresses
{
    private static readonly List<string> Order = [.. EdgeEndpoints.Names];

    private readonly List<(string Name, BindingAddress Address, ListenOptions Bound)> _endpoints = [];

    /// <summary>The endpoints, in the order Edge, EdgeTls, Admin, Health.</summary>
    public IReadOnlyList<EndpointAddress> List() =>
        [.. _endpoints.Select(Describe).OrderBy(endpoint => Order.IndexOf(endpoint.Name))];

    internal void Add(string name, string url, ListenOptions bound) => _endpoints.Add((name, BindingAddress.Parse(url), bound));

    /// <summary>The endpoint that the server is about to bind, or null where it is none of the named ones. The server binds the
    /// very address object of an endpoint; only <c>localhost</c> becomes two, with one port that is never 0.</summary>
    internal EndpointAddress? Find(EndPoint address)
    {
        var port = (address as IPEndPoint)?.Port;
        return _endpoints
            .Where(endpoint => ReferenceEquals(endpoint.Bound.EndPoint, address)
                || (port != 0 && endpoint.Address.Port == port && IsLocalhost(endpoint.Address)))
            .Select(Describe)
            .FirstOrDefault();
    }

    private static bool IsLocalhost(BindingAddress address) => string.Equals(address.Host, "localhost", StringComparison.OrdinalIgnoreCase);

    private static EndpointAddress Describe((string Name, BindingAddress Address, ListenOptions Bound) endpoint)
    {
        var port = endpoint.Bound.IPEndPoint?.Port ?? endpoint.Address.Port;
        return new EndpointAddress(endpoint.Name, $"{endpoint.Address.Scheme}://{endpoint.Address.Host}:{port}", port);
    }
}
