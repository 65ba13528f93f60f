using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Contracts;
using OrleansEdge.Model;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Domains;

public sealed class ClusterDomainsTests
{
    private const string Chat = "chat.example.com";

    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;

    private readonly ManualTimeProvider _time = new();
    private readonly Dictionary<string, DocumentWire> _stored = new(StringComparer.Ordinal);
    private readonly List<DomainChange> _changes = [];
    private readonly List<string> _fetched = [];
    private readonly ClusterDomains _domains;
    private Exception? _failure;

    public ClusterDomainsTests() => _domains = new(FetchAsync, (change, _) => _changes.Add(change), static _ => { }, _time, NullLogger.Instance);

    [Fact]
    public async Task UnknownHost_AsksNobody()
    {
        Assert.Null(await FindAsync("nowhere.example"));
        Assert.Empty(_fetched);
    }

    [Fact]
    public async Task KnownHost_IsFetchedOnceForAllThatAsk()
    {
        Store(1);
        Assert.Empty(_fetched);

        var found = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => FindAsync(Chat)));

        Assert.All(found, static snapshot => Assert.Equal(1, snapshot!.Version));
        Assert.Equal([Chat], _fetched);
        var again = _domains.FindAsync(Chat, default);
        Assert.True(again.IsCompletedSuccessfully);
        Assert.Equal(1, (await again)!.Version);
        Assert.Empty(_changes);
    }

    [Fact]
    public async Task HintOfAChange_IsFetchedAndTold()
    {
        Store(1);
        await FindAsync(Chat);

        Store(2);

        await UntilAsync(() => _changes.Count == 1);
        Assert.Equal(2, _changes[0].Current!.Version);
        Assert.Equal(2, (await FindAsync(Chat))!.Version);
    }

    [Fact]
    public async Task OldHint_ChangesNothing()
    {
        Store(3);
        await FindAsync(Chat);

        Hint(2);

        Assert.Equal(3, (await FindAsync(Chat))!.Version);
        Assert.Single(_fetched);
    }

    [Fact]
    public async Task ClusterThatDoesNotAnswer_LeavesInForceWhatIs_AndIsAskedAgain()
    {
        Store(1);
        await FindAsync(Chat);
        _failure = new TimeoutException("away");

        Store(2);
        await UntilAsync(() => _fetched.Count >= 2);
        Assert.Equal(1, (await FindAsync(Chat))!.Version);
        await _time.WhenArmedAsync(TimeSpan.FromMilliseconds(500));
        _failure = null;
        _time.Advance(TimeSpan.FromMilliseconds(500));

        await UntilAsync(() => _changes.Count == 1);
        Assert.Equal(2, (await FindAsync(Chat))!.Version);
    }

    [Fact]
    public async Task DocumentThatCannotBeFetched_IsUnavailableAndIsFetchedForTheNextThatAsks()
    {
        Store(1);
        _failure = new TimeoutException("away");

        await Assert.ThrowsAsync<DomainUnavailableException>(() => FindAsync(Chat));
        _failure = null;

        Assert.Equal(1, (await FindAsync(Chat))!.Version);
    }

    [Fact]
    public async Task DeletedDomain_IsGoneAndTold()
    {
        Store(1);
        await FindAsync(Chat);

        _domains.Apply(new($"d/{Chat}", 2, Deleted: true, TenantFlags.None, At));

        Assert.Null(await FindAsync(Chat));
        Assert.Equal(new DomainChange(Chat, null), Assert.Single(_changes));
    }

    [Fact]
    public async Task TenantsFlags_AreInForceWithoutAFetch()
    {
        Store(1);
        await FindAsync(Chat);

        _domains.Apply(new("t/acme", 2, false, TenantFlags.Blocked | TenantFlags.HttpExhausted, At));

        var snapshot = (await FindAsync(Chat))!;
        Assert.Equal((true, ExhaustedQuota.Http), (snapshot.TenantBlocked, snapshot.Exhausted));
        Assert.Equal((1, 1), (_changes.Count, _fetched.Count));
    }

    [Fact]
    public async Task StoreThatWentBack_ItsVersionsAreTakenEvenWhenLower()
    {
        Store(5);
        await FindAsync(Chat);
        _stored[Chat] = Document(3);

        _domains.Apply(new($"d/{Chat}", 3, false, TenantFlags.None, At), isNewCourse: true);

        await UntilAsync(() => _changes.Count == 1);
        Assert.Equal(3, (await FindAsync(Chat))!.Version);
        Store(4);
        await UntilAsync(() => _changes.Count == 2);
        Assert.Equal(4, (await FindAsync(Chat))!.Version);
    }

    [Fact]
    public async Task DomainThatTheStoreLost_StaysInForceUntilItIsPutAgain()
    {
        Store(5);
        await FindAsync(Chat);
        _domains.NoteOrphaned(Chat);
        Assert.Equal(5, (await FindAsync(Chat))!.Version);

        Store(1);

        await UntilAsync(() => _changes.Count == 1);
        Assert.Equal(1, (await FindAsync(Chat))!.Version);
        Store(2);
        await UntilAsync(() => _changes.Count == 2);
        Hint(1);
        Assert.Equal(2, (await FindAsync(Chat))!.Version);
    }

    [Fact]
    public async Task LastGoodConfig_ServesAfterARestartWithoutTheCluster()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("orleans-edge-good-").FullName, "good.jsonl");
        using (var written = new LastGoodConfig(path, NullLogger<LastGoodConfig>.Instance))
        {
            Assert.False(written.WasThere);
            var first = new ClusterDomains(FetchAsync, static (_, _) => { }, written.Note, _time, NullLogger.Instance);
            Store(7, first);
            first.Apply(new("t/acme", 1, false, TenantFlags.Blocked, At));
            await first.FindAsync(Chat, default);
            written.NoteGone("gone.example");
        }

        // A crash may cut the last line.
        await File.AppendAllTextAsync(path, "{\"Domain\":\"cut");
        using var read = new LastGoodConfig(path, NullLogger<LastGoodConfig>.Instance);
        read.RestoreTo(_domains);
        _failure = new TimeoutException("away");

        Assert.True(read.WasThere);
        var snapshot = (await FindAsync(Chat))!;
        Assert.Equal((7, true), (snapshot.Version, snapshot.TenantBlocked));
        _failure = null;
        Store(1);
        await UntilAsync(() => _changes.Count == 1);
        Assert.Equal(1, (await FindAsync(Chat))!.Version);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    private static DocumentWire Document(long version)
        => new(Encoding.UTF8.GetBytes($$"""{ "domain": "{{Chat}}", "tenant": "acme", "origins": [ { "address": "10.0.0.5" } ] }"""), version, false, At);

    private static async Task UntilAsync(Func<bool> condition)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(20), "not within 20 s");
            await Task.Delay(5);
        }
    }

    private void Store(long version, ClusterDomains? domains = null)
    {
        _stored[Chat] = Document(version);
        (domains ?? _domains).Apply(new($"d/{Chat}", version, false, TenantFlags.None, At));
    }

    private void Hint(long version) => _domains.Apply(new($"d/{Chat}", version, false, TenantFlags.None, At));

    private async Task<DomainSnapshot?> FindAsync(string host) => await _domains.FindAsync(host, default);

    private Task<DocumentWire?> FetchAsync(string name, bool isNewCourse)
    {
        lock (_fetched)
        {
            _fetched.Add(name);
        }

        return _failure is { } failure ? Task.FromException<DocumentWire?>(failure) : Task.FromResult<DocumentWire?>(_stored[name]);
    }
}
