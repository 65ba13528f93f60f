using System.Diagnostics;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>How the edge ends a session that it ends itself: where the Close goes, what follows it, how long it waits.</summary>
public abstract class EndShapes(Way way)
{
    private const string Reason = "closed by operator";

    /// <summary>Clearly below the two seconds that the edge waits where nobody answers.</summary>
    private static TimeSpan AtOnce => TimeSpan.FromSeconds(1) + Metronome.Lateness;

    [Fact]
    public async Task NobodyAnswers_BothSidesGetFinAfterTwoSeconds()
    {
        await using var session = await OpenAndEndAsync();
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Origin.ExpectCloseAsync(1001, Reason);
        var closed = Stopwatch.GetTimestamp();
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(5));
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(5));
        var waited = Stopwatch.GetElapsedTime(closed, Math.Min(session.Client.LastReceived, session.Origin.LastReceived));
        Assert.InRange(waited.TotalSeconds, 1.5, 2.5 + Metronome.Lateness.TotalSeconds);
        await session.ExpectEndAsync("operator", "closed_by_operator", 1008, 1001);
    }

    [Fact]
    public async Task BothAnswer_BothSidesGetFinAtOnce()
    {
        await using var session = await OpenAndEndAsync();
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Client.SendAsync(WsFrame.Close(1008, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync(AtOnce);
        await session.Origin.ExpectCloseAsync(1001, Reason);
        await session.Origin.SendAsync(WsFrame.Close(1001));
        await session.Origin.ExpectEofAsync(AtOnce);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OneSideAnswers_ItGetsFinAtOnceAndTheOtherAfterTwoSeconds(bool client)
    {
        await using var session = await OpenAndEndAsync();
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Origin.ExpectCloseAsync(1001, Reason);
        Wire answering = client ? session.Client : session.Origin;
        Wire silent = client ? session.Origin : session.Client;
        await answering.SendAsync(WsFrame.Close(1000, "", client ? WsFrame.ClientKey : null));
        await answering.ExpectEofAsync(AtOnce);
        await silent.ExpectEofAsync(TimeSpan.FromSeconds(3.5));
    }

    [Fact]
    public async Task PeersFinishInsteadOfAnswering_BothSidesGetFinAtOnce()
    {
        await using var session = await OpenAndEndAsync();
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Client.FinishAsync();
        await session.Client.ExpectEofAsync(AtOnce);
        await session.Origin.ExpectCloseAsync(1001, Reason);
        await session.Origin.FinishAsync();
        await session.Origin.ExpectEofAsync(AtOnce);
        await session.ExpectEndAsync("operator", "closed_by_operator", 1008, 1001);
    }

    [Fact]
    public async Task OneSideResets_TheOtherStillGetsItsClose()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        session.Client.Cut();
        await session.Origin.ExpectCloseAsync(1001, "client lost");
        await session.Origin.SendAsync(WsFrame.Close(1001));
        await session.Origin.ExpectEofAsync(AtOnce);
    }

    [Fact]
    public async Task PeersGoOnSending_TheirBytesAreDiscardedAndTheCloseSurvives()
    {
        await using var session = await OpenAndEndAsync();
        var flood = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(100_000), WsFrame.ClientKey);
        var floodDown = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(100_000));

        // Nothing is read here: were the edge to close with unread input, the reset would take the Close away.
        await Task.WhenAll(SendManyAsync(session.Client, flood), SendManyAsync(session.Origin, floodDown));
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(5));
        await session.Origin.ExpectCloseAsync(1001, Reason);
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(5));
        var line = await session.ExpectEndAsync("operator", "closed_by_operator", 1008, 1001);
        Assert.Equal("11 9 1 1", EndsTable.Counts(line));
    }

    [Fact]
    public async Task PeersAnswerAndGoOnSending_TheEdgeLingersAndDoesNotReset()
    {
        await using var session = await OpenAndEndAsync();
        await Task.WhenAll(
            AnswerAndGoOnAsync(session.Client, 1008, WsFrame.ClientKey), AnswerAndGoOnAsync(session.Origin, 1001, null));
        Assert.Equal("11 9 1 1", EndsTable.Counts(await session.ExpectEndAsync("operator", "closed_by_operator", 1008, 1001)));

        static async Task AnswerAndGoOnAsync(Wire side, int code, byte[]? mask)
        {
            await side.ExpectCloseAsync(code, Reason);
            await side.SendAsync(WsFrame.Close(code, "", mask));
            await side.ExpectEofAsync(AtOnce);
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            for (var i = 0; i < 8; i++)
            {
                await side.SendAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(1000), mask));
                await timer.WaitForNextTickAsync();
            }
        }
    }

    [Fact]
    public async Task DataAndCloseComeAfterTheEdgesClose_AreDiscardedUntilTheAnswer()
    {
        await using var session = await OpenAndEndAsync();
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Client.SendAsync(WsFrame.Text("too late", WsFrame.ClientKey), WsFrame.Close(1008, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync(AtOnce);
        await session.Origin.ExpectCloseAsync(1001, Reason);
        await session.Origin.SendAsync(WsFrame.Text("too late"), WsFrame.Close(1001));
        await session.Origin.ExpectEofAsync(AtOnce);
        Assert.Equal("11 9 1 1", EndsTable.Counts(await session.ExpectEndAsync("operator", "closed_by_operator", 1008, 1001)));
    }

    [Fact]
    public async Task InsideALargeFrameDown_TheFrameIsFinishedAndThenComesTheClose()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(199_000));
        await session.Origin.SendAsync(frame.AsMemory(0, 120_000));
        await session.Client.ExpectAsync(frame[..120_000]);
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        await session.Origin.ExpectCloseAsync(1001, Reason);

        // The rest comes in pieces, slowly, but within two seconds.
        for (var at = 120_000; at < frame.Length; at += 40_000)
        {
            await session.Client.ExpectSilenceAsync(TimeSpan.FromMilliseconds(300));
            var piece = frame[at..Math.Min(at + 40_000, frame.Length)];
            await session.PassDownAsync(piece);
        }

        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Client.SendAsync(WsFrame.Close(1008, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync();
        var line = await session.ExpectEndAsync("operator", "closed_by_operator", 1008, 1001);
        Assert.Equal($"11 {9 + frame.Length} 1 2", EndsTable.Counts(line));
    }

    [Fact]
    public async Task InsideALargeFrameUp_TheFrameIsFinishedAndThenComesTheClose()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(200_000), WsFrame.ClientKey);
        await session.Client.SendAsync(frame.AsMemory(0, 150_000));
        await session.Origin.ExpectAsync(frame[..150_000]);
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Client.SendAsync(frame[150_000..], WsFrame.Text("more", WsFrame.ClientKey));
        await session.Origin.ExpectAsync(frame[150_000..]);
        await session.Origin.ExpectCloseAsync(1001, Reason);
        await session.Origin.SendAsync(WsFrame.Close(1001));
        await session.Origin.ExpectEofAsync();
        var line = await session.ExpectEndAsync("operator", "closed_by_operator", 1008, 1001);
        Assert.Equal($"{11 + frame.Length} 9 2 1", EndsTable.Counts(line));
    }

    [Fact]
    public async Task InsideAFrameThatDoesNotGoOn_ThatSideIsCutWithoutAClose()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var up = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(5000), WsFrame.ClientKey);
        var down = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(5000));
        await session.PassUpAsync(up[..2000]);
        await session.PassDownAsync(down[..2000]);
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        var ended = Stopwatch.GetTimestamp();
        await session.Client.ExpectCutAsync(TimeSpan.FromSeconds(6));
        await session.Origin.ExpectCutAsync(TimeSpan.FromSeconds(6));
        Assert.InRange(Stopwatch.GetElapsedTime(ended, session.Client.LastReceived).TotalSeconds, 1.5, 2.5 + Metronome.Lateness.TotalSeconds);
        await session.ExpectEndAsync("operator", "closed_by_operator", 0, 0);
    }

    [Fact]
    public async Task BetweenFragmentsOfAMessage_TheCloseComesAtOnce()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        await session.PassUpAsync(WsFrame.Build(WsFrame.TextOpcode, "frag"u8, WsFrame.ClientKey, fin: false));
        await session.PassDownAsync(WsFrame.Build(WsFrame.TextOpcode, "frag"u8, fin: false));
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        await session.Client.ExpectCloseAsync(1008, Reason, AtOnce);
        await session.Origin.ExpectCloseAsync(1001, Reason, AtOnce);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task InsideAFrameHeader_TheEdgeWaitsForTheBoundary(int bytes)
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(300), WsFrame.ClientKey);
        await session.Client.SendAsync(frame.AsMemory(0, bytes));

        // Whether the edge holds an unfinished header back or passes it on is its own affair; a Close may not cut into it.
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        await session.Client.ExpectCloseAsync(1008, Reason);
        await session.Client.SendAsync(frame[bytes..]);
        var next = await session.Origin.ReadFrameAsync("the frame or the Close");
        if (next.Opcode == WsFrame.BinaryOpcode)
        {
            Assert.Equal(frame, next.Raw);
            next = await session.Origin.ReadFrameAsync("the Close");
        }

        Assert.Equal((WsFrame.CloseOpcode, 1001, Reason), (next.Opcode, next.CloseCode, next.CloseReason));
    }

    [Fact]
    public async Task OriginVanishesInsideAFrame_ClientIsCutAfterWhatCame()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(5000));
        await session.PassDownAsync(frame[..2000]);
        session.Origin.Cut();
        await session.Client.ExpectCutAsync(TimeSpan.FromSeconds(4));
        await session.ExpectEndAsync("origin", "origin_lost", 0, 0);
    }

    [Fact]
    public async Task ClientVanishesInsideAFrame_OriginIsCutAfterWhatCame()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(5000), WsFrame.ClientKey);
        await session.PassUpAsync(frame[..2000]);
        session.Client.Cut();
        await session.Origin.ExpectCutAsync(TimeSpan.FromSeconds(4));
        await session.ExpectEndAsync("client", "client_lost", 0, 0);
    }

    [Fact]
    public async Task OriginFinishesInsideAFrame_ClientIsCutAfterWhatCame()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(5000));
        await session.PassDownAsync(frame[..2000]);
        await session.Origin.FinishAsync();
        await session.Client.ExpectCutAsync(TimeSpan.FromSeconds(4));
        await session.ExpectEndAsync("origin", "origin_lost", 0, 0);
    }

    [Fact]
    public async Task OriginSendsAndVanishes_ClientGetsEveryByteAndThenTheClose()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var last = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(300_000));
        await session.Origin.SendAsync(last);
        await session.Origin.FinishAsync();
        await session.Client.ExpectAsync(last);
        await session.Client.ExpectCloseAsync(1014, "origin lost");
    }

    [Fact]
    public async Task ClosesOfTwoSessions_AreMaskedWithDifferentKeys()
    {
        await using var one = await OpenAndEndAsync();
        await using var two = await OpenAndEndAsync();
        var first = await one.Origin.ExpectCloseAsync(1001, Reason);
        var second = await two.Origin.ExpectCloseAsync(1001, Reason);
        Assert.NotEqual(first.Mask, second.Mask);
        Assert.NotEqual(new byte[4], first.Mask);
    }

    private static async Task SendManyAsync(Wire wire, byte[] flood)
    {
        try
        {
            for (var i = 0; i < 30; i++)
            {
                await wire.SendAsync(flood);
            }
        }
        catch (WireCutException)
        {
            // The edge may close the connection once its lingering time is over.
        }
    }

    private async Task<Session> OpenAndEndAsync()
    {
        var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        return session;
    }
}

public sealed class EndShapesOverHttp1() : EndShapes(Way.Http1);

public sealed class EndShapesOverTls() : EndShapes(Way.Tls);

public sealed class EndShapesOverHttp2() : EndShapes(Way.Http2);
