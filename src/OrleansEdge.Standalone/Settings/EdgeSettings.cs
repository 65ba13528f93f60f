using Microsoft.Extensions.Options;
using OrleansEdge.Admin.Access;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Telemetry;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Standalone.Demo;
using OrleansEdge.Standalone.Startup;

namespace OrleansEdge.Standalone.Settings;

/// <summary>Where settings come from, which there are, and the check of all of them.</summary>
internal static class EdgeSettings
{
    /// <summary>Every setting of the section <c>Edge</c>.</summary>
    public static SettingsSchema Schema { get; } = new SettingsSchema()
        .Section<EdgeOptions>(EdgeOptions.Section)
        .Section<ClientAddressOptions>(EdgeOptions.Section)
        .Section<AccessLogOptions>("Edge:AccessLog")
        .Section<AdminOptions>(AdminOptions.Section)
        .Section<CertificateOptions>("Edge:Certificates")
        .Section<DemoOptions>("Edge:Demo")
        .Section<DrainOptions>("Edge:Drain")
        .Section<LimitOptions>("Edge:Limits")
        .Section<MeteringOptions>("Edge:Metering")
        .Section<OriginOptions>("Edge:Origin");

    /// <summary>Reads <c>appsettings.json</c> beside the program, the environment and the command line; later ones win.</summary>
    /// <returns>The faults of what was read, one sentence each.</returns>
    public static List<string> Load(ConfigurationManager configuration, string[] args)
    {
        configuration.AddInMemoryCollection(EndpointSettings.Defaults);
        configuration.AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true, reloadOnChange: false);
        configuration.AddEnvironmentVariables();
        var faults = CommandLine.Check(args).ToList();
        if (faults.Count == 0)
        {
            configuration.AddCommandLine(args);
        }

        var verdict = Schema.Check(configuration, EdgeOptions.Section);
        faults.AddRange(verdict.Faults);
        configuration.AddInMemoryCollection(verdict.Normalized);
        faults.AddRange(EdgeEndpoints.Validate(configuration));
        return faults;
    }

    /// <summary>Binds the options that no other part binds, and has them checked at the start.</summary>
    public static void AddEdgeOptions(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddChecked<EdgeOptions>(configuration.GetSection(EdgeOptions.Section), options => options.Validate());
        services.AddChecked<DrainOptions>(configuration.GetSection("Edge:Drain"), options => options.Validate());
        services.AddChecked<LimitOptions>(configuration.GetSection("Edge:Limits"), options => options.Validate());
        services.AddChecked<MeteringOptions>(configuration.GetSection("Edge:Metering"), options => options.Validate());
        services.AddOptions<MeteringOptions>().PostConfigure<IOptions<EdgeOptions>>((metering, edge)
            => metering.SpoolDirectory = string.IsNullOrWhiteSpace(metering.SpoolDirectory) ? Path.Combine(edge.Value.DataPath, "spool") : metering.SpoolDirectory);
        services.AddChecked<OriginOptions>(configuration.GetSection("Edge:Origin"), options => options.Validate());
        services.AddOptions<AccessLogOptions>().Bind(configuration.GetSection("Edge:AccessLog"));
        services.AddOptions<DemoOptions>().Bind(configuration.GetSection("Edge:Demo"));
    }

    /// <summary>Checks every option, so that all faults can be told at once.</summary>
    /// <exception cref="StartFaultException">There are faults, <paramref name="found"/> or new ones.</exception>
    public static void Check(IServiceProvider services, IReadOnlyList<string> found)
    {
        var faults = found.ToList();
        try
        {
            services.GetRequiredService<IStartupValidator>().Validate();
        }
        catch (Exception failure) when (StartFaults.Explain(failure) is { } fault)
        {
            // Where a value has already been found not to fit, the binder says so once more.
            if (faults.Count == 0 || failure is OptionsValidationException or AggregateException)
            {
                faults.Add(fault.Message);
            }
        }

        if (faults.Count > 0)
        {
            throw new StartFaultException(faults);
        }
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
