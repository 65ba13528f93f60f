using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>How a client reaches an origin.</summary>
public enum Via
{
    /// <summary>Without the edge: the control that the two peers agree with each other.</summary>
    Nothing,

    /// <summary>Through the edge's plain endpoint.</summary>
    Edge,

    /// <summary>Through the edge's TLS endpoint.</summary>
    EdgeTls,
}

/// <summary>One edge for all tests that need nothing special of it, and a domain of its own for each of them.</summary>
public sealed class SharedEdge : IAsyncLifetime
{
    private const string Tenant = "acme";

    private readonly Lazy<Task<EdgeProcess>> _edge;
    private int _domains;

    public SharedEdge() => _edge = new(StartAsync);

    /// <summary>The authority that the peers trust.</summary>
    public TestCertificates Certificates { get; } = new();

    /// <summary>The edge; started with the first test that goes through it.</summary>
    public Task<EdgeProcess> GetAsync() => _edge.Value;

    /// <summary>Makes a way from a client to an origin on 127.0.0.1.</summary>
    /// <param name="via">Which way.</param>
    /// <param name="originPort">Port of the origin.</param>
    /// <param name="webSocket">Members of the domain's <c>webSocket</c>.</param>
    /// <param name="originTls">Members of the domain's <c>originTls</c>.</param>
    public async Task<Route> RouteAsync(Via via, int originPort, JsonObject? webSocket = null, JsonObject? originTls = null)
    {
        var domain = $"d{Interlocked.Increment(ref _domains)}.edge.test";
        if (via == Via.Nothing)
        {
            return new(domain, new($"http://{domain}:{originPort}"), null);
        }

        webSocket ??= [];
        webSocket.TryAdd("originProtocol", "http");
        var edge = await GetAsync();
        await edge.Admin.PutDomainAsync(domain, originPort, Tenant, webSocket, originTls);
        return new(domain, via == Via.Edge ? new($"http://{domain}:{edge.Edge.Port}") : new($"https://{domain}:{edge.EdgeTls!.Port}"), edge);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_edge.IsValueCreated && _edge.Value.IsCompletedSuccessfully)
        {
            await (await _edge.Value).DisposeAsync();
        }

        Certificates.Dispose();
    }

    private async Task<EdgeProcess> StartAsync()
    {
        var directory = Path.Combine(Certificates.Directory, "edge");
        Certificates.Issue(directory, "edge.test", "edge.test", "*.edge.test");
        var edge = await EdgeProcess.StartAsync(new() { CertificateDirectory = directory });
        await edge.Admin.PutTenantAsync(Tenant);
        return edge;
    }
}

/// <summary>All tests that share one edge; they run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class SharedEdgeCollection : ICollectionFixture<SharedEdge>
{
    public const string Name = "shared edge";
}

/// <summary>A way from a client to an origin.</summary>
/// <param name="Domain">Name of the domain, which every peer resolves to 127.0.0.1.</param>
/// <param name="Http">Address for plain requests, <c>http</c> or <c>https</c>.</param>
/// <param name="Edge">The edge on the way, or <see langword="null"/>.</param>
public sealed record Route(string Domain, Uri Http, EdgeProcess? Edge)
{
    /// <summary>A WebSocket URL.</summary>
    public string WebSocket(string pathAndQuery = "/")
        => new UriBuilder(new Uri(Http, pathAndQuery)) { Scheme = Http.Scheme == "https" ? "wss" : "ws" }.Uri.AbsoluteUri;

    /// <summary>Takes the domain's next entry of an event from the access log.</summary>
    public Task<JsonElement> WaitForAccessLogAsync(string name)
        => Edge!.WaitForAccessLogAsync(
            entry => entry.GetProperty("event").GetString() == name && entry.GetProperty("domain").GetString() == Domain,
            $"Access log entry \"{name}\" of {Domain}");

    /// <summary>Takes the domain's next closing from the access log and compares it; does nothing where no edge is on the way.</summary>
    /// <returns>The entry.</returns>
    public async Task<JsonElement> AssertEndAsync(string by, string cause, int clientCode, int originCode)
    {
        if (Edge is null)
        {
            return default;
        }

        var entry = await WaitForAccessLogAsync("close");
        Assert.Equal(
            (by, cause, clientCode, originCode),
            (entry.GetProperty("by").GetString()!, entry.GetProperty("cause").GetString()!, entry.GetProperty("clientCode").GetInt32(), entry.GetProperty("originCode").GetInt32()));
        return entry;
    }
}
