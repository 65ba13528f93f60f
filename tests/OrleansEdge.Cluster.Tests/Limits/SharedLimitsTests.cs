using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Clustering.Limits;
using OrleansEdge.Model;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Limits;

public sealed class SharedLimitsTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _time = new();
    private readonly ToldDomains _domains = new();
    private readonly List<SharedLimits> _gateways = [];
    private TestMesh _mesh = null!;

    public async Task InitializeAsync() => _mesh = await TestMesh.StartAsync(time: _time);

    public async Task DisposeAsync()
    {
        _gateways.ForEach(static gateway => gateway.Dispose());
        await _mesh.DisposeAsync();
    }

    [Fact]
    public async Task Limit_HoldsForAllGatewaysTogether()
    {
        var (a, b) = (NewGateway(), NewGateway());

        var taken = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => TakeAsync(i % 2 == 0 ? a : b, max: 5)));

        Assert.Equal(5, taken.Count(static answer => answer == SharedLimit.Within));
        Assert.Equal(15, taken.Count(static answer => answer == SharedLimit.Connections));
    }

    [Fact]
    public async Task PlaceThatIsGivenBack_GoesToAnotherGateway()
    {
        var (a, b) = (NewGateway(), NewGateway());
        Assert.Equal(SharedLimit.Within, await TakeAsync(a, max: 1));
        Assert.Equal(SharedLimit.Connections, await TakeAsync(b, max: 1));

        a.Return("chat.example.com");

        await TakenInTheEndAsync(b, max: 1);
        Assert.Equal(SharedLimit.Connections, await TakeAsync(a, max: 1));
    }

    [Fact]
    public async Task GatewayThatIsGone_TakesNoPlaceWithIt_AndOneThatLivesKeepsItsOwn()
    {
        var (dead, living, other) = (NewGateway(), NewGateway(), NewGateway());
        await TakeAsync(dead, max: 2);
        await TakeAsync(living, max: 2);
        Assert.Equal(SharedLimit.Connections, await TakeAsync(other, max: 2));

        for (var i = 0; i < 4; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            await living.RenewAllAsync();
        }

        await TakenInTheEndAsync(other, max: 2);
        Assert.Equal(SharedLimit.Connections, await TakeAsync(living, max: 2));
    }

    [Fact]
    public async Task LargeLimit_IsTakenFromTheShareWithoutACall()
    {
        var gateway = NewGateway();
        await TakeAsync(gateway, max: 1000);
        _time.Advance(LimitShares.SettleTime);
        await TakeAsync(gateway, max: 1000);

        for (var i = 0; i < 200; i++)
        {
            var taking = gateway.TryTakeAsync(Domain(1000, 0), default);
            Assert.True(taking.IsCompletedSuccessfully);
            Assert.Equal(SharedLimit.Within, await taking);
        }
    }

    [Fact]
    public async Task Rate_IsSharedAmongGateways()
    {
        var (a, b) = (NewGateway(), NewGateway());
        Assert.Equal(SharedLimit.Within, await TakeAsync(a, rate: 10));
        Assert.Equal(SharedLimit.Within, await TakeAsync(b, rate: 10));
        await a.RenewAllAsync();
        _time.Advance(TimeSpan.FromSeconds(5));

        var taken = new List<SharedLimit>();
        for (var i = 0; i < 20; i++)
        {
            taken.Add(await TakeAsync(a, rate: 10));
            taken.Add(await TakeAsync(b, rate: 10));
        }

        Assert.Equal(10, taken.Count(static answer => answer == SharedLimit.Within));
        Assert.DoesNotContain(SharedLimit.Connections, taken);
    }

    [Fact]
    public async Task ClusterThatDoesNotAnswer_IsWaitedForAQuarterOfASecond_AndThePlaceIsRegisteredLater()
    {
        var (a, b) = (NewGateway(), NewGateway());
        await _mesh.Redis.PauseAsync();
        var waited = System.Diagnostics.Stopwatch.StartNew();
        var taking = TakeAsync(a, max: 1);
        await _time.WhenArmedAsync(TimeSpan.FromMilliseconds(250));
        _time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(SharedLimit.Within, await taking);
        Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        await _mesh.Redis.ResumeAsync();

        await UntilAsync(async () =>
        {
            await a.RenewAllAsync();
            return await TakeAsync(b, max: 1) == SharedLimit.Connections;
        });
    }

    [Fact]
    public async Task ConnectionsThatWereOpenWhenALimitWasSet_Count()
    {
        var gateways = new[] { NewGateway(), NewGateway(), NewGateway() };
        await FillAsync(gateways, 10);

        _domains.Tell(Domain(30, 0));

        await FullAsync(NewGateway(), max: 30);
        Assert.All(await Task.WhenAll(gateways.Select(gateway => TakeAsync(gateway, max: 30))), static answer => Assert.Equal(SharedLimit.Connections, answer));
        gateways[0].Return("chat.example.com");
        gateways[0].Return("chat.example.com");
        await TakenInTheEndAsync(gateways[1], max: 30);
        await TakenInTheEndAsync(gateways[2], max: 30);
        Assert.Equal(SharedLimit.Connections, await TakeAsync(gateways[0], max: 30));
    }

    [Fact]
    public async Task LimitThatIsLowered_IsInForceAtOnce()
    {
        var gateways = new[] { NewGateway(), NewGateway() };
        await FillAsync(gateways, 10, max: 100);
        _time.Advance(LimitShares.SettleTime);
        await Task.WhenAll(gateways.Select(static gateway => gateway.RenewAllAsync()));

        _domains.Tell(Domain(20, 0));

        Assert.All(await Task.WhenAll(gateways.Select(gateway => TakeAsync(gateway, max: 20))), static answer => Assert.Equal(SharedLimit.Connections, answer));
    }

    [Fact]
    public async Task LimitThatIsTakenAwayAndSetAgain_CountsWhatIsOpenThen()
    {
        var gateways = new[] { NewGateway(), NewGateway() };
        await FillAsync(gateways, 3, max: 6);
        _domains.Tell(Domain(0, 0));
        await Task.WhenAll(gateways.Select(static gateway => gateway.RenewAllAsync()));
        await FillAsync(gateways, 1);
        for (var i = 0; i < 4; i++)
        {
            gateways[0].Return("chat.example.com");
        }

        _domains.Tell(Domain(6, 0));

        await TakenInTheEndAsync(gateways[0], max: 6);
        await TakenInTheEndAsync(gateways[0], max: 6);
        await FullAsync(gateways[0], max: 6);
        Assert.Equal(SharedLimit.Connections, await TakeAsync(gateways[1], max: 6));
    }

    [Fact]
    public async Task ConnectionsThatComeAndGoWhileSharesEnd_LeaveNoneBehind()
    {
        var gateway = NewGateway();
        using var over = new CancellationTokenSource();
        var ending = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                await gateway.RenewAllAsync();
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                Assert.Equal(SharedLimit.Within, await TakeAsync(gateway));
                gateway.Return("chat.example.com");
            }
        })));
        await over.CancelAsync();
        await ending;

        Assert.Equal(SharedLimit.Within, await TakeAsync(gateway, max: 1));
        Assert.Equal(SharedLimit.Connections, await TakeAsync(gateway, max: 1));
    }

    private static async Task FillAsync(SharedLimits[] gateways, int each, int max = 0)
    {
        foreach (var gateway in gateways)
        {
            for (var i = 0; i < each; i++)
            {
                Assert.Equal(SharedLimit.Within, await TakeAsync(gateway, max));
            }
        }
    }

    private static DomainSnapshot Domain(int max, int rate) => new(
        new()
        {
            Domain = "chat.example.com",
            Tenant = "acme",
            Origins = [new() { Address = "10.0.0.5" }],
            WebSocket = new() { MaxConnections = max, HandshakesPerSecond = rate },
        },
        1,
        tenantBlocked: false);

    private static async Task<SharedLimit> TakeAsync(SharedLimits gateway, int max = 0, int rate = 0) => await gateway.TryTakeAsync(Domain(max, rate), default);

    private async Task TakenInTheEndAsync(SharedLimits gateway, int max) => await UntilAsync(async () =>
    {
        _time.Advance(TimeSpan.FromMilliseconds(250));
        return await TakeAsync(gateway, max) == SharedLimit.Within;
    });

    /// <summary>Waits until there is no room, which gateways may be about to tell.</summary>
    private static async Task FullAsync(SharedLimits gateway, int max) => await UntilAsync(async () =>
    {
        var answer = await TakeAsync(gateway, max);
        if (answer == SharedLimit.Within)
        {
            gateway.Return("chat.example.com");
        }

        return answer == SharedLimit.Connections;
    });

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), "not within 30 s");
        }
    }

    private SharedLimits NewGateway()
    {
        var gateway = new SharedLimits(_mesh.Grains, _domains, _time, NullLogger<SharedLimits>.Instance);
        _gateways.Add(gateway);
        return gateway;
    }

    /// <summary>Tells of a change what it is told to.</summary>
    private sealed class ToldDomains : IDomainSource
    {
        private readonly List<Action<DomainChange>> _observers = [];

        public ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IDisposable Subscribe(Action<DomainChange> observer)
        {
            _observers.Add(observer);
            return Stream.Null;
        }

        public void Tell(DomainSnapshot current) => _observers.ForEach(observer => observer(new(current.Domain, current)));
    }
}
