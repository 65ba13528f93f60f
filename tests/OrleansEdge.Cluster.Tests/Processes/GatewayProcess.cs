using OrleansEdge.Cluster.Tests.Mesh;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>A gateway as a process of its own on free ports of 127.0.0.1, with a data directory of its own.</summary>
public sealed class GatewayProcess : MeshProcess
{
    private GatewayProcess(string name, Uri edge, Uri health, string dataDirectory, IEnumerable<KeyValuePair<string, string>> settings)
        : base(name, "src/OrleansEdge.Gateway", health, settings)
    {
        Edge = edge;
        DataDirectory = dataDirectory;
    }

    /// <summary>Where clients connect.</summary>
    public Uri Edge { get; }

    /// <summary>Where it keeps its spool and its last good config; deleted when this is disposed.</summary>
    public string DataDirectory { get; }

    /// <summary>Starts one; it is not ready yet.</summary>
    /// <param name="redis">Its Redis.</param>
    /// <param name="name">Its name.</param>
    /// <param name="settings">Further settings, such as <c>Edge:Drain:Delay</c>.</param>
    public static GatewayProcess Start(RedisServer redis, string name = "gateway", IReadOnlyDictionary<string, string>? settings = null)
    {
        var (edge, health) = (FreeAddress(), FreeAddress());
        var data = Directory.CreateTempSubdirectory("orleans-edge-gateway-").FullName;
        Dictionary<string, string> all = new(StringComparer.OrdinalIgnoreCase)
        {
            ["Edge:Name"] = name,
            ["Edge:DataDirectory"] = data,
            ["ConnectionStrings:Redis"] = redis.Address,
            ["Kestrel:Endpoints:Edge:Url"] = $"{edge}",
            ["Kestrel:Endpoints:Health:Url"] = $"{health}",
        };
        foreach (var (key, value) in settings ?? new Dictionary<string, string>())
        {
            all[key] = value;
        }

        return new(name, edge, health, data, all);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }
}
