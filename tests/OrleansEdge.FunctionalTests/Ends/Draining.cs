using System.Diagnostics;
using System.Net;
using OrleansEdge.FunctionalTests.Refusals;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>What clients and origins see when a process is told to stop. Each test has a process of its own.</summary>
public abstract class Draining(Way way)
{
    private static readonly string[] Quick = ["Edge:Drain:Delay=00:00:01", "Edge:Drain:Window=00:00:02", "Edge:Drain:Grace=00:00:04"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Drain_OriginIsToldFirstAndTheClientAfterItsAnswer(bool byApi)
    {
        await using var edge = await StartAsync();
        await using var session = await Session.OpenAsync(way, edge);
        await session.GreetAsync();
        if (byApi)
        {
            await edge.Admin.DrainAsync();
        }
        else
        {
            edge.Terminate();
        }

        await session.Origin.ExpectCloseAsync(1001, "edge draining", TimeSpan.FromSeconds(8));

        // What the origin still sends before its answer reaches the client, and only then the client is told.
        var last = WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(50_000));
        await session.PassDownAsync(last);
        await session.Client.ExpectSilenceAsync(TimeSpan.FromMilliseconds(300));
        await session.Origin.SendAsync(WsFrame.Text("acknowledged"), WsFrame.Close(1001));
        await session.Client.ExpectAsync(WsFrame.Text("acknowledged"));
        await session.Client.ExpectCloseAsync(1012, "service restart", TimeSpan.FromSeconds(1));
        await session.Client.SendAsync(WsFrame.Close(1012, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(3));
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(3));
        var line = await session.ExpectEndAsync("edge", "edge_draining", 1012, 1001, phase: "draining");
        Assert.Equal($"11 {9 + last.Length + WsFrame.Text("acknowledged").Length} 1 3", EndsTable.Counts(line));
        Assert.Equal(0, await edge.WaitForExitAsync(TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public async Task OriginDoesNotAnswerTheDrain_ClientIsToldAfterTwoSeconds()
    {
        await using var edge = await StartAsync();
        await using var session = await Session.OpenAsync(way, edge);
        await session.GreetAsync();
        edge.Terminate();
        await session.Origin.ExpectCloseAsync(1001, "edge draining", TimeSpan.FromSeconds(8));
        var told = Stopwatch.GetTimestamp();
        await session.Client.ExpectCloseAsync(1012, "service restart", TimeSpan.FromSeconds(4));
        Assert.InRange(Stopwatch.GetElapsedTime(told, session.Client.LastReceived).TotalSeconds, 1.5, 3 + Metronome.Lateness.TotalSeconds);
        await session.Client.SendAsync(WsFrame.Close(1012, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(3));
        Assert.Equal(0, await edge.WaitForExitAsync(TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public async Task HandshakesGoOnForTheDelayAndAreRefusedAfterIt()
    {
        await using var edge = await StartAsync();
        await using var session = await Session.OpenAsync(way, edge);
        Assert.Equal(HttpStatusCode.OK, await edge.Admin.GetStatusAsync("/healthz/ready"));
        edge.Terminate();
        await ExpectNotReadyAsync(edge);
        await using var during = await Session.OpenAsync(edge, way, session.Listener, session.Domain);
        await during.GreetAsync();
        await session.Origin.ExpectCloseAsync(1001, "edge draining", TimeSpan.FromSeconds(8));
        var (wire, answer) = await ScriptedClient.HandshakeAsync(edge, way, new Handshake(session.Domain));
        await using (wire)
        {
            RefusalAnswer.AssertProblem(answer, 503, "draining", "proxy_internal_response");
            RefusalAnswer.AssertRetryAfter(answer);
            if (way != Way.Http2)
            {
                Assert.Equal("close", answer.Headers["connection"]);
                await wire.ExpectEndAsync();
            }
        }

        await session.Origin.SendAsync(WsFrame.Close(1001));
        await during.Origin.ExpectCloseAsync(1001, "edge draining", TimeSpan.FromSeconds(8));
        await during.Origin.SendAsync(WsFrame.Close(1001));
        foreach (var client in (Wire[])[session.Client, during.Client])
        {
            await client.ExpectCloseAsync(1012, "service restart");
            await client.SendAsync(WsFrame.Close(1012, "", WsFrame.ClientKey));
        }

        Assert.Equal(0, await edge.WaitForExitAsync(TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public async Task HandshakeIsUnderWayWhenTheDrainBegins_ItsSessionIsClosedToo()
    {
        await using var edge = await StartAsync();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var domain = EdgeProcess.NewDomain();
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port));
        await using var other = await Session.OpenAsync(way, edge);
        var opening = ScriptedClient.HandshakeAsync(edge, way, new Handshake(domain));
        var (wire, request) = await origin.AcceptRequestAsync();
        edge.Terminate();
        await other.Origin.ExpectCloseAsync(1001, "edge draining", TimeSpan.FromSeconds(8));
        await wire.SendAsync(ScriptedOrigin.SwitchingProtocols(request));
        var (client, answer) = await opening;
        await using var _ = client;
        if (answer.Status == ScriptedClient.Accepted(way))
        {
            await wire.ExpectCloseAsync(1001, "edge draining", TimeSpan.FromSeconds(3));
            await wire.SendAsync(WsFrame.Close(1001));
            await client.ExpectCloseAsync(1012, "service restart", TimeSpan.FromSeconds(3));
            await client.SendAsync(WsFrame.Close(1012, "", WsFrame.ClientKey));
        }
        else
        {
            Assert.Equal("draining", answer.Code);
        }

        await other.Origin.SendAsync(WsFrame.Close(1001));
        await other.Client.ExpectCloseAsync(1012, "service restart");
        await other.Client.SendAsync(WsFrame.Close(1012, "", WsFrame.ClientKey));
        Assert.Equal(0, await edge.WaitForExitAsync(TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public async Task NoSessions_ProcessExitsAtOnce()
    {
        await using var edge = await StartAsync();
        edge.Terminate();
        Assert.Equal(0, await edge.WaitForExitAsync(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task PeersThatAnswerNothing_AreCutAndTheProcessExits()
    {
        await using var edge = await StartAsync();
        await using var session = await Session.OpenAsync(way, edge);
        await session.PassUpAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(1000), WsFrame.ClientKey)[..500]);
        await session.PassDownAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(1000))[..500]);
        edge.Terminate();
        await session.Client.ExpectEndAsync(TimeSpan.FromSeconds(15));
        await session.Origin.ExpectEndAsync(TimeSpan.FromSeconds(15));
        Assert.Equal(0, await edge.WaitForExitAsync(TimeSpan.FromSeconds(15)));
    }

    private static async Task ExpectNotReadyAsync(EdgeProcess edge)
    {
        var deadline = new Deadline(TimeSpan.FromSeconds(3));
        while (await edge.Admin.GetStatusAsync("/healthz/ready") != HttpStatusCode.ServiceUnavailable)
        {
            Assert.True(deadline.Left > TimeSpan.Zero, "readiness did not turn false");
        }
    }

    private static async Task<EdgeProcess> StartAsync()
    {
        var edge = await EdgeProcess.StartAsync(Quick);
        await edge.Admin.PutTenantAsync(AdminClient.Tenant);
        return edge;
    }
}

public sealed class DrainingOverHttp1() : Draining(Way.Http1);

public sealed class DrainingOverTls() : Draining(Way.Tls);

public sealed class DrainingOverHttp2() : Draining(Way.Http2);

/// <summary>A lifetime that is over ends a session like a drain does: the origin first.</summary>
public sealed class Lifetimes
{
    [Theory]
    [InlineData(Way.Http1)]
    [InlineData(Way.Tls)]
    [InlineData(Way.Http2)]
    public async Task LifetimeIsOver_WhatTheOriginSendsBeforeItsAnswerIsRelayed(Way way)
    {
        var start = Stopwatch.GetTimestamp();
        await using var session = await Session.OpenAsync(way, change: document => document.Set("maxSessionSeconds", 2));
        var open = Stopwatch.GetTimestamp();
        await session.GreetAsync();
        await session.Origin.ExpectCloseAsync(1001, "session lifetime");
        Assert.InRange(Stopwatch.GetElapsedTime(start, session.Origin.LastReceived).TotalSeconds, 2, double.MaxValue);
        Assert.InRange(Stopwatch.GetElapsedTime(open, session.Origin.LastReceived).TotalSeconds, 0, 3 + Metronome.Lateness.TotalSeconds);
        await session.PassDownAsync(WsFrame.Text("last words"));
        await session.Client.SendAsync(WsFrame.Text("discarded", WsFrame.ClientKey));
        await session.Origin.SendAsync(WsFrame.Close(1001));
        await session.Client.ExpectCloseAsync(1001, "session lifetime", TimeSpan.FromSeconds(1));
        await session.Client.SendAsync(WsFrame.Close(1001, "", WsFrame.ClientKey));
        await session.Client.ExpectEofAsync(TimeSpan.FromSeconds(3));
        await session.Origin.ExpectEofAsync(TimeSpan.FromSeconds(3));
        var line = await session.ExpectEndAsync("edge", "session_lifetime", 1001, 1001);
        Assert.Equal($"11 {9 + WsFrame.Text("last words").Length} 1 2", EndsTable.Counts(line));
    }
}
