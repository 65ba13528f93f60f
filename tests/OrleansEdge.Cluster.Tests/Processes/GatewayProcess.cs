using OrleansEdge.Cluster.Tests.Mesh;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>A gateway as a process of its own on free ports of 127.0.0.1 (behind a link: of its own address), with a data directory of its
/// own.</summary>
public sealed class GatewayProcess : MeshProcess
{
    private GatewayProcess(string name, Uri edge, Uri health, string dataDirectory, IEnumerable<KeyValuePair<string, string>> settings, CuttableLink? link)
        : base(name, "src/OrleansEdge.Gateway", health, settings, link?.Inside)
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
    /// <param name="link">What it is behind; default: nothing.</param>
    public static GatewayProcess Start(
        RedisServer redis, string name = "gateway", IReadOnlyDictionary<string, string>? settings = null, CuttableLink? link = null)
    {
        var (edge, health) = (FreeAddress(link?.GatewayAddress), FreeAddress(link?.GatewayAddress));
        var data = Directory.CreateTempSubdirectory("orleans-edge-gateway-").FullName;
        Dictionary<string, string> all = new(StringComparer.OrdinalIgnoreCase)
        {
            ["Edge:Name"] = name,
            ["Edge:DataDirectory"] = data,
            ["ConnectionStrings:Redis"] = link is null ? redis.Address : $"{link.MeshAddress}:{redis.Port}",
            ["Kestrel:Endpoints:Edge:Url"] = $"{edge}",
            ["Kestrel:Endpoints:Health:Url"] = $"{health}",
        };
        foreach (var (key, value) in settings ?? new Dictionary<string, string>())
        {
            all[key] = value;
        }

        return new(name, edge, health, data, all, link);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }
}
