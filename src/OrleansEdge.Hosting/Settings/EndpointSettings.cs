using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace OrleansEdge.Hosting.Settings;

/// <summary>The endpoints as they are set, in Kestrel's section of the configuration.</summary>
public static class EndpointSettings
{
    /// <summary>Section of the endpoints.</summary>
    public const string Section = "Kestrel:Endpoints";

    /// <summary>The setting that says where an endpoint listens, with a value.</summary>
    public static KeyValuePair<string, string?> Default(string name, string url) => new($"{Section}:{name}:Url", url);

    /// <summary>Names of the endpoints, in the order in which Kestrel opens them.</summary>
    public static IEnumerable<string> Names(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration.GetSection(Section).GetChildren().Select(endpoint => endpoint.Key);
    }

    /// <summary>Address of an endpoint as it is set, which a wildcard or port 0 may stand in; the endpoint must be there.</summary>
    public static BindingAddress Address(IConfiguration configuration, string name)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return BindingAddress.Parse(configuration[$"{Section}:{name}:Url"]!);
    }

    /// <summary>The same with a wildcard host written as an address. Kestrel takes every host that is neither an address nor <c>localhost</c> for a wildcard.</summary>
    public static Uri ListenUri(IConfiguration configuration, string name)
    {
        var address = Address(configuration, name);
        var isNamed = IPAddress.TryParse(address.Host.Trim('[', ']'), out _) || string.Equals(address.Host, "localhost", StringComparison.OrdinalIgnoreCase);
        return new UriBuilder(address.Scheme, isNamed ? address.Host : "[::]", address.Port).Uri;
    }
}
