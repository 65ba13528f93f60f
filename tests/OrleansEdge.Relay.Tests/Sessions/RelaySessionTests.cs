using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Model;
using OrleansEdge.Relay.Framing;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Tests.Metering;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Sessions;

/// <summary>The session between two peers in memory: what no timing of a real socket can provoke at will.</summary>
public sealed class RelaySessionTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly SessionClock _clock = new(TimeProvider.System);
    private readonly TestSpool _spool = new();

    public void Dispose()
    {
        _clock.Dispose();
        _spool.Dispose();
    }

    [Fact]
    public async Task EveryKindOfEndAtOnce_EachSideGetsAtMostOneClose_LastAndAtABoundary()
    {
        var random = new Random(1);
        for (var round = 0; round < 3000; round++)
        {
            var (session, client, origin) = Start();
            var run = session.RunAsync();
            var events = Events(session, client, origin, random);
            await Task.WhenAll(events.Select(Task.Run));
            client.ArriveEnd();
            origin.ArriveEnd();
            var end = await run.WaitAsync(Deadline);

            CheckSide(client, fromEdgeToClient: true, end.ClientCode, $"round {round}, {end}");
            CheckSide(origin, fromEdgeToClient: false, end.OriginCode, $"round {round}, {end}");
            Assert.True(client.IsDisposed && origin.IsDisposed);
        }
    }

    [Fact]
    public async Task EndWhileTheOriginIsInsideAFrame_TheFrameIsFinishedBeforeTheClose()
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        byte[] frame = [0x82, 100, .. new byte[100]];
        origin.Arrive(frame[..50]);
        await Until(() => client.Sent.Length == 50);
        session.TryEnd(EndCause.ClosedByOperator);
        origin.Arrive([.. frame[50..], 0x81, 1, (byte)'x']);
        await Until(() => client.Sent.Length > 100);
        client.ArriveEnd();
        origin.ArriveEnd();
        var end = await run.WaitAsync(Deadline);
        Assert.Equal([.. frame, .. ControlFrames.MakeClose(new(1008, "closed by operator"), masked: false)], client.Sent);
        Assert.Equal(1008, end.ClientCode);
    }

    [Fact]
    public async Task EndWhileTheOriginIsInsideAFrameAndGone_TheClientIsCutWithoutAClose()
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        origin.Arrive(0x82, 100, 1, 2, 3);
        await Until(() => client.Sent.Length == 5);
        origin.ArriveEnd();
        var end = await run.WaitAsync(Deadline);
        Assert.True(client.IsAborted);
        Assert.Equal((EndCause.OriginLost, 0), (end.Rule.Cause, end.ClientCode));
        Assert.Equal(5, client.Sent.Length);
    }

    [Fact]
    public async Task CloseAndEndOfTheOriginWithFailingSends_IsTheOriginsClose()
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        origin.Arrive(0x88, 2, 0x03, 0xE8);
        client.Arrive([0x81, 0x81, 0, 0, 0, 0, (byte)'x']);
        await Until(() => client.Sent.Length == 4);
        client.Arrive([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]);
        client.ArriveEnd();
        origin.ArriveEnd();
        var end = await run.WaitAsync(Deadline);
        Assert.Equal((EndCause.OriginClose, 1000, 1000), (end.Rule.Cause, end.ClientCode, end.OriginCode));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FaultOfTheEdge_BothSidesGet1011(bool whileReadingTheClient)
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        (whileReadingTheClient ? client : origin).Fault();
        await session.Signals.WaitAsync(Signals.End).WaitAsync(Deadline);
        (whileReadingTheClient ? origin : client).ArriveEnd();
        var end = await run.WaitAsync(Deadline);
        Assert.Equal((EndCause.EdgeFault, EndedBy.Edge, 1011, 1011), (end.Rule.Cause, end.Rule.By, end.ClientCode, end.OriginCode));
        Assert.Equal(ControlFrames.MakeClose(new(1011, "edge fault"), masked: false), client.Sent);
    }

    [Fact]
    public async Task StalledClient_StopsTheReadingOfTheOrigin()
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        client.Stall();
        byte[] message = [0x82, 126, 0x40, 0x00, .. new byte[0x4000]];
        for (var i = 0; i < 50; i++)
        {
            origin.Arrive(message);
        }

        await Until(() => !session.Origin.IsRead);
        Assert.Empty(client.Sent);
        client.Resume();
        await Until(() => client.Sent.Length == 50 * message.Length);
        Assert.Equal(50, session.Totals.MessagesDown);
        session.TryEnd(EndCause.ClosedByOperator);
        client.ArriveEnd();
        origin.ArriveEnd();
        await run.WaitAsync(Deadline);
    }

    [Fact]
    public async Task FramesOfBothPeers_AreCountedOnEachLeg()
    {
        var (session, client, origin) = Start();
        session.MeterOpening();
        var run = session.RunAsync();
        client.Arrive(0x01, 0x81, 0, 0, 0, 0, (byte)'a');
        client.Arrive(0x80, 0x81, 0, 0, 0, 0, (byte)'b', 0x89, 0x80, 0, 0, 0, 0);
        origin.Arrive(0x8A, 0, 0x82, 3, 1, 2, 3, 0x82, 0);
        await Until(() => origin.Sent.Length == 20 && client.Sent.Length == 9);
        client.Arrive(0x88, 0x80, 0, 0, 0, 0);
        origin.Arrive(0x88, 0);
        client.ArriveEnd();
        origin.ArriveEnd();
        await run.WaitAsync(Deadline);

        var expected = new UsageCounts { BytesUp = 26, BytesDown = 11, MessagesUp = 1, MessagesDown = 2, OriginBytesUp = 26, OriginBytesDown = 11, Sessions = 1 };
        Assert.Equal(expected, Metered("t"));
        Assert.Equal(new SessionTotals(26, 11, 1, 2), session.Totals);
    }

    [Fact]
    public async Task FramesOfTheEdge_AndWhatAnswersThem_AreCountedApart()
    {
        var (session, client, origin) = Start(new WebSocketConfig { PingSeconds = 1, TimeoutSeconds = 0 });
        var run = session.RunAsync();
        await Until(() => client.Sent.Length == 10);
        client.Arrive([0x8A, 0x88, 0, 0, 0, 0, .. client.Sent[2..]]);
        await Until(() => session.Client.PingSentAt == 0);
        session.TryEnd(EndCause.ClosedByOperator);
        var close = ControlFrames.MakeClose(new(1008, "closed by operator"), masked: false);
        await Until(() => client.Sent.Length == 10 + close.Length);
        client.Arrive(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xF0);
        client.ArriveEnd();
        origin.ArriveEnd();
        await run.WaitAsync(Deadline);

        Assert.Equal(new UsageCounts { EdgeBytesDown = 10 + close.Length, EdgeBytesUp = 14 + 8 }, Metered("t"));
        Assert.Equal(default, session.Totals);
    }

    [Fact]
    public async Task SendThatIsCut_CountsWhatTheTransportTook()
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        client.TakesAtMost = 7;
        origin.Arrive(0x82, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        await Until(() => client.Sent.Length == 7);
        client.ArriveEnd();
        origin.ArriveEnd();
        await run.WaitAsync(Deadline);

        Assert.Equal(new UsageCounts { BytesDown = 7, OriginBytesDown = 12 }, Metered("t"));
        Assert.Equal(7, session.Totals.BytesDown);
    }

    [Fact]
    public async Task BytesThatAreRefusedOrDiscarded_AreNotCounted()
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        client.Arrive(0x82, 0x81, 0, 0, 0, 0, (byte)'x', 0x83, 0x80, 0, 0, 0, 0);
        client.Arrive(0x82, 0x81, 0, 0, 0, 0, (byte)'y');
        await session.Signals.WaitAsync(Signals.End).WaitAsync(Deadline);
        client.ArriveEnd();
        origin.ArriveEnd();
        await run.WaitAsync(Deadline);

        Assert.Equal((7, 1), (Metered("t").BytesUp, Metered("t").MessagesUp));
    }

    [Fact]
    public async Task DomainThatMovesToAnotherTenant_IsBilledToIt_FromThenOn()
    {
        var (session, client, origin) = Start();
        session.MeterOpening();
        var run = session.RunAsync();
        client.Arrive(0x82, 0x81, 0, 0, 0, 0, 1);
        await Until(() => origin.Sent.Length == 7);
        session.Apply(Snapshot("other", new()));
        client.Arrive(0x82, 0x82, 0, 0, 0, 0, 1, 2);
        await Until(() => origin.Sent.Length == 15);
        session.TryEnd(EndCause.ClosedByOperator);
        client.ArriveEnd();
        origin.ArriveEnd();
        await run.WaitAsync(Deadline);
        var age = session.MeterEnd();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => session.MeterTime(session.Age))));

        Assert.Equal((7, 1, 1), (Metered("t").BytesUp, Metered("t").MessagesUp, Metered("t").Sessions));
        Assert.Equal((8, 1, 0), (Metered("other").BytesUp, Metered("other").MessagesUp, Metered("other").Sessions));
        Assert.Equal((long)age.TotalMilliseconds, Metered("t").SessionMilliseconds + Metered("other").SessionMilliseconds);
    }

    [Fact]
    public async Task TimeOfAnIdleSession_IsCountedNowAndThen_OfABusyOneEachTime()
    {
        var time = new ManualTimeProvider();
        using var clock = new SessionClock(time);
        using var spool = new TestSpool(time);
        var (session, client, origin) = Start(time, new(time, clock, spool.Spool, NullLogger.Instance));
        session.MeterOpening();
        var run = session.RunAsync();
        Assert.Equal([0, 0, 30_000, 30_000], AfterEach(10, 19, 1, 29));
        client.Arrive(0x82, 0x80, 0, 0, 0, 0);
        await Until(() => origin.Sent.Length == 6);
        Assert.Equal([60_000, 60_000, 90_000], AfterEach(1, 1, 29));
        session.TryEnd(EndCause.ClosedByOperator);
        client.ArriveEnd();
        origin.ArriveEnd();
        await run.WaitAsync(Deadline);

        long[] AfterEach(params int[] seconds) => [.. seconds.Select(step =>
        {
            time.Advance(TimeSpan.FromSeconds(step));
            session.MeterTime();
            return TestSpool.SumFiles(spool.Folder).Values.Sum(static counts => counts.SessionMilliseconds);
        })];
    }

    [Fact]
    public async Task TimeThatIsCountedWhileTheSessionEnds_IsWhatTheEndSays()
    {
        for (var round = 0; round < 200; round++)
        {
            using var spool = new TestSpool();
            var (session, _, _) = Start(TimeProvider.System, new(TimeProvider.System, _clock, spool.Spool, NullLogger.Instance));
            session.MeterOpening();
            var isOver = false;
            var counting = Task.Run(() =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    session.MeterTime(session.Age);
                }
            });
            await Until(() => session.Age.TotalMilliseconds > 3);
            var age = session.MeterEnd();
            await Task.Yield();
            Volatile.Write(ref isOver, true);
            await counting;

            Assert.Equal((long)age.TotalMilliseconds, TestSpool.SumFiles(spool.Folder).Values.Sum(static counts => counts.SessionMilliseconds));
        }
    }

    [Fact]
    public async Task QuotaThatIsUsedUp_EndsTheSession()
    {
        var (session, client, origin) = Start();
        var run = session.RunAsync();
        session.Apply(Snapshot("t", new(), ExhaustedQuota.Http));
        Assert.False(session.Signals.IsRaised(Signals.End));

        session.Apply(Snapshot("t", new(), ExhaustedQuota.Websocket));

        client.ArriveEnd();
        origin.ArriveEnd();
        var end = await run.WaitAsync(Deadline);
        Assert.Equal((EndCause.QuotaExhausted, 1008, 1001), (end.Rule.Cause, end.ClientCode, end.OriginCode));
        Assert.Equal(ControlFrames.MakeClose(new(1008, "quota exhausted"), masked: false), client.Sent);
    }

    private UsageCounts Metered(string tenant) => TestSpool.SumFiles(_spool.Folder).GetValueOrDefault(new(tenant, "a.test", UsageKind.Websocket));

    private static DomainSnapshot Snapshot(string tenant, WebSocketConfig webSocket, ExhaustedQuota exhausted = ExhaustedQuota.None)
        => new(
            new() { Domain = "a.test", Tenant = tenant, WebSocket = webSocket, Origins = [new OriginConfig { Address = "127.0.0.1" }] },
            version: 1,
            tenantBlocked: false,
            exhausted);

    private (RelaySession Session, MemoryLeg Client, MemoryLeg Origin) Start(WebSocketConfig? webSocket = null)
        => Start(TimeProvider.System, new(TimeProvider.System, _clock, _spool.Spool, NullLogger.Instance), webSocket);

    private static (RelaySession Session, MemoryLeg Client, MemoryLeg Origin) Start(TimeProvider time, SessionServices services, WebSocketConfig? webSocket = null)
    {
        var client = new MemoryLeg();
        var origin = new MemoryLeg();
        var facts = new SessionFacts
        {
            Id = "1",
            Gateway = "g",
            Domain = new DomainState(time),
            Snapshot = Snapshot("t", webSocket ?? new()),
            Client = new IPEndPoint(IPAddress.Loopback, 1),
            Origin = new IPEndPoint(IPAddress.Loopback, 2),
            IsHttp2 = false,
            Subprotocol = null,
            Extensions = FrameExtensions.None,
            Path = "/",
            StartedAt = DateTimeOffset.UnixEpoch,
        };
        return (new RelaySession(facts, client, origin, services), client, origin);
    }

    // Some of all the things that can end a session, in random order and at the same time; each side's bytes stay in their order.
    private static List<Action> Events(RelaySession session, MemoryLeg client, MemoryLeg origin, Random random)
    {
        byte[] clientText = [0x81, 0x82, 0, 0, 0, 0, (byte)'h', (byte)'i'];
        byte[] originText = [0x81, 2, (byte)'h', (byte)'i'];
        byte[] clientClose = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];
        byte[] originClose = [0x88, 2, 0x03, 0xE9];
        var split = random.Next(1, 8);
        var causes = new[] { EndCause.IdleTimeout, EndCause.ClosedByOperator, EndCause.EdgeDraining, EndCause.SessionLifetime, EndCause.DomainDisabled };
        var cause = causes[random.Next(causes.Length)];
        var closes = random.Next(4);
        List<Action> events =
        [
            () =>
            {
                client.Arrive(clientText[..split]);
                client.Arrive(clientText[split..]);
                client.Arrive(closes is 0 or 2 ? clientClose : clientText);
            },
            () =>
            {
                origin.Arrive([.. originText, .. originText[..2]]);
                origin.Arrive([.. originText[2..], .. closes is 1 or 2 ? originClose : originText]);
            },
        ];
        if (random.Next(2) == 0)
        {
            events.Add(() => session.TryEnd(cause));
        }

        if (random.Next(4) == 0)
        {
            events.Add(random.Next(2) == 0 ? client.Break : origin.Break);
        }

        return [.. events.OrderBy(_ => random.Next())];
    }

    private static void CheckSide(MemoryLeg leg, bool fromEdgeToClient, int recordedCode, string what)
    {
        var scanner = new FrameScanner(new FrameRules(!fromEdgeToClient, ProtocolPolicing.Strict, FrameExtensions.None, 0));
        var sent = leg.Sent;
        var position = 0;
        var code = 0;
        while (true)
        {
            var stop = scanner.Scan(sent.AsSpan(position), false, out var passed, out var control);
            position += passed;
            Assert.True(stop is ScanStop.NeedMore or ScanStop.ControlFrame, $"{what}: {stop}");
            if (stop == ScanStop.NeedMore)
            {
                break;
            }

            Assert.True(code == 0, $"{what}: two Closes");
            code = ControlFrames.ReadCloseCode(control, sent.AsSpan(position));
            position += control.Length;
            Assert.True(position == sent.Length, $"{what}: {sent.Length - position} bytes behind the Close");
        }

        Assert.True(code == 0 || scanner.AtBoundary, $"{what}: Close inside a frame");
        Assert.True(code == recordedCode, $"{what}: {code} was sent, {recordedCode} recorded");
    }

    private static async Task Until(Func<bool> reached)
    {
        var deadline = DateTime.UtcNow + Deadline;
        while (!reached())
        {
            Assert.True(DateTime.UtcNow < deadline, "The expected state did not come.");
            await Task.Yield();
        }
    }
}
