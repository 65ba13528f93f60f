using System.Net;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Standalone.Settings;

/// <summary>The endpoints as they are set, in Kestrel's section of the configuration.</summary>
internal static class EndpointSettings
{
    /// <summary>Section of the endpoints.</summary>
    public const string Section = "Kestrel:Endpoints";

    /// <summary>What holds where nothing is set.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Defaults { get; } =
    [
        new($"{Section}:{EdgeEndpoints.Edge}:Url", "http://127.0.0.1:8080"),
        new($"{Section}:{EdgeEndpoints.Admin}:Url", "http://127.0.0.1:8081"),
    ];

    /// <summary>Names of the endpoints, in the order in which Kestrel opens them.</summary>
    public static IEnumerable<string> Names(IConfiguration configuration) => configuration.GetSection(Section).GetChildren().Select(endpoint => endpoint.Key);

    /// <summary>Address of an endpoint as it is set, which a wildcard or port 0 may stand in; the endpoint must be there.</summary>
    public static BindingAddress Address(IConfiguration configuration, string name) => BindingAddress.Parse(configuration[$"{Section}:{name}:Url"]!);

    /// <summary>The same with a wildcard host written as an address. Kestrel takes every host that is neither an address nor <c>localhost</c> for a wildcard.</summary>
    public static Uri ListenUri(IConfiguration configuration, string name)
    {
        var address = Address(configuration, name);
        var isNamed = IPAddress.TryParse(address.Host.Trim('[', ']'), out _) || string.Equals(address.Host, "localhost", StringComparison.OrdinalIgnoreCase);
        return new UriBuilder(address.Scheme, isNamed ? address.Host : "[::]", address.Port).Uri;
    }
}
