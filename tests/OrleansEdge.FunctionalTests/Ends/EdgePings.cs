using System.Diagnostics;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>Pings of the edge: when they come, whose pongs they swallow, and when they do not come.</summary>
public abstract class EdgePings(Way way)
{
    [Fact]
    public async Task SideIsSilent_ItIsPingedAndItsPongIsSwallowed()
    {
        var start = Stopwatch.GetTimestamp();
        await using var session = await OpenAsync();
        var toClient = session.Client.ExpectPingAsync();
        var toOrigin = session.Origin.ExpectPingAsync();
        var clientPing = await toClient;
        var originPing = await toOrigin;
        Assert.InRange(Stopwatch.GetElapsedTime(start, session.Client.LastReceived).TotalSeconds, 1, 3.5);
        Assert.NotEqual(new byte[4], originPing.Mask);

        // Were a pong to pass, it would stand before the message that follows it.
        await session.Client.SendAsync(WsFrame.Build(WsFrame.PongOpcode, clientPing.Payload, WsFrame.ClientKey));
        await session.Origin.SendAsync(WsFrame.Build(WsFrame.PongOpcode, originPing.Payload));
        await session.GreetAsync();
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        await session.Client.DisposeAsync();
        Assert.Equal("11 9 1 1", EndsTable.Counts(await session.Edge.WaitForCloseLineAsync(session.Domain)));
    }

    [Fact]
    public async Task OtherPongs_Pass()
    {
        await using var session = await OpenAsync();
        var clientPing = await session.Client.ExpectPingAsync();
        var originPing = await session.Origin.ExpectPingAsync();
        await session.PassUpAsync(WsFrame.Build(WsFrame.PongOpcode, "mine"u8, WsFrame.ClientKey));
        await session.PassUpAsync(WsFrame.Build(WsFrame.PongOpcode, [], WsFrame.ClientKey));
        await session.PassDownAsync(WsFrame.Build(WsFrame.PongOpcode, "mine"u8));
        await session.Client.SendAsync(WsFrame.Build(WsFrame.PongOpcode, clientPing.Payload, WsFrame.ClientKey));
        await session.Origin.SendAsync(WsFrame.Build(WsFrame.PongOpcode, originPing.Payload));
        await session.GreetAsync();

        // The same payload once more is no answer to anything and passes.
        await session.PassUpAsync(WsFrame.Build(WsFrame.PongOpcode, clientPing.Payload, WsFrame.ClientKey));
    }

    [Fact]
    public async Task PongInPieces_IsSwallowedWhole()
    {
        await using var session = await OpenAsync();
        var ping = await session.Client.ExpectPingAsync();
        await session.Client.SendSlowlyAsync(WsFrame.Build(WsFrame.PongOpcode, ping.Payload, WsFrame.ClientKey));
        await session.Client.SendSlowlyAsync(WsFrame.Text("after", WsFrame.ClientKey));
        await session.Origin.ExpectPingAsync();
        await session.Origin.ExpectAsync(WsFrame.Text("after", WsFrame.ClientKey));
    }

    [Fact]
    public async Task SideSends_ItIsNotPinged()
    {
        await using var session = await Session.OpenAsync(way, change: document => document.Set("pingSeconds", 2));
        for (var i = 0; i < 8; i++)
        {
            await session.Client.SendAsync(WsFrame.Text("busy", WsFrame.ClientKey));
            await session.Origin.SendAsync(WsFrame.Text("busy"));
            await session.Client.ExpectAsync(WsFrame.Text("busy"));
            await session.Origin.ExpectAsync(WsFrame.Text("busy", WsFrame.ClientKey));
            await session.Client.ExpectSilenceAsync(TimeSpan.FromMilliseconds(400));
        }
    }

    [Fact]
    public async Task SideAnswersWithDataInsteadOfAPong_ItStaysOpen()
    {
        await using var session = await OpenAsync();
        await session.Client.ExpectPingAsync();
        var ping = await session.Origin.ExpectPingAsync();
        await session.Origin.SendAsync(WsFrame.Build(WsFrame.PongOpcode, ping.Payload));
        await session.PassUpAsync(WsFrame.Text("no pong", WsFrame.ClientKey));
        await session.Client.ExpectPingAsync();
        await session.Origin.ExpectPingAsync();
        await session.PassUpAsync(WsFrame.Text("no pong", WsFrame.ClientKey));
    }

    [Fact]
    public async Task PingOfTheOtherPeerIsUnanswered_EdgeDoesNotPing()
    {
        await using var session = await OpenAsync();
        var ping = WsFrame.Build(WsFrame.PingOpcode, "of the origin"u8);
        await session.PassDownAsync(ping);
        using var stop = new CancellationTokenSource();
        var keeping = KeepAliveAsync(session.Origin, stop.Token);
        for (var i = 0; i < 6; i++)
        {
            await session.Client.ExpectAsync(WsFrame.Text("alive"));
        }

        await stop.CancelAsync();
        await keeping;
        await session.PassUpAsync(WsFrame.Build(WsFrame.PongOpcode, "of the origin"u8, WsFrame.ClientKey));
        while ((await session.Client.ReadFrameAsync("the edge's ping")).Opcode != WsFrame.PingOpcode)
        {
            // What the origin sent last may still be on its way.
        }
    }

    [Fact]
    public async Task PingIsDueInsideAFrame_ItComesAtTheBoundary()
    {
        await using var session = await OpenAsync();
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(1000));
        await session.PassDownAsync(frame[..500]);
        for (var i = 0; i < 4; i++)
        {
            await session.Client.ExpectSilenceAsync(TimeSpan.FromMilliseconds(500));
            await session.PassDownAsync(frame[(500 + (i * 100))..(600 + (i * 100))]);
        }

        await session.Origin.SendAsync(frame[900..]);
        await session.Client.ExpectAsync(frame[900..]);
        await session.Client.ExpectPingAsync(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task EdgeDoesNotReadASide_ItsClockStandsStill()
    {
        // More than the buffers of all four sockets on the way can hold.
        var flood = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(48 * 1024 * 1024), WsFrame.ClientKey);
        await using var session = await Session.OpenAsync(
            way, change: document => document.Set("pingSeconds", 1).Set("timeoutSeconds", 60), receiveBuffer: 16 * 1024);
        var flooding = session.Client.SendAsync(flood);
        using var stop = new CancellationTokenSource();
        var keeping = KeepAliveAsync(session.Origin, stop.Token);
        for (var i = 0; i < 12; i++)
        {
            await session.Client.ExpectAsync(WsFrame.Text("alive"));
        }

        Assert.False(flooding.IsCompleted, "the edge took all although the origin reads nothing");
        await session.Origin.ExpectAsync(flood, TimeSpan.FromSeconds(30));
        await flooding;
        await stop.CancelAsync();
        await keeping;
        await session.PassUpAsync(WsFrame.Text("still open", WsFrame.ClientKey));
    }

    private static async Task KeepAliveAsync(Wire wire, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(400));
        while (!stop.IsCancellationRequested)
        {
            await wire.SendAsync(WsFrame.Text("alive"));
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private Task<Session> OpenAsync() => Session.OpenAsync(way, change: document => document.Set("pingSeconds", 1));
}

public sealed class PingsOverHttp1() : EdgePings(Way.Http1);

public sealed class PingsOverTls() : EdgePings(Way.Tls);

public sealed class PingsOverHttp2() : EdgePings(Way.Http2);
