using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Scale;

/// <summary>The figures of <c>docs/scale.md</c> beside those of usage: printed, and held to bounds that do not depend on the machine.
/// <c>dotnet test tests/OrleansEdge.Cluster.Tests -c Release --filter Scale --logger "console;verbosity=detailed"</c>.</summary>
public sealed class MeshScaleTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Gateways = 1_000;
    private const int AtOnce = 100;

    private TestMesh _mesh = null!;

    public async Task InitializeAsync() => _mesh = await TestMesh.StartAsync();

    public async Task DisposeAsync() => await _mesh.DisposeAsync();

    [Fact]
    public async Task FeedOfAHundredThousandDomains_IsEightShardsOfSomeMegabytes()
    {
        const int Names = 12_500;
        const int Changes = 1_000;
        var feed = _mesh.Grains.GetGrain<IConfigFeedGrain>(0);
        await WriteAsync(feed, Enumerable.Range(0, Names), revision: 1);
        var writes = new CpuMeter();
        await WriteAsync(feed, Enumerable.Range(0, Changes), revision: 2);
        writes.Print(output, "changes announced and confirmed in a shard of 12,500 names", Changes);

        var (cursor, bytes, syncs) = (FeedCursorWire.None, 0L, new CpuMeter());
        var serializer = _mesh.Silo.GetRequiredService<Orleans.Serialization.Serializer>();
        var (calls, watch) = (0, Stopwatch.StartNew());
        for (var hasMore = true; hasMore; calls++)
        {
            var delta = await feed.SyncAsync(cursor, observer: null);
            bytes += serializer.SerializeToArray(delta).Length;
            (cursor, hasMore) = (delta.Next, delta.HasMore);
        }

        output.WriteLine($"  the whole shard is {bytes >> 10} KiB in {calls} calls, {watch.Elapsed.TotalMilliseconds:F0} ms");
        Assert.InRange(bytes / Names, 1, 200);
        syncs = new();
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            for (var sync = 0; sync < Gateways / AtOnce; sync++)
            {
                Assert.Empty((await feed.SyncAsync(cursor, observer: null)).Changes);
            }
        }));
        syncs.Print(output, "syncs that have nothing new", Gateways);
        var store = _mesh.Silo.GetRequiredService<RedisStore>();
        var memory = (long)await store.Database.ExecuteAsync("MEMORY", "USAGE", store.Key("feed/0"), "SAMPLES", "0");
        output.WriteLine($"  the shard takes {memory >> 10} KiB of Redis' memory");
        Assert.InRange(memory / Names, 1, 1_000);
    }

    [Fact]
    public async Task ChangeWithAThousandGateways_IsAThousandSmallMessages()
    {
        const int Changes = 20;
        var feed = _mesh.Grains.GetGrain<IConfigFeedGrain>(0);
        var observers = Enumerable.Range(0, Gateways).Select(static _ => new Counter()).ToList();
        foreach (var observer in observers)
        {
            await feed.SyncAsync(FeedCursorWire.None, _mesh.Grains.CreateObjectReference<IConfigFeedObserver>(observer));
        }

        var (meter, watch) = (new CpuMeter(), Stopwatch.StartNew());
        await WriteAsync(feed, Enumerable.Range(0, Changes), revision: 1);
        var answered = watch.Elapsed;
        while (observers.Sum(static observer => observer.Count) < Gateways * Changes)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), "not every gateway was told of every change");
            await Task.Delay(1);
        }

        meter.Print(output, "hints to gateways", Gateways * Changes);
        output.WriteLine($"  {Changes} changes one after the other are answered after {answered.TotalMilliseconds:F0} ms, and are with all gateways after {watch.Elapsed.TotalMilliseconds:F0} ms");
        GC.KeepAlive(observers);
    }

    [Fact]
    public async Task GatewaysThatBeat_CostNextToNothing_AndAreListedByPages()
    {
        const int Sessions = 200;
        var gateways = Enumerable.Range(0, Gateways).Select(static number => new Gateway($"gateway-{number:D4}", Sessions)).ToList();
        var beats = new CpuMeter();
        for (var round = 0; round < 3; round++)
        {
            beats = new();
            foreach (var some in gateways.Chunk(AtOnce))
            {
                await Task.WhenAll(some.Select(gateway => gateway.BeatAsync(_mesh.Grains)));
            }
        }

        beats.Print(output, "beats of gateways", Gateways);
        var admin = _mesh.Grains.GetGrain<IAdminGrain>(0);
        var list = new CpuMeter();
        Assert.Equal(AtOnce, (await admin.ListGatewaysAsync(new(null, AtOnce))).Value!.Items.Length);
        list.Print(output, "list of 100 of 1,000 gateways", 1);
        list = new();
        Assert.Equal(AtOnce, (await admin.ListSessionsAsync(new(null, null, null), new(null, AtOnce))).Value!.Items.Length);
        list.Print(output, "list of 100 sessions of all on 1,000 gateways", 1);
        list = new();
        Assert.Equal(AtOnce, (await admin.ListSessionsAsync(new(null, null, "gateway-0007"), new(null, AtOnce))).Value!.Items.Length);
        list.Print(output, "list of 100 sessions of one gateway", 1);
        list = new();
        Assert.True((await admin.EndSessionAsync("gateway-0999/3", "alice")).Value);
        list.Print(output, "end of a session somewhere on 1,000 gateways", 1);
        GC.KeepAlive(gateways);
    }

    [Fact]
    public async Task LimitWithAThousandGateways_IsTwoHundredCallsASecond()
    {
        const int Limit = 100_000;
        var limit = _mesh.Grains.GetGrain<ILimitGrain>("chat.example.com");
        var ids = Enumerable.Range(0, Gateways).Select(static _ => Guid.NewGuid()).ToList();
        foreach (var id in ids)
        {
            await limit.RenewAsync(new(id, Used: 50, Wanted: 1, Limit, 0));
        }

        await Task.WhenAll(ids.Select(id => limit.RenewAsync(new(id, Used: 50, Wanted: 0, Limit, 0))));
        var meter = new CpuMeter();
        await Task.WhenAll(ids.Select(id => limit.RenewAsync(new(id, Used: 50, Wanted: 0, Limit, 0))));
        meter.Print(output, "leases of one domain renewed", Gateways);
        meter = new();
        for (var turn = 0; turn < AtOnce; turn++)
        {
            await limit.RenewAsync(new(ids[turn], Used: 51 + (turn % 2), Wanted: 1, Limit, 0));
        }

        meter.Print(output, "leases changed, and therefore stored", AtOnce);
        var store = _mesh.Silo.GetRequiredService<RedisStore>();
        var stored = (await store.Database.HashGetAsync(store.Key("state/limit/chat.example.com/limits"), "data")).Length();
        output.WriteLine($"  the leases of a domain on 1,000 gateways take {stored >> 10} KiB in Redis");
        Assert.InRange(stored, 1, 100 << 10);
    }

    internal static string NameOf(int number) => $"chat-{number}.customer-{number % 977}.example.com";

    private async Task WriteAsync(IConfigFeedGrain feed, IEnumerable<int> numbers, long revision)
    {
        foreach (var number in numbers)
        {
            var name = ConfigFeed.Domain + NameOf(number);
            await feed.AnnounceAsync(name, revision);
            await feed.ConfirmAsync(new(name, revision, Deleted: false, TenantFlags.None, _mesh.Time.GetUtcNow()));
        }
    }

    private sealed class Counter : IConfigFeedObserver
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public Task ChangedAsync(FeedDeltaWire delta)
        {
            Interlocked.Add(ref _count, delta.Changes.Length);
            return Task.CompletedTask;
        }
    }

    /// <summary>A gateway as silos see it.</summary>
    private sealed class Gateway(string name, int sessions) : IGatewayCommands
    {
        private readonly Guid _process = Guid.NewGuid();
        private IGatewayCommands? _commands;

        public Task<bool> BeatAsync(IGrainFactory grains)
        {
            _commands ??= grains.CreateObjectReference<IGatewayCommands>(this);
            return grains.GetGrain<IGatewayGrain>(name).BeatAsync(_process, new(name, DateTimeOffset.UnixEpoch, GatewayState.Ready, sessions, "1"), _commands);
        }

        public Task<GatewayWire> DrainAsync() => throw new NotSupportedException();

        public Task<SessionWire[]> ListSessionsAsync(string? domain, string? tenant, string? after, int limit)
            => Task.FromResult(Enumerable.Range(0, Math.Min(limit, sessions)).Select(Session).ToArray());

        public Task<bool> EndSessionAsync(string id) => Task.FromResult(id.StartsWith($"{name}/", StringComparison.Ordinal));

        public Task<long> VersionOfAsync(string domain) => Task.FromResult(1L);

        private SessionWire Session(int number) => new()
        {
            Id = $"{name}/{number}",
            Domain = "chat.example.com",
            Tenant = "acme",
            Gateway = name,
            Client = "203.0.113.7:40123",
            Origin = "10.0.0.5:80",
            Protocol = "http/1.1",
            StartedAt = DateTimeOffset.UnixEpoch,
            LastActivityAt = DateTimeOffset.UnixEpoch,
        };
    }
}
