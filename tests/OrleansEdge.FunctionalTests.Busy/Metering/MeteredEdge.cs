using System.Globalization;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>The edge that tests of metering share, apart from all others: they load it.</summary>
public static class MeteredEdge
{
    private static readonly Lazy<Task<EdgeProcess>> Process = new(StartAsync);
    private static int _lastTenant;

    /// <summary>How often it reports.</summary>
    public static TimeSpan ReportInterval { get; } = TimeSpan.FromSeconds(1);

    /// <summary>When what has passed must be on the bill: within one report interval and a second; how late the machine is comes on top.</summary>
    public static TimeSpan Soon => ReportInterval + TimeSpan.FromSeconds(1) + Metronome.Lateness;

    /// <summary>The same where several reports are needed.</summary>
    public static TimeSpan Eventually => Soon + ReportInterval;

    public static string Setting => $"Edge:Metering:ReportInterval={ReportInterval}";

    public static Task<EdgeProcess> GetAsync() => Process.Value;

    /// <summary>A tenant that no other test uses.</summary>
    public static async Task<string> NewTenantAsync(EdgeProcess edge)
    {
        ArgumentNullException.ThrowIfNull(edge);
        var tenant = NewTenant();
        await edge.Admin.PutTenantAsync(tenant);
        return tenant;
    }

    public static string NewTenant() => string.Create(CultureInfo.InvariantCulture, $"metered-{Interlocked.Increment(ref _lastTenant)}");

    /// <summary>The seed of a test's traffic: the variable <c>ORLEANSEDGE_TEST_SEED</c>, or a random one, which the test prints.</summary>
    public static int NewSeed()
        => int.TryParse(Environment.GetEnvironmentVariable("ORLEANSEDGE_TEST_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : Random.Shared.Next();

    private static async Task<EdgeProcess> StartAsync()
    {
        var edge = await EdgeProcess.StartAsync([Setting]);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => edge.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return edge;
    }
}
