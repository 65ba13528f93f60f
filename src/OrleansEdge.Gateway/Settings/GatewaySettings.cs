using Microsoft.Extensions.Options;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Gateway.Settings;

/// <summary>Which settings a gateway has.</summary>
internal static class GatewaySettings
{
    /// <summary>Text of <c>--help</c>.</summary>
    public const string Help = """
        OrleansEdge.Gateway: a WebSocket edge whose domains and usage are kept by a cluster of silos.

        Settings are given as --Section:Key=value, as environment variables (Section__Key=value) or in appsettings.json
        beside the program. The usual ones:
          --ConnectionStrings:Redis=HOST:PORT             default: 127.0.0.1:6379
          --Orleans:ClusterId=NAME --Orleans:ServiceId=NAME    as the silos have them; default of both: orleansedge
          --Edge:DataDirectory=PATH                       where usage lies until it is reported, and the last good config
          --Kestrel:Endpoints:Edge:Url=http://*:8080      where clients connect
          --Kestrel:Endpoints:EdgeTls:Url=https://*:8443  the same with TLS (certificates: --Edge:Certificates:Directory=PATH)
          --Kestrel:Endpoints:Health:Url=http://127.0.0.1:8082
          --Edge:AccessLog:Path=FILE                      default: standard output
        """;

    /// <summary>Names of the endpoints that a gateway may have.</summary>
    public static IReadOnlyList<string> Endpoints { get; } = [EdgeEndpoints.Edge, EdgeEndpoints.EdgeTls, EdgeEndpoints.Health];

    /// <summary>All of them.</summary>
    public static ProcessSettings Process { get; } = new()
    {
        Sections = [ProcessOptions.Section, "Kestrel", "Logging", .. ClusterSettings.Sections],
        Schema = RelaySettings.Sections.Aggregate(
            new SettingsSchema().Section<ProcessOptions>(ProcessOptions.Section).Section<DataOptions>(ProcessOptions.Section),
            static (schema, section) => schema.Section(section.Section, section.Options)),
        Defaults =
        [
            EndpointSettings.Default(EdgeEndpoints.Edge, "http://127.0.0.1:8080"),
            EndpointSettings.Default(EdgeEndpoints.Health, "http://127.0.0.1:8082"),
            .. ClusterSettings.ClientDefaults,
        ],
        FurtherFaults = static configuration => EdgeEndpoints.Validate(configuration, Endpoints).Concat(ClusterSettings.ClientFaults(configuration)),
    };

    /// <summary>Binds the options that no other part binds.</summary>
    public static void AddGatewayOptions(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ProcessOptions>().Bind(configuration.GetSection(ProcessOptions.Section));
        services.AddOptions<DataOptions>().Bind(configuration.GetSection(ProcessOptions.Section));
        services.AddRelayOptions(configuration);
        services.AddOptions<MeteringOptions>().PostConfigure<IOptions<DataOptions>>((metering, data)
            => metering.SpoolDirectory = string.IsNullOrWhiteSpace(metering.SpoolDirectory) ? Path.Combine(data.Value.DataPath, "spool") : metering.SpoolDirectory);
    }
}
