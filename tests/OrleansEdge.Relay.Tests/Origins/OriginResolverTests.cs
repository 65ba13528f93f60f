using System.Net;
using System.Net.Sockets;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

public sealed class OriginResolverTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly List<string> _lookedUp = [];

    [Fact]
    public async Task Answer_IsKeptFor1Second()
    {
        var resolver = new OriginResolver(_time, LookUpAsync);
        await resolver.ResolveAsync("a.example.com", CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(0.999));
        await resolver.ResolveAsync("a.example.com", CancellationToken.None);
        Assert.Single(_lookedUp);
        _time.Advance(TimeSpan.FromSeconds(0.001));
        await resolver.ResolveAsync("a.example.com", CancellationToken.None);
        Assert.Equal(2, _lookedUp.Count);
    }

    [Fact]
    public async Task SameNameAtOnce_IsLookedUpOnce()
    {
        var answer = new TaskCompletionSource<IPAddress[]>();
        var resolver = new OriginResolver(_time, name =>
        {
            _lookedUp.Add(name);
            return answer.Task;
        });
        var first = resolver.ResolveAsync("a.example.com", CancellationToken.None).AsTask();
        using var impatient = new CancellationTokenSource();
        var second = resolver.ResolveAsync("a.example.com", impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        answer.SetResult([IPAddress.Loopback]);
        Assert.Equal([IPAddress.Loopback], await first);
        Assert.Single(_lookedUp);
    }

    [Fact]
    public async Task Failure_IsNotKept()
    {
        var resolver = new OriginResolver(_time, name =>
        {
            _lookedUp.Add(name);
            return _lookedUp.Count == 1 ? throw new SocketException((int)SocketError.TryAgain) : LookUpAsync(name);
        });
        await Assert.ThrowsAsync<SocketException>(() => resolver.ResolveAsync("a.example.com", CancellationToken.None).AsTask());
        Assert.Equal([IPAddress.Loopback], await resolver.ResolveAsync("a.example.com", CancellationToken.None));
    }

    [Fact]
    public async Task Literal_IsNotLookedUp()
    {
        var resolver = new OriginResolver(_time, LookUpAsync);
        Assert.Equal([IPAddress.IPv6Loopback], await resolver.ResolveAsync("::1", CancellationToken.None));
        Assert.Empty(_lookedUp);
    }

    [Fact]
    public async Task SystemResolver_KnowsLocalhost()
        => Assert.NotEmpty(await new OriginResolver(TimeProvider.System).ResolveAsync("localhost", CancellationToken.None));

    [Theory]
    [InlineData("::1 ::2 10.0.0.1 10.0.0.2", "::1 10.0.0.1 ::2 10.0.0.2")]
    [InlineData("10.0.0.1 10.0.0.2 ::1", "10.0.0.1 ::1 10.0.0.2")]
    [InlineData("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2")]
    public void Families_AreInterleaved(string addresses, string expected)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        var ordered = OriginResolver.Interleave([.. addresses.Split(' ').Select(IPAddress.Parse)]);
        Assert.Equal(expected, string.Join(' ', ordered.Select(address => address.ToString())));
    }

    private Task<IPAddress[]> LookUpAsync(string name)
    {
        _lookedUp.Add(name);
        return Task.FromResult<IPAddress[]>([IPAddress.Loopback]);
    }
}
