using Microsoft.Extensions.Options;
using OrleansEdge.Admin.Access;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Standalone.Demo;

namespace OrleansEdge.Standalone.Settings;

/// <summary>Which settings the standalone edge has.</summary>
internal static class EdgeSettings
{
    /// <summary>Text of <c>--help</c>.</summary>
    public const string Help = """
        OrleansEdge.Standalone: a WebSocket edge in one process.

        Settings are given as --Section:Key=value, as environment variables (Section__Key=value) or in appsettings.json
        beside the program. The usual ones:
          --Edge:DataDirectory=PATH                       where documents lie
          --Kestrel:Endpoints:Edge:Url=http://*:8080      where clients connect
          --Kestrel:Endpoints:EdgeTls:Url=https://*:8443  the same with TLS (certificates: --Edge:Certificates:Directory=PATH)
          --Kestrel:Endpoints:Admin:Url=http://127.0.0.1:8081
          --Edge:AccessLog:Path=FILE                      default: standard output
          --Edge:Demo:Enabled=false                       no demo on the first start
        """;

    /// <summary>All of them.</summary>
    public static ProcessSettings Process { get; } = new()
    {
        Schema = RelaySettings.Sections.Aggregate(
            new SettingsSchema()
                .Section<ProcessOptions>(ProcessOptions.Section)
                .Section<DataOptions>(ProcessOptions.Section)
                .Section<AdminOptions>(AdminOptions.Section)
                .Section<DemoOptions>("Edge:Demo"),
            (schema, section) => schema.Section(section.Section, section.Options)),
        Defaults =
        [
            EndpointSettings.Default(EdgeEndpoints.Edge, "http://127.0.0.1:8080"),
            EndpointSettings.Default(EdgeEndpoints.Admin, "http://127.0.0.1:8081"),
        ],
        FurtherFaults = configuration => EdgeEndpoints.Validate(configuration),
    };

    /// <summary>Binds the options that no other part binds.</summary>
    public static void AddEdgeOptions(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ProcessOptions>().Bind(configuration.GetSection(ProcessOptions.Section));
        services.AddOptions<DataOptions>().Bind(configuration.GetSection(ProcessOptions.Section));
        services.AddOptions<DemoOptions>().Bind(configuration.GetSection("Edge:Demo"));
        services.AddRelayOptions(configuration);
        services.AddOptions<MeteringOptions>().PostConfigure<IOptions<DataOptions>>((metering, data)
            => metering.SpoolDirectory = string.IsNullOrWhiteSpace(metering.SpoolDirectory) ? Path.Combine(data.Value.DataPath, "spool") : metering.SpoolDirectory);
    }
}
