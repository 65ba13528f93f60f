using System.Globalization;
using System.Security.Cryptography;
using OrleansEdge.Relay;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Standalone.Settings;
using OrleansEdge.Standalone.Telemetry;

namespace OrleansEdge.Standalone.Startup;

/// <summary>Who this process is, from its settings and its data directory.</summary>
internal static class EdgeIdentities
{
    private const string LoopTokenFile = "loop-token";

    /// <summary>Makes the identity; the loop token's file is written where it is wanted and missing, so the data directory must be this process's own.</summary>
    public static EdgeIdentity Create(string dataDirectory, EdgeOptions options, IConfiguration configuration, TimeProvider time)
        => new(
            string.IsNullOrWhiteSpace(options.Name) ? DefaultName(configuration) : options.Name,
            string.IsNullOrWhiteSpace(options.LoopToken) ? KeptToken(dataDirectory) : options.LoopToken,
            time.GetUtcNow(),
            TelemetryService.Version);

    /// <summary>A port that the kernel is yet to choose tells nothing apart; the process id does.</summary>
    private static string DefaultName(IConfiguration configuration)
    {
        var port = EndpointSettings.Address(configuration, EdgeEndpoints.Edge).Port;
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}-{(port == 0 ? Environment.ProcessId : port)}");
    }

    private static string KeptToken(string dataDirectory)
    {
        var file = Path.Combine(dataDirectory, LoopTokenFile);
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } kept)
        {
            return kept;
        }

        var fresh = "edge-" + RandomNumberGenerator.GetHexString(16, lowercase: true);
        File.WriteAllText(file, fresh + "\n");
        return fresh;
    }
}
