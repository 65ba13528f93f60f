using System.Diagnostics;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>Measures idle timeouts: never early, at most a second late.</summary>
public abstract class IdleMeasure(Way way)
{
    private const double Timeout = 3;

    /// <summary>A second that the edge may be late, and what a busy test machine adds.</summary>
    protected static double Late => 1 + Metronome.Lateness.TotalSeconds;

    protected static TimeSpan Step { get; } = TimeSpan.FromMilliseconds(900);

    protected Way Way => way;

    protected static Task PassAsync(Session session, bool up, byte[] bytes) => up ? session.PassUpAsync(bytes) : session.PassDownAsync(bytes);

    /// <summary>Four frames a step apart keep the session open beyond the timeout; then it ends by it.</summary>
    protected static async Task RepeatAsync(Session session, bool up, Func<byte[]?, byte[]> frame)
    {
        long start = 0;
        for (var i = 0; i < 4; i++)
        {
            await (up ? session.Client : session.Origin).ExpectSilenceAsync(Step);
            start = Stopwatch.GetTimestamp();
            await PassAsync(session, up, frame(up ? WsFrame.ClientKey : null));
        }

        await AssertIdleEndAsync(session, start, Stopwatch.GetTimestamp());
    }

    protected static async Task AssertIdleEndAsync(Session session, long before, long after)
    {
        await Task.WhenAll(session.Client.ExpectCloseAsync(1001, "idle timeout"), session.Origin.ExpectCloseAsync(1001, "idle timeout"));
        foreach (var wire in (Wire[])[session.Client, session.Origin])
        {
            Assert.InRange(Stopwatch.GetElapsedTime(before, wire.LastReceived).TotalSeconds, Timeout, double.MaxValue);
            Assert.InRange(Stopwatch.GetElapsedTime(after, wire.LastReceived).TotalSeconds, 0, Timeout + Late);
        }

        await session.Client.SendAsync(WsFrame.Close(1001, "", WsFrame.ClientKey));
        await session.Origin.SendAsync(WsFrame.Close(1001));
        await session.Client.ExpectEofAsync();
        await session.Origin.ExpectEofAsync();
        await session.ExpectEndAsync("edge", "idle_timeout", 1001, 1001);
    }

    protected Task<Session> OpenAsync(string counts)
        => Session.OpenAsync(way, change: document => document.Set("timeoutSeconds", (int)Timeout).Set("idleCounts", counts));
}

/// <summary>What moves the idle timeout.</summary>
public abstract class IdleMoves(Way way) : IdleMeasure(way)
{
    [Theory]
    [InlineData("frames", true)]
    [InlineData("frames", false)]
    [InlineData("messages", true)]
    [InlineData("messages", false)]
    public async Task MessagesPass_EachMovesTheTimeout(string counts, bool up)
    {
        await using var session = await OpenAsync(counts);
        await RepeatAsync(session, up, mask => WsFrame.Text("still here", mask));
    }

    [Theory]
    [InlineData(true, WsFrame.PingOpcode)]
    [InlineData(false, WsFrame.PingOpcode)]
    [InlineData(true, WsFrame.PongOpcode)]
    [InlineData(false, WsFrame.PongOpcode)]
    public async Task PeersHeartbeatsWhereFramesCount_MoveTheTimeout(bool up, int opcode)
    {
        await using var session = await OpenAsync("frames");
        await RepeatAsync(session, up, mask => WsFrame.Build(opcode, "beat"u8, mask));
    }

    [Theory]
    [InlineData("frames", true)]
    [InlineData("frames", false)]
    [InlineData("messages", true)]
    [InlineData("messages", false)]
    public async Task BytesOfAnUnfinishedMessage_MoveTheTimeout(string counts, bool up)
    {
        await using var session = await OpenAsync(counts);
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(2000), up ? WsFrame.ClientKey : null);
        for (var at = 0; at < 4; at++)
        {
            await session.Client.ExpectSilenceAsync(Step);
            await PassAsync(session, up, frame[(at * 400)..((at + 1) * 400)]);
        }

        var start = Stopwatch.GetTimestamp();
        await PassAsync(session, up, frame[1600..]);
        await AssertIdleEndAsync(session, start, Stopwatch.GetTimestamp());
    }
}

/// <summary>What does not move the idle timeout.</summary>
public abstract class IdleTimeouts(Way way) : IdleMeasure(way)
{
    [Theory]
    [InlineData("frames")]
    [InlineData("messages")]
    public async Task NothingPasses_EndsAfterTheTimeout(string counts)
    {
        var start = Stopwatch.GetTimestamp();
        await using var session = await OpenAsync(counts);
        var open = Stopwatch.GetTimestamp();
        await AssertIdleEndAsync(session, start, open);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PeersHeartbeatsWhereMessagesCount_DoNotMoveTheTimeout(bool up)
    {
        await using var session = await OpenAsync("messages");
        var start = Stopwatch.GetTimestamp();
        await PassAsync(session, up, WsFrame.Text("last message", up ? WsFrame.ClientKey : null));
        var passed = Stopwatch.GetTimestamp();
        await session.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(1.3));
        await PassAsync(session, up, WsFrame.Build(WsFrame.PingOpcode, "beat"u8, up ? WsFrame.ClientKey : null));
        await session.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(1.3));
        await PassAsync(session, !up, WsFrame.Build(WsFrame.PongOpcode, "beat"u8, up ? null : WsFrame.ClientKey));
        await AssertIdleEndAsync(session, start, passed);
    }

    [Fact]
    public async Task EdgesOwnPingsAndTheirPongs_DoNotMoveTheTimeout()
    {
        var start = Stopwatch.GetTimestamp();
        await using var session = await Session.OpenAsync(
            Way, change: document => document.Set("timeoutSeconds", 3).Set("pingSeconds", 1));
        var open = Stopwatch.GetTimestamp();
        await Task.WhenAll(AnswerAsync(session.Client, WsFrame.ClientKey), AnswerAsync(session.Origin, null));
        Assert.InRange(Stopwatch.GetElapsedTime(start, session.Client.LastReceived).TotalSeconds, 3, double.MaxValue);
        Assert.InRange(Stopwatch.GetElapsedTime(open, session.Client.LastReceived).TotalSeconds, 0, 3 + Late);

        static async Task AnswerAsync(Wire wire, byte[]? mask)
        {
            var pings = 0;
            WsFrame frame;
            while ((frame = await wire.ReadFrameAsync("a ping or the Close")).Opcode == WsFrame.PingOpcode)
            {
                pings++;
                await wire.SendAsync(WsFrame.Build(WsFrame.PongOpcode, frame.Payload, mask));
            }

            Assert.Equal((1001, "idle timeout"), (frame.CloseCode, frame.CloseReason));
            Assert.InRange(pings, 1, 3);
        }
    }

    [Fact]
    public async Task NoTimeout_SessionStaysOpen()
    {
        await using var session = await Session.OpenAsync(Way, change: document => document.Set("timeoutSeconds", 0));
        await session.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(3.5));
        await session.GreetAsync();
    }
}

public sealed class IdleOverHttp1() : IdleTimeouts(Way.Http1);

public sealed class IdleOverTls() : IdleTimeouts(Way.Tls);

public sealed class IdleOverHttp2() : IdleTimeouts(Way.Http2);

public sealed class IdleMovesOverHttp1() : IdleMoves(Way.Http1);

public sealed class IdleMovesOverTls() : IdleMoves(Way.Tls);

public sealed class IdleMovesOverHttp2() : IdleMoves(Way.Http2);
