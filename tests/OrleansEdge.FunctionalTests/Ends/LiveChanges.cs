using System.Diagnostics;
using System.Text.Json.Nodes;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Ends;

/// <summary>What a change of a document does to sessions that are open, and to others not.</summary>
public abstract class LiveChanges(Way way)
{
    [Fact]
    public async Task TimeoutGoesDown_OpenSessionEndsByTheNewOne()
    {
        await using var session = await Session.OpenAsync(way, change: document => document.Set("timeoutSeconds", 60));
        var start = Stopwatch.GetTimestamp();
        await session.GreetAsync();
        await session.ChangeAsync(document => document.Set("timeoutSeconds", 2));
        var changed = Stopwatch.GetTimestamp();
        await session.Client.ExpectCloseAsync(1001, "idle timeout");
        Assert.InRange(Stopwatch.GetElapsedTime(start, session.Client.LastReceived).TotalSeconds, 2, double.MaxValue);
        Assert.InRange(Stopwatch.GetElapsedTime(changed, session.Client.LastReceived).TotalSeconds, 0, 3 + Metronome.Lateness.TotalSeconds);
    }

    [Fact]
    public async Task TimeoutGoesUp_OpenSessionStays()
    {
        await using var session = await Session.OpenAsync(way, change: document => document.Set("timeoutSeconds", 2));
        await session.GreetAsync();
        await session.ChangeAsync(document => document.Set("timeoutSeconds", 60));
        await session.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(4));
        await session.GreetAsync();
    }

    [Fact]
    public async Task TimeoutIsLifted_OpenSessionStays()
    {
        await using var session = await Session.OpenAsync(way, change: document => document.Set("timeoutSeconds", 1));
        await session.ChangeAsync(document => document.Set("timeoutSeconds", 0));
        await session.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(3));
        await session.GreetAsync();
    }

    [Fact]
    public async Task IdleCountsChanges_HeartbeatsCountNoLonger()
    {
        await using var session = await Session.OpenAsync(way, change: document => document.Set("timeoutSeconds", 3).Set("idleCounts", "frames"));
        await session.GreetAsync();
        await session.ChangeAsync(document => document.Set("idleCounts", "messages"));
        var ping = WsFrame.Build(WsFrame.PingOpcode, "beat"u8, WsFrame.ClientKey);
        await session.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(2));
        var beat = Stopwatch.GetTimestamp();
        await session.PassUpAsync(ping);
        await session.Client.ExpectCloseAsync(1001, "idle timeout");

        // By its frames it would stay open for three seconds after the heartbeat.
        Assert.InRange(Stopwatch.GetElapsedTime(beat, session.Client.LastReceived).TotalSeconds, 0, 2.9);
    }

    [Fact]
    public async Task PingSecondsIsSet_OpenSessionIsPinged()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        await session.ChangeAsync(document => document.Set("pingSeconds", 1));
        await session.Client.ExpectPingAsync(TimeSpan.FromSeconds(4));
        await session.Origin.ExpectPingAsync(TimeSpan.FromSeconds(4));
        await session.ChangeAsync(document => document.Set("pingSeconds", 0));
        await session.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(4));
        await session.PassUpAsync(WsFrame.Text("open", WsFrame.ClientKey));
    }

    [Fact]
    public async Task LifetimeIsSet_OpenSessionEndsByIt()
    {
        await using var session = await Session.OpenAsync(way);
        await session.GreetAsync();
        await session.ChangeAsync(document => document.Set("maxSessionSeconds", 2));
        await session.Origin.ExpectCloseAsync(1001, "session lifetime", TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task OriginLostCodeChanges_OpenSessionUsesIt()
    {
        await using var session = await Session.OpenAsync(way);
        await session.ChangeAsync(document => document.Set("originLostCode", 1011));
        await session.Origin.FinishAsync();
        await session.Client.ExpectCloseAsync(1011, "origin lost");
    }

    [Fact]
    public async Task EverythingElseChanges_OpenSessionGoesOnAndANewOneObeys()
    {
        await using var session = await Session.OpenAsync(way, change: document => document.Set("maxMessageBytes", 1000));
        await using var other = ScriptedOrigin.Start(tls: way == Way.Tls);
        await session.ChangeAsync(document =>
        {
            document.Set("maxMessageBytes", 10).Set("protocol", "transparent").Set("maxConnections", 2);
            document.At("access.allowedOrigins", new JsonArray("https://new.test")).At("hostHeader", "new.test");
            document.Json["origins"]!.AsArray().Clear();
            document.WithOrigin("127.0.0.1", other.Port);
        });
        await session.PassUpAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(1000), WsFrame.ClientKey));
        await session.GreetAsync();

        var (refused, answer) = await ScriptedClient.HandshakeAsync(session.Edge, way, new Handshake(session.Domain));
        await refused.DisposeAsync();
        Assert.Equal("origin_denied", answer.Code);
        await using var second = await Session.OpenAsync(
            session.Edge, way, other, session.Domain, handshake => handshake.With("Origin", "https://new.test"));
        Assert.Equal("new.test", second.Request.Headers["host"]);
        await second.Client.SendAsync(WsFrame.Build(WsFrame.BinaryOpcode, WsFrame.Pattern(11), WsFrame.ClientKey));
        await second.Client.ExpectCloseAsync(1009, "message too big");

        await session.Client.SendAsync(WsFrame.Text("unmasked"));
        await session.Client.ExpectCloseAsync(1002, "protocol error");
    }

    [Theory]
    [InlineData("off", "domain disabled", "websocket_disabled")]
    [InlineData("deleted", "domain deleted", "domain_unknown")]
    [InlineData("blocked", "tenant blocked", "tenant_blocked")]
    public async Task DomainGoesAwayDuringAHandshake_SessionDoesNotStayOpen(string change, string reason, string code)
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        var tenant = "late-" + domain.Split('.')[0];
        await edge.Admin.PutTenantAsync(tenant);
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var document = Session.Document(way, domain, origin.Port).At("tenant", tenant);
        await edge.Admin.PutDomainAsync(document);
        var opening = ScriptedClient.HandshakeAsync(edge, way, new Handshake(domain));
        var (wire, request) = await origin.AcceptRequestAsync();
        await ChangeAsync();
        await wire.SendAsync(ScriptedOrigin.SwitchingProtocols(request));
        var (client, answer) = await opening;
        await using var _ = client;
        if (answer.Status == ScriptedClient.Accepted(way))
        {
            await client.ExpectCloseAsync(1008, reason, TimeSpan.FromSeconds(3));
            await wire.ExpectCloseAsync(1001, reason, TimeSpan.FromSeconds(3));
        }
        else
        {
            Assert.Equal(code, answer.Code);
            await wire.ExpectEndAsync();
        }

        Task ChangeAsync() => change switch
        {
            "off" => edge.Admin.PutDomainAsync(document.Set("enabled", false)),
            "deleted" => edge.Admin.DeleteDomainAsync(domain),
            _ => edge.Admin.PutTenantAsync(tenant, blocked: true),
        };
    }

    [Fact]
    public async Task OtherDomainEnds_ThisOneIsUntouched()
    {
        await using var touched = await Session.OpenAsync(way);
        await using var untouched = await Session.OpenAsync(way);
        await touched.ChangeAsync(document => document.Set("enabled", false));
        await touched.Client.ExpectCloseAsync(1008, "domain disabled");
        await untouched.GreetAsync();
    }

    [Fact]
    public async Task SameDocumentIsPutAgain_SessionsAreUntouched()
    {
        await using var session = await Session.OpenAsync(way);
        await session.ChangeAsync(_ => { });
        await session.GreetAsync();
        await session.ChangeAsync(document => document.Set("timeoutSeconds", 61));
        await session.GreetAsync();
    }

    [Fact]
    public async Task WildcardEnds_ExactNameIsUntouched()
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Admin.PutDomainAsync(Session.Document(way, "*." + domain, origin.Port));
        await edge.Admin.PutDomainAsync(Session.Document(way, "exact." + domain, origin.Port));
        await using var wild = await Session.OpenAsync(edge, way, origin, "*." + domain, host: "other." + domain);
        await using var exact = await Session.OpenAsync(edge, way, origin, "exact." + domain);
        await edge.Admin.DeleteDomainAsync("*." + domain);
        await wild.Client.ExpectCloseAsync(1008, "domain deleted");
        await exact.GreetAsync();
    }

    [Fact]
    public async Task ExactNameIsAdded_SessionsOfTheWildcardKeepTheirDocument()
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Admin.PutDomainAsync(Session.Document(way, "*." + domain, origin.Port));
        await using var wild = await Session.OpenAsync(edge, way, origin, "*." + domain, host: "a." + domain);
        await edge.Admin.PutDomainAsync(Session.Document(way, "a." + domain, origin.Port).Set("enabled", false));
        await wild.GreetAsync();
        Assert.Single(await edge.Admin.SessionsAsync("*." + domain));
        var (refused, answer) = await ScriptedClient.HandshakeAsync(edge, way, new Handshake("a." + domain));
        await refused.DisposeAsync();
        Assert.Equal("websocket_disabled", answer.Code);

        await edge.Admin.DeleteDomainAsync("a." + domain);
        await wild.GreetAsync();
    }

    [Fact]
    public async Task DomainMovesToAnotherTenant_OpenSessionShowsIt()
    {
        await using var session = await Session.OpenAsync(way);
        await session.Edge.Admin.PutTenantAsync("mover");
        await session.ChangeAsync(document => document.At("tenant", "mover"));
        await session.GreetAsync();
        Assert.Equal("mover", Assert.Single(await session.Edge.Admin.SessionsAsync(session.Domain)).GetProperty("tenant").GetString());
        await session.Edge.Admin.EndOnlySessionAsync(session.Domain);
        await session.Client.DisposeAsync();
        Assert.Equal("mover", (await session.Edge.WaitForCloseLineAsync(session.Domain)).Text("tenant"));
    }
}

public sealed class LiveChangesOverHttp1() : LiveChanges(Way.Http1);

public sealed class LiveChangesOverTls() : LiveChanges(Way.Tls);

public sealed class LiveChangesOverHttp2() : LiveChanges(Way.Http2);
