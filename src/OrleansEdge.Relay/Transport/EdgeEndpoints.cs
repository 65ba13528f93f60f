using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace OrleansEdge.Relay.Transport;

/// <summary>The endpoints of the process, in Kestrel's own configuration (section <c>Kestrel</c>) under four names, and the limits
/// that hold on all of them.</summary>
public static class EdgeEndpoints
{
    /// <summary>Clients without TLS. Default <c>http://127.0.0.1:8080</c>.</summary>
    public const string Edge = "Edge";

    /// <summary>Clients with TLS, HTTP/1.1 and HTTP/2. No default.</summary>
    public const string EdgeTls = "EdgeTls";

    /// <summary>The admin API. Default <c>http://127.0.0.1:8081</c>.</summary>
    public const string Admin = "Admin";

    /// <summary>Health and metrics. No default: where it is not set they are on <see cref="Admin"/>.</summary>
    public const string Health = "Health";

    /// <summary>Limit of a request's line, and of its header fields: 32 KiB each.</summary>
    public const int MaxHeadBytes = 32 * 1024;

    /// <summary>How long the head of a request may take: 10 s.</summary>
    public static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(10);

    private const string EndpointsSection = "Kestrel:Endpoints";
    private const string StrictLinesSwitch = "Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators";

    internal static readonly IReadOnlyList<string> Names = [Edge, EdgeTls, Admin, Health];

    private static readonly Dictionary<string, string?> Defaults = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Endpoints:Edge:Url"] = "http://127.0.0.1:8080",
        ["Endpoints:Admin:Url"] = "http://127.0.0.1:8081",
    };

    /// <summary>Name of the endpoint that a request came in by (<see cref="Edge"/>, <see cref="EdgeTls"/>, <see cref="Admin"/>,
    /// <see cref="Health"/>), or null where the connection is not of the edge's transport.</summary>
    public static string? NameOf(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<IEdgeConnection>()?.Endpoint;
    }

    /// <summary>Every fault of the endpoint settings, as sentences for people; empty where all is well.</summary>
    /// <param name="configuration">The process's whole configuration.</param>
    /// <param name="names">The endpoints that the process may have; default: all four.</param>
    public static IReadOnlyList<string> Validate(IConfiguration configuration, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        names ??= Names;
        return [.. Merge(configuration, names).GetSection("Endpoints").GetChildren().Select(endpoint => FaultOf(endpoint, names)).OfType<string>()];
    }

    /// <summary>Loads the endpoints and sets the limits.</summary>
    /// <param name="kestrel">The server's options.</param>
    /// <param name="configuration">The process's whole configuration.</param>
    /// <param name="services">With what <see cref="EdgeTransport.UseEdgeTransport"/> has registered.</param>
    /// <param name="names">The endpoints that the process may have; default: all four.</param>
    /// <exception cref="OptionsValidationException">The settings have faults; all are listed.</exception>
    public static void Configure(
        KestrelServerOptions kestrel, IConfiguration configuration, IServiceProvider services, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        ArgumentNullException.ThrowIfNull(services);
        names ??= Names;
        var faults = Validate(configuration, names);
        if (faults.Count > 0)
        {
            throw new OptionsValidationException(EndpointsSection, typeof(KestrelServerOptions), faults);
        }

        SetLimits(kestrel);
        var loader = kestrel.Configure(Merge(configuration, names));
        foreach (var name in names)
        {
            loader.Endpoint(name, endpoint => Prepare(endpoint, name, services));
        }
    }

    private static IConfigurationRoot Merge(IConfiguration configuration, IReadOnlyList<string> names) => new ConfigurationBuilder()
        .AddInMemoryCollection(Defaults.Where(setting => names.Contains(setting.Key.Split(':')[1])))
        .AddConfiguration(configuration.GetSection("Kestrel"))
        .Build();

    private static string? FaultOf(IConfigurationSection endpoint, IReadOnlyList<string> names)
    {
        var path = $"{EndpointsSection}:{endpoint.Key}";
        if (!names.Contains(endpoint.Key, StringComparer.OrdinalIgnoreCase))
        {
            return $"{path} is unknown; the endpoints are {string.Join(", ", names)}.";
        }

        var url = endpoint["Url"];
        if (string.IsNullOrWhiteSpace(url))
        {
            return $"{path}:Url is missing.";
        }

        return Parse(url) is { } address ? FaultOf(endpoint.Key, path, url, address) : $"{path}:Url '{url}' is not a URL such as http://127.0.0.1:8080.";
    }

    private static string? FaultOf(string name, string path, string url, BindingAddress address)
    {
        if (address.IsUnixPipe || address.IsNamedPipe)
        {
            return $"{path}:Url '{url}' must be an address and port.";
        }

        if (address.PathBase.Length > 0)
        {
            return $"{path}:Url '{url}' must not have a path.";
        }

        var isTls = string.Equals(address.Scheme, "https", StringComparison.OrdinalIgnoreCase);
        if (!isTls && !string.Equals(address.Scheme, "http", StringComparison.OrdinalIgnoreCase))
        {
            return $"{path}:Url '{url}' must begin with http:// or https://.";
        }

        if (isTls && Is(name, Edge))
        {
            return $"{path}:Url '{url}' must begin with http://; the endpoint for TLS is {EdgeTls}.";
        }

        return !isTls && Is(name, EdgeTls)
            ? $"{path}:Url '{url}' must begin with https://; the endpoint without TLS is {Edge}."
            : null;
    }

    private static bool Is(string name, string other) => string.Equals(name, other, StringComparison.OrdinalIgnoreCase);

    private static BindingAddress? Parse(string url)
    {
        try
        {
            return BindingAddress.Parse(url);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static void SetLimits(KestrelServerOptions kestrel)
    {
        // Proxies and servers that disagree on where a line ends are how requests are smuggled (RFC 9112 section 2.2 permits both).
        AppContext.SetSwitch(StrictLinesSwitch, true);
        kestrel.AddServerHeader = false;
        // The authority of an absolute-form target wins over Host (RFC 9112 section 3.2.2), and the bytes of field values pass as they are.
        kestrel.AllowHostHeaderOverride = true;
        kestrel.RequestHeaderEncodingSelector = static name
            => name.Equals(HeaderNames.Connection, StringComparison.OrdinalIgnoreCase) ? ConnectionFieldEncoding.Instance : Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        var limits = kestrel.Limits;
        limits.RequestHeadersTimeout = HeadTimeout;
        limits.MaxRequestLineSize = MaxHeadBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeadBytes;
        limits.MaxRequestHeaderCount = 1024;
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.Http2.InitialStreamWindowSize = 128 * 1024;
        limits.Http2.InitialConnectionWindowSize = 1024 * 1024;
        limits.Http2.MaxStreamsPerConnection = 256;
        limits.Http2.MaxRequestHeaderFieldSize = MaxHeadBytes;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    private static void Prepare(EndpointConfiguration endpoint, string name, IServiceProvider services)
    {
        var listen = endpoint.ListenOptions;
        services.GetRequiredService<EndpointAddresses>().Add(name, endpoint.ConfigSection["Url"]!, listen);
        var isForClients = Is(name, Edge) || Is(name, EdgeTls);
        if (isForClients && services.GetRequiredService<IOptions<ClientAddressOptions>>().Value.RequiresProxyProtocol)
        {
            var proxies = services.GetRequiredService<TrustedProxies>();
            var time = services.GetRequiredService<TimeProvider>();
            var logger = services.GetRequiredService<ILogger<ProxyProtocolMiddleware>>();
            listen.Use(next => new ProxyProtocolMiddleware(next, proxies, time, logger).OnConnectionAsync);
        }

        if (!endpoint.IsHttps && endpoint.ConfigSection["Protocols"] is null)
        {
            listen.Protocols = HttpProtocols.Http1;
        }

        if (Is(name, EdgeTls))
        {
            var certificates = services.GetRequiredService<CertificateStore>();
            var logger = services.GetRequiredService<ILogger<EdgeTls>>();
            // Kestrel would serve a developer's certificate too, where it finds one.
            var hasOwn = endpoint.ConfigSection.GetSection("Certificate").Exists();
            var tls = new EdgeTls(certificates, hasOwn ? endpoint.HttpsOptions.ServerCertificate : null, listen.Protocols, logger);
            listen.UseHttps(tls.ToOptions());
        }
    }
}
