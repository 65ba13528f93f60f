using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>A silo as a process of its own on free ports of 127.0.0.1.</summary>
public sealed class SiloProcess : MeshProcess
{
    // Silos that start are not to take from the gateways what they would have on machines of their own.
    private static readonly string[] AtLowerPriority = ["nice", "-n", "10"];

    private SiloProcess(string name, Uri admin, int siloPort, int gatewayPort, IEnumerable<KeyValuePair<string, string>> settings)
        : base(name, "src/OrleansEdge.Silo", admin, settings, AtLowerPriority)
    {
        SiloPort = siloPort;
        GatewayPort = gatewayPort;
        Admin = new(admin);
    }

    /// <summary>Its admin API.</summary>
    public EdgeAdmin Admin { get; }

    /// <summary>Port for silos.</summary>
    public int SiloPort { get; }

    /// <summary>Port for gateways.</summary>
    public int GatewayPort { get; }

    /// <summary>Starts one; it is not ready yet.</summary>
    /// <param name="redis">Its Redis.</param>
    /// <param name="name">Its name.</param>
    /// <param name="settings">Further settings, such as <c>Edge:Limits:MaxTimeoutSeconds</c>.</param>
    public static SiloProcess Start(RedisServer redis, string name = "silo", IReadOnlyDictionary<string, string>? settings = null)
    {
        var admin = FreeAddress();
        var (silo, gateway) = (FreePort.Find(), FreePort.Find());
        Dictionary<string, string> all = new(StringComparer.OrdinalIgnoreCase)
        {
            ["Edge:Name"] = name,
            ["ConnectionStrings:Redis"] = redis.Address,
            ["Orleans:Endpoints:SiloPort"] = $"{silo}",
            ["Orleans:Endpoints:GatewayPort"] = $"{gateway}",
            ["Kestrel:Endpoints:Admin:Url"] = $"{admin}",
        };
        foreach (var (key, value) in settings ?? new Dictionary<string, string>())
        {
            all[key] = value;
        }

        return new(name, admin, silo, gateway, all);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        await base.DisposeAsync();
    }
}
