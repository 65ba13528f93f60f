using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Telemetry;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay;

/// <summary>The settings of the relay.</summary>
public static class RelaySettings
{
    private const string Edge = "Edge";
    private static readonly TimeSpan AfterDrain = TimeSpan.FromSeconds(10);

    /// <summary>Every class of options with the section that it is bound to.</summary>
    public static IReadOnlyList<(string Section, Type Options)> Sections { get; } =
    [
        (Edge, typeof(ClientAddressOptions)),
        (Edge, typeof(LoopOptions)),
        ("Edge:AccessLog", typeof(AccessLogOptions)),
        ("Edge:Certificates", typeof(CertificateOptions)),
        ("Edge:Drain", typeof(DrainOptions)),
        ("Edge:Limits", typeof(LimitOptions)),
        ("Edge:Metering", typeof(MeteringOptions)),
        ("Edge:Origin", typeof(OriginOptions)),
        ("Edge:Relay", typeof(RelayOptions)),
    ];

    /// <summary>Binds the options that the transport does not bind, has them checked at the start, and gives the host the time that a
    /// drain takes. The host says where the spool lies where that is not set.</summary>
    public static IServiceCollection AddRelayOptions(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddChecked<LoopOptions>(configuration.GetSection(Edge), options => options.Validate());
        services.AddChecked<RelayOptions>(configuration.GetSection("Edge:Relay"), options => options.Validate());
        services.AddChecked<DrainOptions>(configuration.GetSection("Edge:Drain"), options => options.Validate());
        services.AddChecked<LimitOptions>(configuration.GetSection("Edge:Limits"), options => options.Validate());
        services.AddChecked<MeteringOptions>(configuration.GetSection("Edge:Metering"), options => options.Validate());
        services.AddChecked<OriginOptions>(configuration.GetSection("Edge:Origin"), options => options.Validate());
        services.AddOptions<AccessLogOptions>().Bind(configuration.GetSection("Edge:AccessLog"));
        services.AddOptions<HostOptions>().Configure<IOptions<DrainOptions>>((host, drain)
            => host.ShutdownTimeout = drain.Value.Delay + drain.Value.Window + drain.Value.Grace + AfterDrain);
        return services;
    }

    private static void AddChecked<T>(this IServiceCollection services, IConfigurationSection section, Func<T, IEnumerable<string>> faults)
        where T : class
    {
        services.AddOptions<T>().Bind(section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<T>>(new Validator<T>(faults));
    }

    private sealed class Validator<T>(Func<T, IEnumerable<string>> faults) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options)
        {
            var found = faults(options).ToList();
            return found.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(found);
        }
    }
}
