using OrleansEdge.Cluster.Tests.Mesh;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>How <see cref="MeshProcesses"/> are started.</summary>
public sealed record MeshProcessesOptions
{
    /// <summary>How many silos. Default 3.</summary>
    public int Silos { get; init; } = 3;

    /// <summary>How many gateways. Default 3.</summary>
    public int Gateways { get; init; } = 3;

    /// <summary>What the last of the gateways is behind; default: nothing.</summary>
    public CuttableLink? Link { get; init; }

    /// <summary>Further settings of each silo.</summary>
    public IReadOnlyDictionary<string, string> SiloSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Further settings of each gateway.</summary>
    public IReadOnlyDictionary<string, string> GatewaySettings { get; init; } = new Dictionary<string, string>();
}

/// <summary>A whole mesh of processes: Redis, silos, gateways.</summary>
public sealed class MeshProcesses : IAsyncDisposable
{
    private readonly List<SiloProcess> _silos = [];
    private readonly List<GatewayProcess> _gateways = [];
    private readonly MeshProcessesOptions _options;

    private MeshProcesses(RedisServer redis, MeshProcessesOptions options) => (Redis, _options) = (redis, options);

    /// <summary>The Redis.</summary>
    public RedisServer Redis { get; }

    /// <summary>The silos, <c>silo-1</c> and so on.</summary>
    public IReadOnlyList<SiloProcess> Silos => _silos;

    /// <summary>The gateways, <c>gateway-1</c> and so on.</summary>
    public IReadOnlyList<GatewayProcess> Gateways => _gateways;

    /// <summary>Starts a mesh and waits until all of it is ready.</summary>
    /// <exception cref="TimeoutException">It did not become ready; the message holds the output of the process at fault.</exception>
    public static async Task<MeshProcesses> StartAsync(MeshProcessesOptions? options = null)
    {
        options ??= new();
        var mesh = new MeshProcesses(await RedisServer.StartAsync(options.Link?.MeshAddress), options);
        try
        {
            for (var i = 0; i < options.Silos; i++)
            {
                mesh.AddSilo();
            }

            // Before so many gateways take the processor from them, see SiloProcess.
            await Task.WhenAll(mesh.Silos.Select(static silo => silo.WaitUntilReadyAsync()));
            for (var i = 0; i < options.Gateways; i++)
            {
                mesh.AddGateway(i == options.Gateways - 1 ? options.Link : null);
            }

            await Task.WhenAll(mesh.Gateways.Select(static gateway => gateway.WaitUntilReadyAsync()));
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts one silo more; it is not ready yet.</summary>
    public SiloProcess AddSilo()
    {
        var silo = SiloProcess.Start(Redis, $"silo-{_silos.Count + 1}", SiloSettings());
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Starts one gateway more; it is not ready yet.</summary>
    /// <param name="link">What it is behind; default: nothing.</param>
    public GatewayProcess AddGateway(CuttableLink? link = null)
    {
        var gateway = GatewayProcess.Start(Redis, $"gateway-{_gateways.Count + 1}", _options.GatewaySettings, link);
        _gateways.Add(gateway);
        return gateway;
    }

    /// <summary>Everything that all of them printed, for messages.</summary>
    public string Transcript() => string.Join('\n', _silos.Concat<MeshProcess>(_gateways).Select(process => process.Process.Transcript()));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in _gateways.Concat<MeshProcess>(_silos))
        {
            await process.DisposeAsync();
        }

        await Redis.DisposeAsync();
    }

    private IReadOnlyDictionary<string, string> SiloSettings() => _options.Link is not { } link
        ? _options.SiloSettings
        : new Dictionary<string, string>(_options.SiloSettings) { ["Orleans:Endpoints:AdvertisedIPAddress"] = link.MeshAddress };
}
