using System.Text;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>An illegal frame and what may stand before it.</summary>
/// <param name="Frame">The illegal frame, given the masking key that the side should use.</param>
/// <param name="WrongMask">The key of the illegal frame is that of the other side.</param>
public sealed record IllegalFrame(Func<byte[]?, byte[]> Frame, bool WrongMask = false)
{
    /// <summary>Legal frames before it.</summary>
    public Func<byte[]?, byte[]> Before { get; init; } = _ => [];

    /// <summary>Whether permessage-deflate is negotiated.</summary>
    public bool Deflate { get; init; }

    /// <summary>False: what follows the frame cannot be told from it, so that transparent relaying is not tested with it.</summary>
    public bool HasBoundary { get; init; } = true;
}

/// <summary>Each breach of RFC 6455, from both sides, with policing and without.</summary>
public abstract class ProtocolPolicing(Way way)
{
    private const string DeflateOffer = "permessage-deflate";

    private static readonly Dictionary<string, IllegalFrame> Frames = Table();

    public static TheoryData<string> Names => [.. Frames.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task ClientSendsAnIllegalFrame_SessionEnds(string name)
    {
        var illegal = Frames[name];
        await using var session = await OpenAsync(illegal, "strict");
        await session.PassUpAsync(illegal.Before(WsFrame.ClientKey));
        await session.Client.SendAsync(illegal.Frame(illegal.WrongMask ? null : WsFrame.ClientKey));
        await session.Client.ExpectCloseAsync(1002, "protocol error");
        await session.Origin.ExpectCloseAsync(1001, "client protocol error");
        await session.Origin.SendAsync(WsFrame.Close(1001));
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(2));
        await session.Client.DisposeAsync();
        await session.ExpectEndAsync("client", "client_protocol_error", 1002, 1001);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task OriginSendsAnIllegalFrame_SessionEnds(string name)
    {
        var illegal = Frames[name];
        await using var session = await OpenAsync(illegal, "strict");
        await session.PassDownAsync(illegal.Before(null));
        await session.Origin.SendAsync(illegal.Frame(illegal.WrongMask ? WsFrame.ClientKey : null));
        await session.Origin.ExpectCloseAsync(1002, "protocol error");
        await session.Client.ExpectCloseAsync(1014, "origin protocol error");
        await session.Client.SendAsync(WsFrame.Close(1014, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(2));
        await session.Origin.DisposeAsync();
        await session.ExpectEndAsync("origin", "origin_protocol_error", 1014, 1002);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task TransparentDomain_IllegalFramesPass(string name)
    {
        var illegal = Frames[name];
        await using var session = await OpenAsync(illegal, "transparent");
        var up = illegal.Frame(illegal.WrongMask ? null : WsFrame.ClientKey);
        var down = illegal.Frame(illegal.WrongMask ? WsFrame.ClientKey : null);
        await session.PassUpAsync([.. illegal.Before(WsFrame.ClientKey), .. up]);
        await session.PassDownAsync([.. illegal.Before(null), .. down]);
        if (illegal.HasBoundary && (up[0] & 15) != WsFrame.CloseOpcode)
        {
            await session.GreetAsync();
        }
    }

    [Fact]
    public async Task LegalFramesOfEveryKind_Pass()
    {
        await using var session = await Session.OpenAsync(
            way,
            handshake: handshake => handshake.With("Sec-WebSocket-Extensions", DeflateOffer),
            fields: $"Sec-WebSocket-Extensions: {DeflateOffer}\r\n");
        await session.PassUpAsync(Legal(WsFrame.ClientKey));
        await session.PassDownAsync(Legal(null));
        await session.Client.SendSlowlyAsync(Legal(WsFrame.ClientKey)[..600]);
        await session.Origin.ExpectAsync(Legal(WsFrame.ClientKey)[..600]);
    }

    [Fact]
    public async Task UnknownExtension_ItsBitsAndOpcodesPass()
    {
        await using var session = await Session.OpenAsync(
            way,
            handshake: handshake => handshake.With("Sec-WebSocket-Extensions", "x-mux; channels=4"),
            fields: "Sec-WebSocket-Extensions: x-mux; channels=4\r\n");
        foreach (var rsv in Enumerable.Range(0, 8))
        {
            await session.PassUpAsync(WsFrame.Build(WsFrame.TextOpcode, "bits"u8, WsFrame.ClientKey, rsv: rsv));
            await session.PassDownAsync(WsFrame.Build(3, "opcode"u8, rsv: rsv));
            await session.PassDownAsync(WsFrame.Build(11, "opcode"u8, rsv: rsv));
        }

        await session.Client.SendAsync(WsFrame.Text("bare"));
        await session.Client.ExpectCloseAsync(1002, "protocol error");
        await session.Origin.ExpectCloseAsync(1001, "client protocol error");
    }

    [Fact]
    public async Task IllegalFrameInOnePieceWithLegalOnes_TheLegalOnesPassFirst()
    {
        await using var session = await Session.OpenAsync(way);
        byte[] legal = [.. WsFrame.Text("one", WsFrame.ClientKey), .. WsFrame.Build(WsFrame.PingOpcode, "two"u8, WsFrame.ClientKey)];
        await session.Client.SendAsync((byte[])[.. legal, .. WsFrame.Build(5, "three"u8, WsFrame.ClientKey), .. legal]);
        await session.Origin.ExpectAsync(legal);
        await session.Origin.ExpectCloseAsync(1001, "client protocol error");
        var line = await CloseAsync(session);
        Assert.Equal($"{legal.Length} 0 1 0", EndsTable.Counts(line));

        static async Task<LogLine> CloseAsync(Session session)
        {
            await session.Client.ExpectCloseAsync(1002, "protocol error");
            await session.Client.DisposeAsync();
            await session.Origin.SendAsync(WsFrame.Close(1001));
            return await session.ExpectEndAsync("client", "client_protocol_error", 1002, 1001);
        }
    }

    [Fact]
    public async Task IllegalFrameByteByByte_IsSeen()
    {
        await using var session = await Session.OpenAsync(way);
        await session.Client.SendSlowlyAsync(WsFrame.Header(WsFrame.TextOpcode, 100, WsFrame.ClientKey, form: LengthForm.Sixteen));
        await session.Client.ExpectCloseAsync(1002, "protocol error");
        await session.Origin.ExpectCloseAsync(1001, "client protocol error");
    }

    private static byte[] Legal(byte[]? mask) =>
    [
        .. WsFrame.Build(WsFrame.TextOpcode, [], mask),
        .. WsFrame.Build(WsFrame.PingOpcode, [], mask),
        .. WsFrame.Build(WsFrame.PongOpcode, WsFrame.Pattern(125), mask),
        .. WsFrame.Build(WsFrame.TextOpcode, "a"u8, mask, fin: false, rsv: 4),
        .. WsFrame.Build(WsFrame.PingOpcode, "between"u8, mask),
        .. WsFrame.Build(WsFrame.Continuation, [], mask, fin: false),
        .. WsFrame.Build(WsFrame.Continuation, "b"u8, mask),
        .. WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(126), mask, rsv: 4),
        .. WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(127), mask),
        .. WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(65_535), mask),
        .. WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(65_536), mask),
    ];

    private static Dictionary<string, IllegalFrame> Table()
    {
        var table = new Dictionary<string, IllegalFrame>(StringComparer.Ordinal)
        {
            ["masked like the other side"] = new(mask => WsFrame.Text("mask", mask), WrongMask: true),
            ["ping masked like the other side"] = new(mask => WsFrame.Build(WsFrame.PingOpcode, "m"u8, mask), WrongMask: true),
            ["Close masked like the other side"] = new(mask => WsFrame.Close(1000, "", mask), WrongMask: true),
            ["ping of 126 bytes"] = new(mask => WsFrame.Build(WsFrame.PingOpcode, WsFrame.Pattern(126), mask)),
            ["pong of 70000 bytes"] = new(mask => WsFrame.Build(WsFrame.PongOpcode, WsFrame.Pattern(70_000), mask)),
            ["Close of 126 bytes"] = new(mask => WsFrame.Close(1000, new string('r', 124), mask)),
            ["fragmented ping"] = new(mask => WsFrame.Build(WsFrame.PingOpcode, "p"u8, mask, fin: false)),
            ["fragmented Close"] = new(mask => WsFrame.Build(WsFrame.CloseOpcode, [3, 232], mask, fin: false)),
            ["125 bytes in the 16-bit form"] = new(mask => WsFrame.Build(WsFrame.TextOpcode, WsFrame.Pattern(125), mask, form: LengthForm.Sixteen)),
            ["no byte in the 16-bit form"] = new(mask => WsFrame.Build(WsFrame.TextOpcode, [], mask, form: LengthForm.Sixteen)),
            ["5 bytes in the 64-bit form"] = new(mask => WsFrame.Build(WsFrame.TextOpcode, "12345"u8, mask, form: LengthForm.SixtyFour)),
            ["65535 bytes in the 64-bit form"] = new(
                mask => WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(65_535), mask, form: LengthForm.SixtyFour)),
            ["length with the top bit set"] = new(mask => WsFrame.Header(WsFrame.BinaryOpcode, 0x8000_0000_0000_0005, mask)) { HasBoundary = false },
            ["longest length"] = new(mask => WsFrame.Header(WsFrame.BinaryOpcode, ulong.MaxValue, mask)) { HasBoundary = false },
            ["continuation of nothing"] = new(mask => WsFrame.Build(WsFrame.Continuation, "c"u8, mask)),
            ["continuation after a whole message"] = new(mask => WsFrame.Build(WsFrame.Continuation, "c"u8, mask))
            {
                Before = mask => WsFrame.Text("whole", mask),
            },
            ["text inside a fragmented message"] = new(mask => WsFrame.Text("again", mask))
            {
                Before = mask => WsFrame.Build(WsFrame.TextOpcode, "f"u8, mask, fin: false),
            },
            ["binary inside a fragmented message after a ping"] = new(mask => WsFrame.Build(WsFrame.BinaryOpcode, "b"u8, mask, fin: false))
            {
                Before = mask => [.. WsFrame.Build(WsFrame.TextOpcode, "f"u8, mask, fin: false), .. WsFrame.Build(WsFrame.PingOpcode, [], mask)],
            },
            ["Close of one byte"] = new(mask => WsFrame.Build(WsFrame.CloseOpcode, [3], mask)),
            ["RSV1 on a continuation"] = new(mask => WsFrame.Build(WsFrame.Continuation, "c"u8, mask, rsv: 4))
            {
                Before = mask => WsFrame.Build(WsFrame.TextOpcode, "f"u8, mask, fin: false, rsv: 4),
                Deflate = true,
            },
            ["RSV1 on a ping"] = new(mask => WsFrame.Build(WsFrame.PingOpcode, "p"u8, mask, rsv: 4)) { Deflate = true },
            ["RSV2 with permessage-deflate"] = new(mask => WsFrame.Build(WsFrame.TextOpcode, "t"u8, mask, rsv: 2)) { Deflate = true },
            ["RSV1 and RSV3 with permessage-deflate"] = new(mask => WsFrame.Build(WsFrame.TextOpcode, "t"u8, mask, rsv: 5)) { Deflate = true },
        };
        foreach (var opcode in (int[])[3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
        {
            table[$"opcode {opcode}"] = new IllegalFrame(mask => WsFrame.Build(opcode, "x"u8, mask));
        }

        foreach (var rsv in (int[])[1, 2, 4])
        {
            table[$"reserved bits {rsv} without an extension"] = new IllegalFrame(mask => WsFrame.Build(WsFrame.TextOpcode, "x"u8, mask, rsv: rsv));
        }

        foreach (var code in (int[])[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
        {
            table[$"Close {code}"] = new IllegalFrame(mask => WsFrame.Close(code, "why", mask));
        }

        return table;
    }

    private Task<Session> OpenAsync(IllegalFrame illegal, string protocol)
        => Session.OpenAsync(
            way,
            change: document => document.Set("protocol", protocol),
            handshake: handshake => illegal.Deflate ? handshake.With("Sec-WebSocket-Extensions", DeflateOffer) : handshake,
            fields: illegal.Deflate ? $"Sec-WebSocket-Extensions: {DeflateOffer}\r\n" : "");
}

public sealed class PolicingOverHttp1() : ProtocolPolicing(Way.Http1);

public sealed class PolicingOverTls() : ProtocolPolicing(Way.Tls);

public sealed class PolicingOverHttp2() : ProtocolPolicing(Way.Http2);

/// <summary>Messages over <c>maxMessageBytes</c>.</summary>
public abstract class MessageLimits(Way way)
{
    private const int Limit = 1000;

    [Fact]
    public async Task MessageOfExactlyTheLimit_Passes()
    {
        await using var session = await OpenAsync();
        await session.PassUpAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(Limit), WsFrame.ClientKey));
        await session.PassDownAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(Limit)));
        await session.PassUpAsync(Fragments(600, 400, WsFrame.ClientKey));
        await session.PassUpAsync(Fragments(600, 400, WsFrame.ClientKey));
        await session.PassDownAsync(Fragments(999, 1, null));
    }

    [Fact]
    public async Task HeaderPromisesTooMuch_SessionEndsBeforeAnyByteOfTheFramePasses()
    {
        await using var session = await OpenAsync();
        await session.Client.SendAsync(WsFrame.Header(WsFrame.BinaryOpcode, Limit + 1, WsFrame.ClientKey));
        await session.Client.ExpectCloseAsync(1009, "message too big", TimeSpan.FromSeconds(2));
        await session.Origin.ExpectCloseAsync(1001, "client message too big", TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task OriginHeaderPromisesTooMuch_SessionEndsBeforeAnyByteOfTheFramePasses()
    {
        await using var session = await OpenAsync();
        await session.Origin.SendAsync(WsFrame.Header(WsFrame.BinaryOpcode, (ulong)1 << 40));
        await session.Client.ExpectCloseAsync(1014, "origin message too big", TimeSpan.FromSeconds(2));
        await session.Origin.ExpectCloseAsync(1009, "message too big", TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task SumOfFragmentsIsTooMuch_LastFragmentDoesNotPass()
    {
        await using var session = await OpenAsync();
        var first = WsFrame.Build(WsFrame.TextOpcode, Encoding.ASCII.GetBytes(new string('a', 600)), WsFrame.ClientKey, fin: false);
        var ping = WsFrame.Build(WsFrame.PingOpcode, WsFrame.Pattern(100), WsFrame.ClientKey);
        var second = WsFrame.Build(WsFrame.Continuation, WsFrame.Pattern(400), WsFrame.ClientKey, fin: false);
        var third = WsFrame.Build(WsFrame.Continuation, WsFrame.Pattern(1), WsFrame.ClientKey);
        await session.Client.SendAsync((byte[])[.. first, .. ping, .. second, .. third]);
        await session.Origin.ExpectAsync([.. first, .. ping, .. second]);
        await session.Origin.ExpectCloseAsync(1001, "client message too big");
        await session.Client.ExpectCloseAsync(1009, "message too big");
        await session.Client.DisposeAsync();
        await session.Origin.SendAsync(WsFrame.Close(1001));
        var line = await session.ExpectEndAsync("client", "client_message_too_big", 1009, 1001);
        Assert.Equal((long)(first.Length + ping.Length + second.Length), line.Number("bytesUp"));
    }

    private static byte[] Fragments(int first, int second, byte[]? mask) =>
    [
        .. WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(first), mask, fin: false),
        .. WsFrame.Build(WsFrame.PongOpcode, WsFrame.Pattern(125), mask),
        .. WsFrame.Build(WsFrame.Continuation, WsFrame.Pattern(second), mask),
    ];

    private Task<Session> OpenAsync() => Session.OpenAsync(way, change: document => document.Set("maxMessageBytes", Limit));
}

public sealed class MessageLimitsOverHttp1() : MessageLimits(Way.Http1);

public sealed class MessageLimitsOverTls() : MessageLimits(Way.Tls);

public sealed class MessageLimitsOverHttp2() : MessageLimits(Way.Http2);
