using System.Collections.Concurrent;
using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>What the relay finds, and when it is told.</summary>
public abstract class DomainSourceContract : ControlPlaneContract
{
    [Fact]
    public async Task KnownHost_IsFoundAtOnceWithItsVersion()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync(Chat, timeoutSeconds: 1);
        await PutDomainAsync(Chat, timeoutSeconds: 2);
        await ServedAsync(Chat, snapshot => snapshot?.Version == 2);

        var finding = Harness.Source.FindAsync("CHAT.example.com.", None);

        Assert.True(finding.IsCompletedSuccessfully);
        var snapshot = await finding;
        Assert.Equal((Chat, "acme", 2, false), (snapshot!.Domain, snapshot.Tenant, snapshot.Config.WebSocket.TimeoutSeconds, snapshot.TenantBlocked));
    }

    [Fact]
    public async Task Host_IsServedByTheExactNameThenTheLongestWildcard()
    {
        await PutTenantAsync("acme");
        await PutDomainAsync("*.example.com");
        await PutDomainAsync("*.deep.example.com");
        await PutDomainAsync(Chat);

        await ServedAsync(Chat, snapshot => snapshot?.Domain == Chat);
        await ServedAsync("other.example.com", snapshot => snapshot?.Domain == "*.example.com");
        await ServedAsync("a.b.deep.example.com", snapshot => snapshot?.Domain == "*.deep.example.com");
        Assert.Null(await FindAsync("example.com"));
        Assert.Null(await FindAsync("nowhere.invalid"));
        Assert.Null(await FindAsync(""));
    }

    [Fact]
    public async Task DomainDeleted_IsNoLongerServedAndObserved()
    {
        await PutTenantAsync("acme");
        await PutServedAsync(Chat);
        var seen = Observe();

        Answer(await Control.Domains.DeleteAsync(Chat, default, "alice", None));

        await ServedAsync(Chat, snapshot => snapshot is null);
        await SeenAsync(seen, [(Chat, null)]);
    }

    [Fact]
    public async Task DomainChanged_ObserversSeeItsVersionsInOrderUpToTheLast()
    {
        await PutTenantAsync("acme");
        await PutServedAsync(Chat);
        var seen = Observe();

        await PutDomainAsync(Chat, timeoutSeconds: 1);
        await PutDomainAsync(Chat, timeoutSeconds: 2);
        Answer(await Control.Domains.RollbackAsync(Chat, 2, default, "alice", None));

        await EventuallyAsync(() => Task.FromResult(seen.Any(static change => change.Current?.Version == 4)), "the last version is observed");
        var versions = seen.Select(static change => change.Current!.Version).ToList();
        Assert.Equal(versions.Distinct().Order(), versions);
        Assert.All(versions, static version => Assert.InRange(version, 2, 4));
        Assert.Equal(1, (await FindAsync(Chat))!.Config.WebSocket.TimeoutSeconds);
    }

    [Fact]
    public async Task InvalidDocument_NothingIsObserved()
    {
        await PutTenantAsync("acme");
        await PutServedAsync(Chat);
        await PutServedAsync("marker.example");
        var seen = Observe();

        await Control.Domains.PutAsync(Chat, Domain(Chat, timeoutSeconds: 9999), default, "alice", None);
        await PutDomainAsync("marker.example");

        await SeenAsync(seen, [("marker.example", 2)]);
        Assert.Equal(1, (await FindAsync(Chat))!.Version);
    }

    [Fact]
    public async Task TenantBlocked_AllItsDomainsAreAnnouncedAndNoOthers()
    {
        await PutTenantAsync("acme");
        await PutTenantAsync("other");
        await PutServedAsync("a.example");
        await PutServedAsync("b.example");
        await PutServedAsync("c.example", tenant: "other");
        var seen = Observe();

        await PutTenantAsync("acme", blocked: true);

        await ServedAsync("b.example", snapshot => snapshot is { TenantBlocked: true });
        await ServedAsync("a.example", snapshot => snapshot is { TenantBlocked: true });
        Assert.False((await FindAsync("c.example"))!.TenantBlocked);
        Assert.Equal(["a.example", "b.example"], seen.Select(change => change.Domain).Order());
        Assert.All(seen, change => Assert.True(change.Current!.TenantBlocked));

        await PutTenantAsync("acme");
        await ServedAsync("a.example", snapshot => snapshot is { TenantBlocked: false });
    }

    [Fact]
    public async Task TenantRenamed_NoDomainIsAnnounced()
    {
        await PutTenantAsync("acme");
        await PutServedAsync("a.example");
        await PutServedAsync("marker.example");
        var seen = Observe();

        await PutTenantAsync("acme", name: "Another name");
        await PutDomainAsync("marker.example");

        await SeenAsync(seen, [("marker.example", 2)]);
    }

    [Fact]
    public async Task DomainMovedToABlockedTenant_IsBlocked()
    {
        await PutTenantAsync("acme");
        await PutTenantAsync("bad", blocked: true);
        await PutDomainAsync(Chat);

        await PutDomainAsync(Chat, tenant: "bad");
        await ServedAsync(Chat, snapshot => snapshot is { TenantBlocked: true, Tenant: "bad" });

        await PutDomainAsync(Chat);
        await ServedAsync(Chat, snapshot => snapshot is { TenantBlocked: false, Tenant: "acme" });
    }

    [Fact]
    public async Task ObserverThatFails_HindersNeitherTheOthersNorTheChange()
    {
        await PutTenantAsync("acme");
        await PutServedAsync(Chat);
        using var failing = Harness.Source.Subscribe(static _ => throw new InvalidOperationException("an observer's own fault"));
        var seen = Observe();

        await PutDomainAsync(Chat);

        await SeenAsync(seen, [(Chat, 2)]);
    }

    [Fact]
    public async Task ObserverThatUnsubscribed_IsNotCalled()
    {
        await PutTenantAsync("acme");
        await PutServedAsync(Chat);
        var gone = new ConcurrentQueue<DomainChange>();
        var subscription = Harness.Source.Subscribe(gone.Enqueue);
        var seen = Observe();
        subscription.Dispose();
        subscription.Dispose();

        await PutDomainAsync(Chat);

        await SeenAsync(seen, [(Chat, 2)]);
        Assert.Empty(gone);
    }

    [Fact]
    public async Task AfterARestart_DomainsAreServedWithWhatTheirTenantsAre()
    {
        await PutTenantAsync("acme");
        await PutTenantAsync("bad", blocked: true);
        await PutDomainAsync(Chat, timeoutSeconds: 7);
        await PutDomainAsync("bad.example", tenant: "bad");

        await Harness.RestartAsync();

        await ServedAsync(Chat, snapshot => snapshot is { Version: 1, TenantBlocked: false, Config.WebSocket.TimeoutSeconds: 7 });
        await ServedAsync("bad.example", snapshot => snapshot is { TenantBlocked: true });
    }

    /// <summary>Puts a domain and finds it, from when on its changes are observed.</summary>
    private async Task PutServedAsync(string name, string tenant = "acme")
    {
        await PutDomainAsync(name, tenant);
        await ServedAsync(name, snapshot => snapshot?.Domain == name);
    }

    private ConcurrentQueue<DomainChange> Observe()
    {
        var seen = new ConcurrentQueue<DomainChange>();
        Harness.Source.Subscribe(seen.Enqueue);
        return seen;
    }

    private async Task<DomainSnapshot?> FindAsync(string host) => await Harness.Source.FindAsync(host, None);

    private Task ServedAsync(string host, Func<DomainSnapshot?, bool> expected)
        => EventuallyAsync(async () => expected(await FindAsync(host)), $"{host} is served as expected");

    private async Task SeenAsync(ConcurrentQueue<DomainChange> seen, (string Domain, long? Version)[] expected)
    {
        await EventuallyAsync(() => Task.FromResult(seen.Count >= expected.Length), $"{expected.Length} changes are observed");
        Assert.Equal(expected, seen.Select(change => (change.Domain, change.Current?.Version)));
    }
}
