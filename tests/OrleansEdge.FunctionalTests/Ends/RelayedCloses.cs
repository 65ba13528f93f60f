using System.Diagnostics;
using System.Globalization;
using System.Text;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>A Close of a peer passes as it is, both ways, and takes the place of the edge's own.</summary>
public abstract class RelayedCloses(Way way)
{
    public static TheoryData<string> Bodies =>
    [
        "", "1000", "1001 going away", "1002", "1003", "1007", "1008", "1009", "1010", "1011", "1012 service restart", "1013", "1014",
        "3000", "3999", "4000 ünïcode ✓", "4999 " + new string('r', 123),
    ];

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task ClientCloses_CloseAndAnswerPassVerbatim(string body)
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var close = WsFrame.Build(WsFrame.CloseOpcode, Body(body), WsFrame.ClientKey);
        var answer = WsFrame.Build(WsFrame.CloseOpcode, Body(body));
        await session.PassUpAsync(close);
        await session.PassDownAsync(answer);
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(3));
        await session.Client.FinishAsync();
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(3));
        var code = Code(body);
        var line = await session.ExpectEndAsync("client", "client_close", code, code);
        Assert.Equal($"{11 + close.Length} {9 + answer.Length} 1 1", EndsTable.Counts(line));
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task OriginCloses_CloseAndAnswerPassVerbatim(string body)
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var close = WsFrame.Build(WsFrame.CloseOpcode, Body(body));
        var answer = WsFrame.Build(WsFrame.CloseOpcode, Body(body), WsFrame.ClientKey);
        await session.PassDownAsync(close);
        await session.PassUpAsync(answer);
        await session.Origin.FinishAsync();
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(3));
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(3));
        var code = Code(body);
        var line = await session.ExpectEndAsync("origin", "origin_close", code, code);
        Assert.Equal($"{11 + answer.Length} {9 + close.Length} 1 1", EndsTable.Counts(line));
    }

    [Fact]
    public async Task AnswerHasAnotherCode_LogShowsWhatWentToEachSide()
    {
        await using var session = await Session.OpenAsync(way);
        await session.PassUpAsync(WsFrame.Close(4001, "bye", WsFrame.ClientKey));
        await session.PassDownAsync(WsFrame.Close(1000));
        await session.Client.ExpectEofAsync();
        await session.Origin.ExpectEofAsync();
        await session.ExpectEndAsync("client", "client_close", 1000, 4001);
    }

    [Fact]
    public async Task DataOfTheOtherPeerBeforeItsAnswer_IsRelayed()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        await session.PassUpAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        var last = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(100_000));
        await session.Origin.SendAsync(last, WsFrame.Close(1000));
        await session.Client.ExpectAsync(last);
        await session.Client.ExpectAsync(WsFrame.Close(1000));
        await session.Client.ExpectEofAsync();
        var line = await session.ExpectEndAsync("client", "client_close", 1000, 1000);
        Assert.Equal($"{11 + 8} {9 + last.Length + 4} 1 2", EndsTable.Counts(line));
    }

    [Fact]
    public async Task DataAfterAPeersOwnClose_IsNeitherRelayedNorCounted()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        var close = WsFrame.Close(1000, "", WsFrame.ClientKey);
        await session.Client.SendAsync(
            (byte[])[.. close, .. WsFrame.Text("too late", WsFrame.ClientKey), .. WsFrame.Close(1001, "", WsFrame.ClientKey)]);
        await session.Origin.ExpectAsync(close);
        await session.Client.SendAsync(WsFrame.Text("later still", WsFrame.ClientKey));
        await session.Origin.SendAsync(WsFrame.Close(1000), WsFrame.Text("too late"));
        await session.Client.ExpectAsync(WsFrame.Close(1000));
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(5));
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(5));
        var line = await session.ExpectEndAsync("client", "client_close", 1000, 1000);
        Assert.Equal($"{11 + 8} {9 + 4} 1 1", EndsTable.Counts(line));
    }

    [Fact]
    public async Task CloserFinishesAtOnce_AnswerIsStillRelayed()
    {
        await using var session = await Session.OpenAsync(way);
        await session.Client.SendAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await session.Client.FinishAsync();
        await session.Origin.ExpectAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await session.PassDownAsync(WsFrame.Close(1000));
        await session.Client.ExpectEofAsync();
        await session.Origin.ExpectEofAsync();
        await session.ExpectEndAsync("client", "client_close", 1000, 1000);
    }

    [Fact]
    public async Task OriginClosesAndFinishesAtOnce_AnswerIsStillRelayed()
    {
        await using var session = await Session.OpenAsync(way);
        await session.Origin.SendAsync(WsFrame.Close(4000, "gone"));
        await session.Origin.FinishAsync();
        await session.Client.ExpectAsync(WsFrame.Close(4000, "gone"));
        await session.PassUpAsync(WsFrame.Close(4000, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync();
        await session.Origin.ExpectEofAsync();
        await session.ExpectEndAsync("origin", "origin_close", 4000, 4000);
    }

    [Fact]
    public async Task OtherPeerVanishesInsteadOfAnswering_EndStaysTheClosers()
    {
        await using var session = await Session.OpenAsync(way);
        await session.PassUpAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        session.Origin.Cut();

        // The closer gets an echo of its own code from the edge.
        await session.Client.ExpectCloseAsync(1000, "");
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(3));
        await session.ExpectEndAsync("client", "client_close", 1000, 1000);
    }

    [Fact]
    public async Task CloserVanishesAfterItsClose_EndStaysTheClosers()
    {
        await using var session = await Session.OpenAsync(way);
        await session.PassDownAsync(WsFrame.Close(1001));
        session.Origin.Cut();
        await session.Client.SendAsync(WsFrame.Close(1001, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(5));
        var line = await session.Edge.WaitForCloseLineAsync(session.Domain);
        Assert.Equal("origin origin_close 1001", $"{line.Text("by")} {line.Text("cause")} {line.Text("clientCode")}");
    }

    [Fact]
    public async Task OtherPeerDoesNotAnswer_BothSidesAreShutDownAfterTenSeconds()
    {
        await using var session = await Session.OpenAsync(way);
        await session.PassUpAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        var relayed = Stopwatch.GetTimestamp();
        await session.Client.ExpectCloseAsync(1000, "", TimeSpan.FromSeconds(14));
        Assert.InRange(Stopwatch.GetElapsedTime(relayed, session.Client.LastReceived).TotalSeconds, 9.5, 12);
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(3));
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(3));
        var line = await session.ExpectEndAsync("client", "client_close", 1000, 1000);
        Assert.Equal("8 0 0 0", EndsTable.Counts(line));
    }

    [Fact]
    public async Task ClosesCross_EachSideGetsOneClose()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        await Task.WhenAll(
            session.Client.SendAsync(WsFrame.Close(4001, "up", WsFrame.ClientKey)), session.Origin.SendAsync(WsFrame.Close(4002, "down")));
        await session.Origin.ExpectAsync(WsFrame.Close(4001, "up", WsFrame.ClientKey));
        await session.Client.ExpectAsync(WsFrame.Close(4002, "down"));
        await session.Client.ExpectEofAsync();
        await session.Origin.ExpectEofAsync();
        var line = await session.Edge.WaitForCloseLineAsync(session.Domain);
        Assert.Contains(line.Text("cause"), (string[])["client_close", "origin_close"]);
        Assert.Equal("4002 4001", $"{line.Text("clientCode")} {line.Text("originCode")}");
    }

    [Fact]
    public async Task ClientClosesWhileALargeFrameComesDown_TheFrameAndTheAnswerFollow()
    {
        await using var session = await Session.OpenAsync(way);
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(200_000));
        await session.PassDownAsync(frame[..100_000]);
        await session.PassUpAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await session.Origin.SendAsync(frame[100_000..], WsFrame.Close(1000));
        await session.Client.ExpectAsync(frame[100_000..]);
        await session.Client.ExpectAsync(WsFrame.Close(1000));
        await session.Client.ExpectEofAsync();
        await session.ExpectEndAsync("client", "client_close", 1000, 1000);
    }

    [Fact]
    public async Task OperatorEndsAfterAPeersClose_NoSecondCloseIsSent()
    {
        await using var session = await Session.OpenAsync(way);
        await session.PassUpAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await session.Edge.Admin.DeleteDomainAsync(session.Domain);
        await session.Origin.SendAsync(WsFrame.Close(1000));
        var frame = await session.Client.ReadFrameAsync("a Close");
        Assert.Equal(WsFrame.CloseOpcode, frame.Opcode);
        await session.Client.ExpectEofAsync();
        await session.Origin.ExpectEofAsync();
        var line = await session.Edge.WaitForCloseLineAsync(session.Domain);
        Assert.Equal("1000", line.Text("originCode"));
    }

    [Fact]
    public async Task CloseByteByByte_PassesVerbatim()
    {
        await using var session = await Session.OpenAsync(way);
        await session.Client.SendSlowlyAsync(WsFrame.Close(4321, "slow", WsFrame.ClientKey));
        await session.Origin.ExpectAsync(WsFrame.Close(4321, "slow", WsFrame.ClientKey));
        await session.Origin.SendSlowlyAsync(WsFrame.Close(4321, "slow"));
        await session.Client.ExpectAsync(WsFrame.Close(4321, "slow"));
        await session.Client.ExpectEofAsync();
        await session.ExpectEndAsync("client", "client_close", 4321, 4321);
    }

    private static byte[] Body(string text)
    {
        if (text.Length == 0)
        {
            return [];
        }

        var code = Code(text);
        var reason = Encoding.UTF8.GetBytes(text.Length > 5 ? text[5..] : "");
        return [(byte)(code >> 8), (byte)code, .. reason];
    }

    private static int Code(string text) => text.Length == 0 ? 1005 : int.Parse(text.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture);
}

public sealed class RelayedClosesOverHttp1() : RelayedCloses(Way.Http1);

public sealed class RelayedClosesOverTls() : RelayedCloses(Way.Tls);

public sealed class RelayedClosesOverHttp2() : RelayedCloses(Way.Http2);
