using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansEdge.Hosting.Startup;

namespace OrleansEdge.Hosting.Settings;

/// <summary>Which settings an executable has, where they come from, and the check of all of them. Immutable.</summary>
public sealed class ProcessSettings
{
    /// <summary>Sections that the command line may set; the schema is that of the first.</summary>
    public IReadOnlyList<string> Sections { get; init; } = [ProcessOptions.Section, "Kestrel", "Logging"];

    /// <summary>Every setting of the section <c>Edge</c>.</summary>
    public required SettingsSchema Schema { get; init; }

    /// <summary>What holds where nothing is set and the options classes have no default: the endpoints.</summary>
    public required IReadOnlyList<KeyValuePair<string, string?>> Defaults { get; init; }

    /// <summary>Faults that the schema does not see, one sentence each.</summary>
    public required Func<IConfiguration, IEnumerable<string>> FurtherFaults { get; init; }

    /// <summary>Reads <c>appsettings.json</c> beside the program, the environment and the command line; later ones win.</summary>
    /// <returns>The faults of what was read, one sentence each.</returns>
    public IReadOnlyList<string> Load(ConfigurationManager configuration, string[] args)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        configuration.AddInMemoryCollection(Defaults);
        configuration.AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true, reloadOnChange: false);
        configuration.AddEnvironmentVariables();
        var faults = CommandLine.Check(args, Sections).ToList();
        if (faults.Count == 0)
        {
            configuration.AddCommandLine(args);
        }

        var verdict = Schema.Check(configuration, ProcessOptions.Section);
        faults.AddRange(verdict.Faults);
        configuration.AddInMemoryCollection(verdict.Normalized);
        faults.AddRange(FurtherFaults(configuration));
        return faults;
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
}
