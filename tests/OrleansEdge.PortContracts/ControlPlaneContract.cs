using System.Text;
using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>What the contracts share: a harness for each test and short words for common calls.</summary>
public abstract class ControlPlaneContract : IAsyncLifetime
{
    protected const string Chat = "chat.example.com";

    /// <summary>The control plane of the running test.</summary>
    protected ControlPlaneHarness Harness { get; private set; } = null!;

    protected IControlPlane Control => Harness.Control;

    protected static CancellationToken None => CancellationToken.None;

    /// <inheritdoc/>
    public async Task InitializeAsync() => Harness = await StartAsync();

    /// <inheritdoc/>
    public async Task DisposeAsync() => await Harness.DisposeAsync();

    /// <summary>Starts the implementation, empty.</summary>
    protected abstract Task<ControlPlaneHarness> StartAsync();

    protected static byte[] Domain(string name, string tenant = "acme", int timeoutSeconds = 60, bool enabled = true)
        => Encoding.UTF8.GetBytes(
            $$"""
            { "domain": "{{name}}", "tenant": "{{tenant}}", "origins": [ { "address": "10.0.0.5" } ],
              "webSocket": { "timeoutSeconds": {{timeoutSeconds}}, "enabled": {{(enabled ? "true" : "false")}} } }
            """);

    protected static byte[] Tenant(string id, bool blocked = false, string name = "Acme Ltd")
        => Encoding.UTF8.GetBytes($$"""{ "tenant": "{{id}}", "blocked": {{(blocked ? "true" : "false")}}, "name": "{{name}}" }""");

    protected async Task<PutOutcome<DomainConfig>> PutDomainAsync(string name, string tenant = "acme", int timeoutSeconds = 60, string by = "alice")
        => Answer(await Control.Domains.PutAsync(name, Domain(name, tenant, timeoutSeconds), default, by, None));

    protected async Task<PutOutcome<TenantConfig>> PutTenantAsync(string id, bool blocked = false, string name = "Acme Ltd")
        => Answer(await Control.Tenants.PutAsync(id, Tenant(id, blocked, name), default, "alice", None));

    /// <summary>The answer of a call that must succeed.</summary>
    protected static T Answer<T>(ControlResult<T> result)
    {
        Assert.True(result.Failure is null, result.Failure?.Detail);
        return result.Value;
    }

    /// <summary>The failure of a call that must fail.</summary>
    protected static ControlFailure Failure<T>(ControlResult<T> result, ControlFailureKind kind, string code)
    {
        Assert.NotNull(result.Failure);
        Assert.Equal((kind, code), (result.Failure.Kind, result.Failure.Code));
        Assert.NotEmpty(result.Failure.Detail);
        return result.Failure;
    }

    /// <summary>All pages of a list, each of at most <paramref name="limit"/> items.</summary>
    protected static async Task<List<T>> AllPagesAsync<T>(int limit, Func<PageRequest, Task<ControlResult<Page<T>>>> list)
    {
        var all = new List<T>();
        string? after = null;
        do
        {
            var page = Answer(await list(new(after, limit)));
            Assert.InRange(page.Items.Count, page.Next is null ? 0 : 1, limit);
            all.AddRange(page.Items);
            after = page.Next;
        }
        while (after is not null);

        return all;
    }

    /// <summary>Waits for what the gateway must learn within <see cref="ControlPlaneHarness.ChangeDelay"/>.</summary>
    protected async Task EventuallyAsync(Func<Task<bool>> condition, string expected)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < Harness.ChangeDelay, $"not within {Harness.ChangeDelay.TotalSeconds} s: {expected}");
            await Task.Delay(10);
        }
    }
}
