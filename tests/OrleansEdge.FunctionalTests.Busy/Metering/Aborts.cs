using OrleansEdge.FunctionalTests.Scripted;
using Xunit.Abstractions;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>What may lie between what is billed and what peers got where a connection breaks.</summary>
public static class Slack
{
    /// <summary>One write of the edge.</summary>
    public const long Write = 32 * 1024;

    /// <summary>What the HTTP/2 server holds of one stream between the session and the kernel: its response buffer and a stream's
    /// window.</summary>
    private const long Http2Buffers = 128 * 1024;

    /// <summary>Bytes that the edge's process may hold although its transport took them.</summary>
    public static long InProcess(Way way) => way == Way.Http2 ? Http2Buffers : 0;

    /// <summary>By how much what is billed may fall short of what the client got. A socket says how much of a write it took; TLS and
    /// HTTP/2 take a write as a whole or not at all.</summary>
    public static long Untold(Way way) => way == Way.Http1 ? 0 : Write;
}

/// <summary>Peers that vanish in the midst of traffic, at random points.</summary>
public abstract class Aborts(Way way, ITestOutputHelper output)
{
    private const int ClientBuffer = 64 * 1024;
    private const int AtOnce = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private delegate Task Abort(MeteredSession session);

    [Fact]
    public async Task PeersVanishAmidTraffic_BilledIsWithinItsBounds()
    {
        var seed = MeteredEdge.NewSeed();
        output.WriteLine($"seed {seed}");
        var edge = await MeteredEdge.GetAsync();
        var tenant = await MeteredEdge.NewTenantAsync(edge);
        await using var domain = await MeteredDomain.CreateAsync(edge, way, tenant);
        Abort[] aborts = [ClientCutsAsync, OriginCutsAsync, ClientFinishesAsync, OriginFinishesAsync, SlowClientCutsAsync, SlowOriginCutsAsync, BothCutAsync];
        var expected = default(Tally);
        foreach (var some in Enumerable.Range(0, 2 * aborts.Length).Chunk(AtOnce))
        {
            var billed = await Task.WhenAll(some.Select(i => RunAsync(domain, new Random(seed + i), aborts[i % aborts.Length])));
            expected = billed.Aggregate(expected, (a, b) => a + b);
        }

        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, expected, MeteredEdge.Eventually);
    }

    private static async Task ClientCutsAsync(MeteredSession session)
    {
        session.Client.Wire.Cut();
        await session.Origin.EndedAsync();
    }

    private static async Task OriginCutsAsync(MeteredSession session)
    {
        session.Origin.Wire.Cut();
        await session.Client.EndedAsync();
    }

    private static async Task ClientFinishesAsync(MeteredSession session)
    {
        await session.Client.DisposeAsync();
        await session.Origin.EndedAsync();
    }

    private static async Task OriginFinishesAsync(MeteredSession session)
    {
        await session.Origin.DisposeAsync();
        await session.Client.EndedAsync();
    }

    // By now this side has filled every buffer on its way.
    private static async Task SlowClientCutsAsync(MeteredSession session)
    {
        await StalledAsync(session.Origin);
        session.Client.Wire.Cut();
        session.Client.Read();
        await session.Origin.EndedAsync();
    }

    private static async Task SlowOriginCutsAsync(MeteredSession session)
    {
        await StalledAsync(session.Client);
        session.Origin.Wire.Cut();
        session.Origin.Read();
        await session.Client.EndedAsync();
    }

    private static Task BothCutAsync(MeteredSession session)
    {
        session.Client.Wire.Cut();
        session.Origin.Wire.Cut();
        return Task.CompletedTask;
    }

    /// <summary>Waits until a flooding peer cannot send any more. That it could not for a while is no proof that it never could again,
    /// and none is needed: the bounds hold either way.</summary>
    internal static async Task StalledAsync(MeteredPeer sender)
    {
        var deadline = new Deadline(Wire.Patience);
        var (attempted, same) = (-1L, 0);
        while (same < 6 && deadline.Left > TimeSpan.Zero)
        {
            same = sender.Attempted == attempted ? same + 1 : 0;
            attempted = sender.Attempted;
            await Task.Delay(50);
        }
    }

    private async Task<Tally> RunAsync(MeteredDomain domain, Random random, Abort abort)
    {
        var (slowClient, slowOrigin) = (abort == SlowClientCutsAsync, abort == SlowOriginCutsAsync);
        await using var session = await domain.OpenAsync(random, receiveBuffer: ClientBuffer, clientReads: !slowClient, originReads: !slowOrigin);
        session.Client.CloseIsTheEdges = true;
        session.Origin.CloseIsTheEdges = true;
        Task[] floods =
        [
            session.Client.FloodAsync(new(new(random.Next()), WsFrame.ClientKey)),
            session.Origin.FloodAsync(new(new(random.Next()), null)),
        ];
        var amount = way == Way.Http2 ? random.Next(1, 400_000) : random.Next(1, 3_000_000);
        await (slowClient ? session.Origin.GotAsync(amount, Patience) : session.Client.GotAsync(amount, Patience));
        await abort(session);
        await session.DisposeAsync();
        var line = await session.CloseLineAsync();
        AssertWithinBounds(session, Tally.Of(line), $"{abort.Method.Name}: {line}");
        await Task.WhenAny(Task.WhenAll(floods), Task.Delay(Wire.Patience));
        return Tally.Of(line);
    }

    private void AssertWithinBounds(MeteredSession session, Tally billed, string what)
    {
        var (client, origin) = (session.Client, session.Origin);
        what += $"; {client}; {origin}";
        Assert.True(billed.BytesUp <= client.Attempted, $"more up than was sent: {what}");
        Assert.True(billed.BytesUp >= origin.Got, $"less up than the origin got: {what}");
        Assert.True(billed.BytesDown <= origin.Attempted, $"more down than was sent: {what}");
        Assert.True(billed.BytesDown >= client.Got - Slack.Untold(way), $"less down than the client got: {what}");

        // The client's own unread bytes were billed rightly too; its buffer has the size that it asked for, doubled by the kernel.
        var most = client.Got + (2 * ClientBuffer) + KernelQueues.MaxSendBuffer + Slack.Write + Slack.InProcess(way);
        Assert.True(billed.BytesDown <= most, $"more down than {most}, what the client and all buffers can hold: {what}");
        Assert.True(billed.MessagesUp <= client.AttemptedMessages && billed.MessagesUp >= origin.GotMessages, $"messages up: {what}");
        Assert.True(billed.MessagesDown <= origin.AttemptedMessages, $"messages down: {what}");
    }
}

public sealed class AbortsOverHttp1(ITestOutputHelper output) : Aborts(Way.Http1, output);

public sealed class AbortsOverTls(ITestOutputHelper output) : Aborts(Way.Tls, output);

public sealed class AbortsOverHttp2(ITestOutputHelper output) : Aborts(Way.Http2, output);

/// <summary>Aborts of which the kernel itself says how much it had taken.</summary>
public sealed class StalledClients(ITestOutputHelper output)
{
    /// <summary>Every byte that the kernel took is in one of three places: read by the client, in the client's receive queue, in the edge's
    /// send queue. That sum is what must be billed.</summary>
    [Fact]
    public async Task ClientThatDoesNotReadVanishes_BilledIsWhatTheKernelTook()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = await MeteredEdge.NewTenantAsync(edge);
        await using var domain = await MeteredDomain.CreateAsync(edge, Way.Http1, tenant);
        await using var session = await domain.OpenAsync(new Random(1), receiveBuffer: 4096, clientReads: false);
        var flood = session.Origin.FloodAsync(new(new(2), null));
        await Aborts.StalledAsync(session.Origin);
        var taken = session.Client.Got + await TakenAsync(session);
        session.Client.Wire.Cut();
        session.Client.Read();
        await session.Origin.EndedAsync();
        await flood;
        var billed = Tally.Of(await session.CloseLineAsync());
        output.WriteLine($"the kernel took {taken} B, billed are {billed.BytesDown} B");
        Assert.Equal(taken, billed.BytesDown);
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, billed, MeteredEdge.Eventually);
    }

    /// <summary>The edge stands still while it waits for room for the rest of a write; the client takes all that the kernel has of it and
    /// vanishes. The part that was taken of that write has to be billed.</summary>
    [Fact]
    public async Task ClientVanishesWithPartOfAWrite_ThatPartIsBilled()
    {
        await using var edge = await EdgeProcess.StartAsync([MeteredEdge.Setting]);
        var tenant = await MeteredEdge.NewTenantAsync(edge);
        await using var domain = await MeteredDomain.CreateAsync(edge, Way.Http1, tenant);
        await using var session = await domain.OpenAsync(new Random(1), receiveBuffer: 4096, clientReads: false);
        session.Origin.CloseIsTheEdges = true;
        var flood = session.Origin.FloodAsync(new(new(2), null));
        await Aborts.StalledAsync(session.Origin);
        await edge.FreezeAsync();
        var taken = session.Client.Got + await TakenAsync(session);
        session.Client.Read();
        await session.Client.GotAsync(taken);
        session.Client.Wire.Cut();
        await session.Client.EndedAsync();
        edge.Thaw();
        await session.Origin.EndedAsync();
        await flood;
        var billed = Tally.Of(await session.CloseLineAsync());
        Assert.Equal(taken, session.Client.Got);
        Assert.Equal(taken, billed.BytesDown);
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, billed, MeteredEdge.Eventually);
    }

    /// <summary>What the kernel holds for the client. Bytes that came and are not acknowledged yet show twice, for at most 40 ms.</summary>
    private static async Task<long> TakenAsync(MeteredSession session)
    {
        var ports = (From: session.Domain.Edge.Edge.Port, To: ((StreamWire)session.Client.Wire).LocalEndPoint.Port);
        var (held, same) = (-1L, 0);
        var deadline = new Deadline(Wire.Patience);
        while (same < 5)
        {
            Assert.True(deadline.Left > TimeSpan.Zero, $"the queues did not come to rest{deadline}: {held} B");
            var now = KernelQueues.OnTheWay(ports.From, ports.To);
            same = now == held ? same + 1 : 0;
            held = now;
            await Task.Delay(50);
        }

        return held;
    }
}
