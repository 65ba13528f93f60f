using OrleansEdge.Admin.Access;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Model;
using OrleansEdge.Silo.Endpoints;

namespace OrleansEdge.Silo.Settings;

/// <summary>Which settings a silo has.</summary>
internal static class SiloSettings
{
    /// <summary>Text of <c>--help</c>.</summary>
    public const string Help = """
        OrleansEdge.Silo: a member of the cluster that gateways belong to, with the admin API.

        Settings are given as --Section:Key=value, as environment variables (Section__Key=value) or in appsettings.json
        beside the program. The usual ones:
          --ConnectionStrings:Redis=HOST:PORT                  default: 127.0.0.1:6379
          --Orleans:Endpoints:AdvertisedIPAddress=ADDRESS      where other members reach this one; default: 127.0.0.1
          --Orleans:Endpoints:SiloPort=11111                   for silos
          --Orleans:Endpoints:GatewayPort=30000                for gateways
          --Orleans:ClusterId=NAME --Orleans:ServiceId=NAME    default of both: orleansedge
          --Kestrel:Endpoints:Admin:Url=http://127.0.0.1:8081  the admin API
        """;

    private const string UsageSection = "Edge:Metering";

    /// <summary>All of them.</summary>
    public static ProcessSettings Process { get; } = new()
    {
        Sections = [ProcessOptions.Section, "Kestrel", "Logging", .. ClusterSettings.Sections],
        Schema = new SettingsSchema()
            .Section<ProcessOptions>(ProcessOptions.Section)
            .Section<AdminOptions>(AdminOptions.Section)
            .Section<SiloLimitOptions>(SiloLimitOptions.Section)
            .Section<UsageGrainOptions>(UsageSection),
        Defaults = [EndpointSettings.Default(SiloEndpoints.Admin, "http://127.0.0.1:8081"), .. ClusterSettings.SiloDefaults],
        FurtherFaults = static configuration =>
            [.. SiloEndpoints.Faults(configuration), .. ClusterSettings.SiloFaults(configuration), .. Limits(configuration).Validate(), .. Usage(configuration).Validate()],
    };

    /// <summary>Bounds for new documents.</summary>
    public static DocumentLimits DocumentLimits(IConfiguration configuration) => new() { MaxTimeoutSeconds = Limits(configuration).MaxTimeoutSeconds };

    /// <summary>Binds the options that no other part binds.</summary>
    public static void AddSiloOptions(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ProcessOptions>().Bind(configuration.GetSection(ProcessOptions.Section));
        services.AddOptions<UsageGrainOptions>().Bind(configuration.GetSection(UsageSection));
    }

    private static UsageGrainOptions Usage(IConfiguration configuration) => configuration.GetSection(UsageSection).Get<UsageGrainOptions>() ?? new();

    private static SiloLimitOptions Limits(IConfiguration configuration) => configuration.GetSection(SiloLimitOptions.Section).Get<SiloLimitOptions>() ?? new();
}

/// <summary>Limits of what is configured through this silo, section <c>Edge:Limits</c>.</summary>
internal sealed class SiloLimitOptions
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Edge:Limits";

    /// <summary>Upper bound of a domain's <c>timeoutSeconds</c>: 1–86400. Default 300. The same on all silos.</summary>
    public int MaxTimeoutSeconds { get; set; } = 300;

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        if (MaxTimeoutSeconds is < 1 or > 86400)
        {
            yield return $"Edge:Limits:MaxTimeoutSeconds is {MaxTimeoutSeconds}; it must be 1 to 86400.";
        }
    }
}
