using System.Globalization;
using OrleansEdge.Cluster.Tests.Processes;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>What gateways say of how long changes took to be in force: how many took at most so many seconds.</summary>
public sealed class PropagationHistogram
{
    private const string Bucket = "orleansedge_config_propagation_duration_seconds_bucket{";

    private readonly SortedDictionary<double, long> _atMost;

    private PropagationHistogram(SortedDictionary<double, long> atMost) => _atMost = atMost;

    /// <summary>How many were measured.</summary>
    public long Count => _atMost.GetValueOrDefault(double.PositiveInfinity);

    /// <summary>Adds up what gateways say now.</summary>
    public static async Task<PropagationHistogram> ReadAsync(IEnumerable<GatewayProcess> gateways)
    {
        using var http = new HttpClient();
        SortedDictionary<double, long> atMost = [];
        foreach (var gateway in gateways)
        {
            var page = await http.GetStringAsync(new Uri(gateway.Health, "/metrics"));
            foreach (var line in page.Split('\n').Where(static line => line.StartsWith(Bucket, StringComparison.Ordinal)))
            {
                var bound = BoundOf(line);
                atMost[bound] = atMost.GetValueOrDefault(bound) + ValueOf(line);
            }
        }

        return new(atMost);
    }

    /// <summary>What came since an earlier reading.</summary>
    public PropagationHistogram Since(PropagationHistogram earlier)
        => new(new(_atMost.ToDictionary(static pair => pair.Key, pair => pair.Value - earlier._atMost.GetValueOrDefault(pair.Key))));

    /// <summary>Upper bound in seconds of the bucket of a quantile.</summary>
    public double Quantile(double part) => _atMost.First(pair => pair.Value >= Count * part).Key;

    private static double BoundOf(string line)
    {
        const string Label = "le=\"";
        var start = line.IndexOf(Label, StringComparison.Ordinal) + Label.Length;
        var bound = line[start..line.IndexOf('"', start)];
        return bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture);
    }

    // "} 17" or "} 17 1764031000000", where a time stamp follows.
    private static long ValueOf(string line) => long.Parse(line[(line.IndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
}
