using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>A Close frame that the edge makes.</summary>
public sealed record EdgeClose(int Code, string Reason);

/// <summary>One way to end, and what each side and the log see.</summary>
/// <param name="By">Who ended it, as the log says.</param>
/// <param name="Cause">Why, as the log says.</param>
/// <param name="ToClient">Close to the client; <see langword="null"/>: the client is gone.</param>
/// <param name="ToOrigin">Close to the origin; <see langword="null"/>: the origin is gone.</param>
public sealed record EndRow(string By, string Cause, EdgeClose? ToClient, EdgeClose? ToOrigin)
{
    /// <summary>What differs from a plain document.</summary>
    public Action<DomainDocument>? Document { get; init; }

    /// <summary>What brings the end about.</summary>
    public Func<Session, Task> Act { get; init; } = _ => Task.CompletedTask;

    /// <summary>The side that the edge does not listen to any more cannot speed the end up by an answer.</summary>
    public bool ClientAnswers { get; init; } = true;

    public bool OriginAnswers { get; init; } = true;

    /// <summary>The side that does not answer pings; the other one does.</summary>
    public string? SilentSide { get; init; }
}

/// <summary>Every row of the table of ends that is not a relayed Close: one exact Close each, then FIN each, and one line in the log.</summary>
public abstract class EndsTable(Way way)
{
    private const int Limit = 100;

    private static readonly byte[] UnmaskedText = WsFrame.Text("bare");
    private static readonly byte[] MaskedText = WsFrame.Text("veiled", WsFrame.ClientKey);
    private static readonly EdgeClose Lost = new(1014, "origin lost");
    private static readonly EdgeClose Lost1011 = new(1011, "origin lost");

    private static readonly Dictionary<string, EndRow> Rows = new(StringComparer.Ordinal)
    {
        ["idle timeout"] = Both("edge", "idle_timeout", 1001, 1001, "idle timeout") with { Document = document => document.Set("timeoutSeconds", 1) },
        ["session lifetime"] = Both("edge", "session_lifetime", 1001, 1001, "session lifetime") with
        {
            Document = document => document.Set("maxSessionSeconds", 1),
        },
        ["domain turned off"] = Both("operator", "domain_disabled", 1008, 1001, "domain disabled") with
        {
            Act = session => session.ChangeAsync(document => document.Set("enabled", false)),
        },
        ["acceleration turned static"] = Both("operator", "domain_disabled", 1008, 1001, "domain disabled") with
        {
            Act = session => session.ChangeAsync(document => document.At("acceleration", "static")),
        },
        ["domain deleted"] = Both("operator", "domain_deleted", 1008, 1001, "domain deleted") with
        {
            Act = session => session.Edge.Admin.DeleteDomainAsync(session.Domain),
        },
        ["tenant blocked"] = Both("operator", "tenant_blocked", 1008, 1001, "tenant blocked") with
        {
            Act = BlockTenantAsync,
        },
        ["operator"] = Both("operator", "closed_by_operator", 1008, 1001, "closed by operator") with { Act = OperatorAsync },
        ["client breaks the protocol"] = new("client", "client_protocol_error", new(1002, "protocol error"), new(1001, "client protocol error"))
        {
            Act = session => session.Client.SendAsync(UnmaskedText),
            ClientAnswers = false,
        },
        ["origin breaks the protocol"] = new("origin", "origin_protocol_error", new(1014, "origin protocol error"), new(1002, "protocol error"))
        {
            Act = session => session.Origin.SendAsync(MaskedText),
            OriginAnswers = false,
        },
        ["origin breaks the protocol, 1011"] = new("origin", "origin_protocol_error", new(1011, "origin protocol error"), new(1002, "protocol error"))
        {
            Document = OriginLost1011,
            Act = session => session.Origin.SendAsync(MaskedText),
            OriginAnswers = false,
        },
        ["client's message too big"] = new("client", "client_message_too_big", new(1009, "message too big"), new(1001, "client message too big"))
        {
            Document = Limited,
            Act = session => session.Client.SendAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(Limit + 1), WsFrame.ClientKey)),
            ClientAnswers = false,
        },
        ["origin's message too big"] = new("origin", "origin_message_too_big", new(1014, "origin message too big"), new(1009, "message too big"))
        {
            Document = Limited,
            Act = session => session.Origin.SendAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(Limit + 1))),
            OriginAnswers = false,
        },
        ["origin's message too big, 1011"] = new("origin", "origin_message_too_big", new(1011, "origin message too big"), new(1009, "message too big"))
        {
            Document = document =>
            {
                Limited(document);
                OriginLost1011(document);
            },
            Act = session => session.Origin.SendAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(Limit + 1))),
            OriginAnswers = false,
        },
        ["origin finishes without a Close"] = new("origin", "origin_lost", Lost, null) { Act = session => session.Origin.FinishAsync() },
        ["origin resets"] = new("origin", "origin_lost", Lost, null) { Act = session => Cut(session.Origin) },
        ["origin resets, 1011"] = new("origin", "origin_lost", Lost1011, null) { Document = OriginLost1011, Act = session => Cut(session.Origin) },
        ["client finishes without a Close"] = new("client", "client_lost", null, new(1001, "client lost"))
        {
            Act = session => session.Client.FinishAsync(),
        },
        ["client resets"] = new("client", "client_lost", null, new(1001, "client lost")) { Act = session => Cut(session.Client) },
        ["client does not answer pings"] = new("client", "client_ping_timeout", new(1001, "ping timeout"), new(1001, "client lost"))
        {
            Document = Pinging,
            SilentSide = "client",
        },
        ["origin does not answer pings"] = new("origin", "origin_ping_timeout", Lost, new(1001, "ping timeout"))
        {
            Document = Pinging,
            SilentSide = "origin",
        },
        ["origin does not answer pings, 1011"] = new("origin", "origin_ping_timeout", Lost1011, new(1001, "ping timeout"))
        {
            Document = document =>
            {
                Pinging(document);
                OriginLost1011(document);
            },
            SilentSide = "origin",
        },
    };

    public static TheoryData<string> Names => [.. Rows.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task SessionEnds_EachSideGetsItsCloseAndTheLogSaysWhy(string name)
    {
        var row = Rows[name];
        var edge = await SharedEdge.GetAsync();
        var tenant = "t-" + EdgeProcess.NewDomain().Replace(".test", "", StringComparison.Ordinal);
        await edge.Admin.PutTenantAsync(tenant);
        await using var session = await Session.OpenAsync(way, edge, change: document =>
        {
            document.At("tenant", tenant);
            row.Document?.Invoke(document);
        });
        await session.GreetAsync();
        await row.Act(session);
        await Task.WhenAll(
            EndSideAsync(session.Client, row.ToClient, WsFrame.ClientKey, row.ClientAnswers, row.SilentSide == "client", row.SilentSide is not null),
            EndSideAsync(session.Origin, row.ToOrigin, null, row.OriginAnswers, row.SilentSide == "origin", row.SilentSide is not null));

        var line = await session.ExpectEndAsync(row.By, row.Cause, row.ToClient?.Code ?? 0, row.ToOrigin?.Code ?? 0);
        Assert.Equal(tenant, line.Text("tenant"));
        Assert.Equal("11 9 1 1", Counts(line));
        await edge.Admin.WaitForSessionsAsync(session.Domain, 0);
    }

    internal static string Counts(LogLine line)
        => $"{line.Number("bytesUp")} {line.Number("bytesDown")} {line.Number("messagesUp")} {line.Number("messagesDown")}";

    private static EndRow Both(string by, string cause, int client, int origin, string reason)
        => new(by, cause, new(client, reason), new(origin, reason));

    private static void Limited(DomainDocument document) => document.Set("maxMessageBytes", Limit);

    private static void Pinging(DomainDocument document) => document.Set("pingSeconds", 1);

    private static void OriginLost1011(DomainDocument document) => document.Set("originLostCode", 1011);

    private static Task OperatorAsync(Session session) => session.Edge.Admin.EndOnlySessionAsync(session.Domain);

    private static async Task BlockTenantAsync(Session session)
    {
        var listed = (await session.Edge.OnlySessionAsync(session.Domain));
        await session.Edge.Admin.PutTenantAsync(listed.GetProperty("tenant").GetString()!, blocked: true);
    }

    private static Task Cut(Wire wire)
    {
        wire.Cut();
        return Task.CompletedTask;
    }

    private static async Task EndSideAsync(Wire side, EdgeClose? close, byte[]? mask, bool answers, bool isSilent, bool isPinged)
    {
        if (close is null)
        {
            return;
        }

        if (isSilent)
        {
            await side.ExpectPingAsync();
            await side.ExpectCloseAsync(close.Code, close.Reason);
            await side.ExpectEndAsync(TimeSpan.FromSeconds(6));
            return;
        }

        if (isPinged)
        {
            await AnswerPingsUntilCloseAsync(side, close, mask);
        }
        else
        {
            await side.ExpectCloseAsync(close.Code, close.Reason);
        }

        await side.SendAsync(WsFrame.Close(close.Code, "", mask));
        await side.ExpectEofAsync(answers ? TimeSpan.FromSeconds(1.25) + Metronome.Lateness : TimeSpan.FromSeconds(6));
    }

    private static async Task AnswerPingsUntilCloseAsync(Wire side, EdgeClose close, byte[]? mask)
    {
        while (true)
        {
            var frame = await side.ReadFrameAsync("a ping or Close of the edge");
            if (frame.Opcode != WsFrame.PingOpcode)
            {
                Assert.Equal(close, new EdgeClose(frame.CloseCode, frame.CloseReason));
                return;
            }

            await side.SendAsync(WsFrame.Build(WsFrame.PongOpcode, frame.Payload, mask));
        }
    }
}

public sealed class EndsOverHttp1() : EndsTable(Way.Http1);

public sealed class EndsOverTls() : EndsTable(Way.Tls);

public sealed class EndsOverHttp2() : EndsTable(Way.Http2);
