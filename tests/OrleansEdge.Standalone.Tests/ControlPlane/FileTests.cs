using System.Text;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

/// <summary>A control plane on files with one tenant, and short words for what a person does to the files.</summary>
public abstract class FileTests : IAsyncLifetime
{
    protected const string Chat = "chat.example.com";

    private protected FileHarness Harness { get; } = new(start: false);

    private protected FileControlPlane Plane => Harness.Plane;

    private protected static CancellationToken None => CancellationToken.None;

    public virtual async Task InitializeAsync()
    {
        Harness.Start();
        await PutTenantAsync("acme");
    }

    public virtual async Task DisposeAsync() => await Harness.DisposeAsync();

    protected static string Document(string name = Chat, int timeoutSeconds = 60, string tenant = "acme")
        => $$"""{ "domain": "{{name}}", "tenant": "{{tenant}}", "origins": [ { "address": "10.0.0.5" } ], "webSocket": { "timeoutSeconds": {{timeoutSeconds}} } }""";

    protected string DomainFile(string stem = Chat) => Harness.PathOf("domains", $"{stem}.json");

    protected void WriteByHand(string text, string stem = Chat) => File.WriteAllText(DomainFile(stem), text);

    /// <summary>Lets the periodic scan run.</summary>
    protected void Scan() => Harness.Time.Advance(TimeSpan.FromSeconds(1));

    private protected Task<ControlResult<PutOutcome<DomainConfig>>> TryPutAsync(int timeoutSeconds, Precondition precondition = default)
        => Plane.Domains.PutAsync(Chat, Encoding.UTF8.GetBytes(Document(Chat, timeoutSeconds)), precondition, "alice", None);

    private protected async Task<long> PutAsync(int timeoutSeconds) => (await TryPutAsync(timeoutSeconds)).Value.Version;

    private protected async Task PutTenantAsync(string id)
    {
        var put = await Plane.Tenants.PutAsync(id, Encoding.UTF8.GetBytes($$"""{ "tenant": "{{id}}" }"""), default, "alice", None);
        Assert.Null(put.Failure);
    }

    /// <summary>What the relay has of a host: version and timeout; null where it is not served.</summary>
    private protected async Task<(long Version, int TimeoutSeconds)?> ServedAsync(string host = Chat)
        => await Plane.FindAsync(host, None) is { } snapshot ? (snapshot.Version, snapshot.Config.WebSocket.TimeoutSeconds) : null;

    private protected async Task<List<BrokenDocument>> BrokenAsync() => [.. (await Plane.ListBrokenAsync(default, None)).Value.Items];

    private protected async Task<List<VersionEntry<DomainConfig>>> VersionsAsync(string name = Chat)
        => [.. (await Plane.Domains.ListVersionsAsync(name, default, None)).Value.Items];

    private protected async Task<List<string>> AuditAsync(string name = Chat)
    {
        var audit = (await Plane.ListAuditAsync(new(Limit: 1000), None)).Value.Items;
        return [.. audit.Where(entry => entry.Name == name).Select(entry => $"{entry.Action} {entry.Version} by {entry.By}")];
    }
}
