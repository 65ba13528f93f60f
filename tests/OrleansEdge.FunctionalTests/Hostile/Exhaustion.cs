using System.Diagnostics;
using System.Net.Sockets;
using OrleansEdge.FunctionalTests.Refusals;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Hostile;

/// <summary>Peers that try to use the edge up: by slowness, by numbers, by promises.</summary>
public sealed class Exhaustion(HostileEdge edge) : IClassFixture<HostileEdge>
{
    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    public async Task HeadDripsForever_Is408AfterTenSeconds(Way way)
    {
        await using var wire = await ScriptedClient.ConnectAsync(edge.Process, way);
        var start = Stopwatch.GetTimestamp();
        await wire.SendAsync("GET / HTTP/1.1\r\nHost: x.test\r\nX-Slow: ");
        while (!await wire.AnythingAsync(TimeSpan.FromMilliseconds(500)) && Stopwatch.GetElapsedTime(start).TotalSeconds < 20)
        {
            await wire.SendAsync("x");
        }

        var answer = await wire.ReadResponseAsync();
        Assert.Equal(408, answer.Status);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 9.5, 13);
        await wire.ExpectEndAsync();
    }

    [Fact]
    public async Task TlsHandshakeThatNeverComes_ConnectionEnds()
    {
        await using var wire = await StreamWire.ConnectAsync(edge.Process.EdgeTls);
        await wire.SendAsync([0x16, 0x03, 0x01]);
        await wire.ExpectEndAsync(TimeSpan.FromSeconds(14));
    }

    [Fact]
    public async Task HundredsOfSilentConnections_DoNotKeepOthersOut()
    {
        var wires = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => StreamWire.ConnectAsync(i % 2 == 0 ? edge.Process.Edge : edge.Process.EdgeTls)));
        await using (var session = await Session.OpenAsync(Way.Tls, edge.Process))
        {
            await session.GreetAsync();
        }

        foreach (var wire in wires)
        {
            wire.Cut();
            await wire.DisposeAsync();
        }

        await edge.AssertRecoveredAsync();
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task FramePromisesTheLongestLength_ItsBytesPassAndMemoryStays(Way way)
    {
        await using var session = await Session.OpenAsync(way, edge.Process);
        var header = WsFrame.Header(WsFrame.BinaryOpcode, long.MaxValue, WsFrame.ClientKey);
        await session.PassUpAsync(header);
        await session.PassDownAsync(WsFrame.Header(WsFrame.BinaryOpcode, long.MaxValue));
        var block = WsFrame.Pattern(1024 * 1024);
        for (var i = 0; i < 16; i++)
        {
            var sending = session.Client.SendAsync(block);
            await session.Origin.ExpectAsync(block);
            await sending;
        }

        session.Client.Cut();
        await session.Origin.ExpectCutAsync();
        await session.ExpectEndAsync("client", "client_lost", 0, 0);
        await edge.AssertRecoveredAsync();
    }

    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task FloodOfPings_PassesAndMemoryStays(Way way)
    {
        await using var session = await Session.OpenAsync(way, edge.Process, change: document => document.Set("pingSeconds", 1));
        byte[] pings = [.. Enumerable.Range(0, 1000).SelectMany(i => WsFrame.Build(WsFrame.PingOpcode, BitConverter.GetBytes(i), WsFrame.ClientKey))];
        for (var i = 0; i < 100; i++)
        {
            var sending = session.Client.SendAsync(pings);
            await session.Origin.ExpectAsync(pings);
            await sending;
        }

        await session.Origin.SendAsync(WsFrame.Build(WsFrame.PongOpcode, BitConverter.GetBytes(999)));
        await session.Client.ExpectAsync(WsFrame.Build(WsFrame.PongOpcode, BitConverter.GetBytes(999)));
        await session.Client.DisposeAsync();
        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task SlowReaders_DoNotGrowMemoryAndCanBeEnded()
    {
        const int Count = 40;
        await using var first = await Session.OpenAsync(Way.Http1, edge.Process, change: document => document.Set("timeoutSeconds", 0));
        var sessions = new List<Session>();
        for (var i = 0; i < Count; i++)
        {
            sessions.Add(await Session.OpenAsync(edge.Process, Way.Http1, first.Listener, first.Domain, receiveBuffer: 4096));
        }

        var before = edge.Process.ResidentBytes;
        var frame = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(16 * 1024 * 1024));
        var floods = sessions.ConvertAll(session => FloodAsync(session.Origin, frame));
        await first.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(2));
        Assert.DoesNotContain(floods, flood => flood.IsCompleted);
        Assert.True(edge.Process.ResidentBytes - before < 32L * 1024 * 1024, $"resident memory grew by {(edge.Process.ResidentBytes - before) >> 20} MiB");
        await first.GreetAsync();

        await edge.Process.Admin.DeleteDomainAsync(first.Domain);
        await edge.Process.Admin.WaitForSessionsAsync(first.Domain, 0, TimeSpan.FromSeconds(15));
        await Task.WhenAll(floods);
        foreach (var session in sessions)
        {
            await session.Client.DisposeAsync();
        }

        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task ManySessionsOpenAndVanish_NothingIsLeft()
    {
        await using var first = await Session.OpenAsync(Way.Http1, edge.Process);
        for (var round = 0; round < 10; round++)
        {
            var opening = Enumerable.Range(0, 20).Select(_ => Session.OpenAsync(edge.Process, Way.Http1, first.Listener, first.Domain)).ToList();
            foreach (var session in await Task.WhenAll(opening))
            {
                session.Client.Cut();
            }
        }

        await edge.Process.Admin.WaitForSessionsAsync(first.Domain, 1);
        await first.GreetAsync();
        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task HalfOpenHandshakes_AreGivenUp()
    {
        await using var origin = ScriptedOrigin.Start();
        var domain = EdgeProcess.NewDomain();
        await edge.Process.Admin.PutDomainAsync(new DomainDocument(domain, origin.Port));
        var wires = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            var wire = await StreamWire.ConnectAsync(edge.Process.Edge);
            await wire.SendAsync(new Handshake(domain).ToHttp1());
            return wire;
        }));
        foreach (var wire in wires)
        {
            Assert.Equal("origin_timeout", (await wire.ReadResponseAsync()).Code);
            await wire.DisposeAsync();
        }

        await origin.DisposeAsync();
        await edge.AssertRecoveredAsync();
    }

    [Fact]
    public async Task MoreConnectionsThanDescriptors_EdgeServesAgainWhenTheyAreGone()
    {
        await using var small = await EdgeProcess.StartAsync(prefix: "prlimit --nofile=600");
        await small.Admin.PutTenantAsync(AdminClient.Tenant);
        await using var session = await Session.OpenAsync(Way.Http1, small);
        await session.GreetAsync();
        var before = small.Descriptors;
        var sockets = new List<Socket>();
        for (var i = 0; i < 900; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            try
            {
                await socket.ConnectAsync(small.Edge, patience.Token);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException)
            {
                break;
            }
        }

        // The open session does not suffer, and the edge says no where it can still say something.
        await session.GreetAsync();
        Assert.False(small.HasExited, small.Errors());
        sockets.ForEach(socket => socket.Dispose());
        await ExpectServiceAsync(small, session);
        var deadline = new Deadline(Wire.Patience);
        while (small.Descriptors > before + 12)
        {
            Assert.True(deadline.Left > TimeSpan.Zero, $"{small.Descriptors} descriptors are open, {before} before");
            await Task.Delay(100);
        }
    }

    [Fact]
    public async Task MoreSessionsThanDescriptors_TheRestIsRefusedAsOverloaded()
    {
        await using var small = await EdgeProcess.StartAsync(prefix: "prlimit --nofile=600");
        await small.Admin.PutTenantAsync(AdminClient.Tenant);
        await using var first = await Session.OpenAsync(Way.Http1, small);
        var open = new List<Wire>();
        ScriptedResponse? refused = null;
        for (var i = 0; i < 400 && refused is null; i++)
        {
            var accepting = first.Listener.AcceptWebSocketAsync();
            var (wire, answer) = await ScriptedClient.HandshakeAsync(small, Way.Http1, new Handshake(first.Domain));
            if (answer.Status == 101)
            {
                await accepting;
                open.Add(wire);
                continue;
            }

            refused = answer;
            await wire.DisposeAsync();
            _ = accepting.ContinueWith(task => task.Exception, TaskScheduler.Default);
        }

        Assert.NotNull(refused);
        RefusalAnswer.AssertProblem(refused, 503, "edge_overloaded", "proxy_internal_error");
        RefusalAnswer.AssertRetryAfter(refused);
        await first.GreetAsync();
        foreach (var wire in open)
        {
            await wire.DisposeAsync();
        }
    }

    private static async Task ExpectServiceAsync(EdgeProcess process, Session known)
    {
        var deadline = new Deadline(Wire.Patience);
        while (true)
        {
            var (wire, answer) = await ScriptedClient.HandshakeAsync(process, Way.Http1, new Handshake(EdgeProcess.NewDomain()));
            await wire.DisposeAsync();
            if (answer.Status == 404)
            {
                break;
            }

            Assert.True(deadline.Left > TimeSpan.Zero, $"the edge still answers {answer}");
        }

        await using var session = await Session.OpenAsync(process, Way.Http1, known.Listener, known.Domain);
        await session.GreetAsync();
    }

    private static async Task FloodAsync(Wire wire, byte[] frame)
    {
        try
        {
            await wire.SendAsync(frame);
        }
        catch (WireCutException)
        {
            // The edge ends the session in the midst of it.
        }
    }
}
