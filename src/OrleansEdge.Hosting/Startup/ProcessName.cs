using System.Globalization;
using Microsoft.Extensions.Configuration;
using OrleansEdge.Hosting.Settings;

namespace OrleansEdge.Hosting.Startup;

/// <summary>What a process is called in lists, logs and telemetry.</summary>
public static class ProcessName
{
    /// <summary>The name that is set, else machine and port.</summary>
    /// <param name="options">Where it may be set.</param>
    /// <param name="configuration">Where the endpoints are set.</param>
    /// <param name="endpoint">The endpoint whose port tells this process from others of the machine.</param>
    public static string Of(ProcessOptions options, IConfiguration configuration, string endpoint)
    {
        ArgumentNullException.ThrowIfNull(options);
        return string.IsNullOrWhiteSpace(options.Name) ? Default(EndpointSettings.Address(configuration, endpoint).Port) : options.Name;
    }

    /// <summary>A port that the kernel is yet to choose tells nothing apart; the process id does.</summary>
    private static string Default(int port)
        => string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}-{(port == 0 ? Environment.ProcessId : port)}");
}
