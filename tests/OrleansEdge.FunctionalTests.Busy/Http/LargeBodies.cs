using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Http;

/// <summary>Bodies that are far bigger than what the edge may hold of them. The process is that of one test alone, so that the memory
/// is that of its bodies.</summary>
public sealed class LargeBodies : IAsyncLifetime
{
    private const long MiB = 1L << 20;
    private const long Length = 256 * MiB;
    private const long MostHeld = 48 * MiB;

    // After this the heap has the size that passing bytes gives it.
    private const long WarmUp = 64 * MiB;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly byte[] Block = WsFrame.Pattern((int)MiB);

    private EdgeProcess _edge = null!;

    public async Task InitializeAsync()
    {
        _edge = await EdgeProcess.StartAsync();
        await _edge.Admin.PutTenantAsync(AdminClient.Tenant);
    }

    public async Task DisposeAsync() => await _edge.DisposeAsync();

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task LargeBodies_PassInBoundedMemory(Way way)
    {
        await PassAsync(way, WarmUp);
        var before = _edge.ResidentBytes;

        var (up, down) = await PassAsync(way, Length);

        Assert.True(up - before <= MostHeld, $"resident memory grew by {(up - before) / MiB} MiB while a request of {Length / MiB} MiB passed");
        Assert.True(down - before <= MostHeld, $"resident memory grew by {(down - before) / MiB} MiB while an answer of {Length / MiB} MiB passed");
    }

    /// <summary>A request and then an answer of this length; the most resident bytes seen in each.</summary>
    private async Task<(long Up, long Down)> PassAsync(Way way, long length)
    {
        var listener = ScriptedOrigin.Start(tls: way == Way.Tls);
        var domain = EdgeProcess.NewDomain();
        await _edge.Admin.PutDomainAsync(Session.Document(way, domain, listener.Port));
        await using var exchange = await Exchange.StartAsync(_edge, way, domain, listener);
        await exchange.SendHeadAsync("POST", "/", $"Content-Length: {length}\r\n", isWhole: false);
        var (origin, _) = await listener.AcceptRequestAsync();
        var taking = origin.DiscardAsync(length, Patience);
        var up = await SendAsync(exchange.Body, length);
        await exchange.FinishAsync();
        await taking;

        await origin.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        await exchange.HeadAsync();
        taking = exchange.Body.DiscardAsync(length, Patience);
        var down = await SendAsync(origin, length);
        await taking;
        return (up, down);
    }

    private async Task<long> SendAsync(Wire wire, long length)
    {
        var most = 0L;
        for (var sent = 0L; sent < length; sent += Block.Length)
        {
            await wire.SendAsync(Block);
            most = Math.Max(most, _edge.ResidentBytes);
        }

        return most;
    }
}
