using Microsoft.AspNetCore.Server.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OrleansEdge.Hosting.Settings;

namespace OrleansEdge.Silo.Endpoints;

/// <summary>The HTTP endpoints of a silo, in Kestrel's own configuration (section <c>Kestrel</c>) under two names.</summary>
internal static class SiloEndpoints
{
    /// <summary>The admin API, health and metrics. Default <c>http://127.0.0.1:8081</c>.</summary>
    public const string Admin = "Admin";

    /// <summary>Health and metrics and nothing else. No default.</summary>
    public const string Health = "Health";

    private const int MaxHeadBytes = 32 * 1024;
    private static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(10);
    private static readonly string[] Names = [Admin, Health];

    /// <summary>Every fault of the endpoint settings, one sentence each.</summary>
    public static IEnumerable<string> Faults(IConfiguration configuration)
        => configuration.GetSection(EndpointSettings.Section).GetChildren().Select(FaultOf).OfType<string>();

    /// <summary>Loads the endpoints and sets the limits.</summary>
    public static void Configure(KestrelServerOptions kestrel, IConfiguration configuration)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.RequestHeadersTimeout = HeadTimeout;
        kestrel.Limits.MaxRequestLineSize = MaxHeadBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadBytes;
        var loader = kestrel.Configure(configuration.GetSection("Kestrel"));
        foreach (var name in Names)
        {
            loader.Endpoint(name, endpoint => Prepare(endpoint, name));
        }
    }

    /// <summary>Name of the endpoint that a request came in by.</summary>
    public static string? NameOf(HttpContext context) => context.Features.Get<EndpointName>()?.Value;

    private static void Prepare(EndpointConfiguration endpoint, string name)
    {
        var feature = new EndpointName(name);
        endpoint.ListenOptions.Use(next => connection =>
        {
            connection.Features.Set(feature);
            return next(connection);
        });
        if (!endpoint.IsHttps && endpoint.ConfigSection["Protocols"] is null)
        {
            endpoint.ListenOptions.Protocols = HttpProtocols.Http1;
        }
    }

    private static string? FaultOf(IConfigurationSection endpoint)
    {
        var path = $"{EndpointSettings.Section}:{endpoint.Key}";
        if (!Names.Contains(endpoint.Key, StringComparer.OrdinalIgnoreCase))
        {
            return $"{path} is unknown; the endpoints are {string.Join(", ", Names)}.";
        }

        var url = endpoint["Url"];
        return IsAddress(url) ? null : $"{path}:Url is '{url}'; it must be a URL of an address and port, such as http://127.0.0.1:8081.";
    }

    private static bool IsAddress(string? url)
    {
        try
        {
            var address = BindingAddress.Parse(url ?? "");
            return address is { IsUnixPipe: false, IsNamedPipe: false, PathBase.Length: 0 }
                && address.Scheme.ToUpperInvariant() is "HTTP" or "HTTPS";
        }
        catch (Exception fault) when (fault is FormatException or ArgumentException)
        {
            return false;
        }
    }

    private sealed record EndpointName(string Value);
}
