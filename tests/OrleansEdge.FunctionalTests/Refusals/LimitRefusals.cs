using System.Globalization;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Refusals;

/// <summary>Refusals that depend on how many others there are.</summary>
public abstract class LimitRefusals(Way way)
{
    [Fact]
    public async Task MaxConnectionsReached_IsRefusedUntilOneCloses()
    {
        await using var first = await Session.OpenAsync(way, change: document => document.Set("maxConnections", 1));
        var (refused, answer) = await ScriptedClient.HandshakeAsync(first.Edge, way, new Handshake(first.Domain));
        await refused.DisposeAsync();
        RefusalAnswer.AssertProblem(answer, 429, "connection_limit", "http_request_denied");
        RefusalAnswer.AssertRetryAfter(answer);

        await first.Client.SendAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await first.Origin.ExpectAsync(WsFrame.Close(1000, "", WsFrame.ClientKey));
        await first.Origin.SendAsync(WsFrame.Close(1000));
        await first.Client.ExpectAsync(WsFrame.Close(1000));
        await first.Client.ExpectEofAsync();
        await first.Client.DisposeAsync();
        await first.Origin.ExpectEofAsync();
        await first.Edge.WaitForCloseLineAsync(first.Domain);

        await using var second = await Session.OpenWhenFreeAsync(first.Edge, way, first.Listener, first.Domain);
        await second.GreetAsync();
    }

    [Fact]
    public async Task MaxConnectionsSetLater_SessionsThatAreOpenCount()
    {
        await using var first = await Session.OpenAsync(way);
        await using var second = await Session.OpenAsync(first.Edge, way, first.Listener, first.Domain);
        await first.ChangeAsync(static document => document.Set("maxConnections", 2));

        var (refused, answer) = await ScriptedClient.HandshakeAsync(first.Edge, way, new Handshake(first.Domain));
        await refused.DisposeAsync();
        RefusalAnswer.AssertProblem(answer, 429, "connection_limit", "http_request_denied");

        await second.Client.DisposeAsync();
        await second.Origin.DisposeAsync();
        await first.Edge.WaitForCloseLineAsync(first.Domain);
        await using var third = await Session.OpenWhenFreeAsync(first.Edge, way, first.Listener, first.Domain);
        await third.GreetAsync();
        await first.GreetAsync();
    }

    [Fact]
    public async Task ManyHandshakesAtOnce_ExactlyMaxConnectionsAreOpened()
    {
        const int Limit = 5;
        var edge = await SharedEdge.GetAsync();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var domain = EdgeProcess.NewDomain();
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, origin.Port).Set("maxConnections", Limit));
        var serving = Enumerable.Range(0, Limit).Select(_ => origin.AcceptWebSocketAsync()).ToList();
        var attempts = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => ScriptedClient.HandshakeAsync(edge, way, new Handshake(domain))));
        await Task.WhenAll(serving);
        Assert.Equal(Limit, attempts.Count(attempt => attempt.Answer.Status == ScriptedClient.Accepted(way)));
        Assert.Equal(30 - Limit, attempts.Count(attempt => attempt.Answer.Code == "connection_limit"));
        await edge.Admin.WaitForSessionsAsync(domain, Limit);
        foreach (var (wire, _) in attempts)
        {
            await wire.DisposeAsync();
        }
    }

    [Fact]
    public async Task HandshakesThatFail_GiveTheirPlaceBack()
    {
        await using var first = await Session.OpenAsync(way, change: document => document.Set("maxConnections", 3));

        // A place is given back a moment after the answer, so one more than needed may be taken.
        for (var i = 0; i < 8; i++)
        {
            var refusing = RefuseAsync(first.Listener);
            var (wire, answer) = await ScriptedClient.HandshakeAsync(first.Edge, way, new Handshake(first.Domain));
            await wire.DisposeAsync();
            await refusing;
            Assert.Equal(403, answer.Status);
        }

        await using var second = await Session.OpenWhenFreeAsync(first.Edge, way, first.Listener, first.Domain);
        await second.GreetAsync();

        static async Task RefuseAsync(ScriptedOrigin origin)
        {
            var (wire, _) = await origin.AcceptRequestAsync();
            await wire.SendAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    }

    [Fact]
    public async Task HandshakesPerSecondReached_IsRefused()
    {
        await using var first = await Session.OpenAsync(way, change: document => document.Set("handshakesPerSecond", 1));
        var attempts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AttemptAsync()));
        var refused = attempts.Where(answer => answer.Status == 429).ToList();
        Assert.True(refused.Count >= 4, $"only {refused.Count} of 8 handshakes at once were refused");
        RefusalAnswer.AssertProblem(refused[0], 429, "rate_limit", "http_request_denied");
        RefusalAnswer.AssertRetryAfter(refused[0]);
        var wait = int.Parse(refused[0].Headers["retry-after"]!, CultureInfo.InvariantCulture);
        await first.Client.ExpectSilenceAsync(TimeSpan.FromSeconds(wait + 0.1));
        Assert.NotEqual(429, (await AttemptAsync()).Status);

        // The origin answers nobody here: those that are let in time out.
        async Task<ScriptedResponse> AttemptAsync()
        {
            var (wire, answer) = await ScriptedClient.HandshakeAsync(first.Edge, way, new Handshake(first.Domain));
            await wire.DisposeAsync();
            return answer;
        }
    }

    [Fact]
    public async Task AccessAndLimitBothRefuse_AccessIsAnswered()
    {
        await using var first = await Session.OpenAsync(
            way,
            change: document => document.Set("maxConnections", 1).At("access.allowedOrigins", new System.Text.Json.Nodes.JsonArray("https://a.test")),
            handshake: handshake => handshake.With("Origin", "https://a.test"));
        var (wire, answer) = await ScriptedClient.HandshakeAsync(first.Edge, way, new Handshake(first.Domain).With("Origin", "https://b.test"));
        await wire.DisposeAsync();
        RefusalAnswer.AssertProblem(answer, 403, "origin_denied", "http_request_denied");
    }

    [Fact]
    public async Task MaxSessionsOfTheEdgeReached_IsOverloadedUntilOneCloses()
    {
        await using var edge = await EdgeProcess.StartAsync(["Edge:Limits:MaxSessions=1"]);
        await edge.Admin.PutTenantAsync(AdminClient.Tenant);
        await using var first = await Session.OpenAsync(way, edge);
        await using var other = ScriptedOrigin.Start();
        var domain = EdgeProcess.NewDomain();
        await edge.Admin.PutDomainAsync(new DomainDocument(domain, other.Port));
        var (wire, answer) = await ScriptedClient.HandshakeAsync(edge, way, new Handshake(domain));
        await wire.DisposeAsync();
        RefusalAnswer.AssertProblem(answer, 503, "edge_overloaded", "proxy_internal_error");
        RefusalAnswer.AssertRetryAfter(answer);
        await first.GreetAsync();

        await edge.Admin.EndOnlySessionAsync(first.Domain);
        await first.Client.ExpectCloseAsync(1008, "closed by operator");
        await first.Client.SendAsync(WsFrame.Close(1008, "", WsFrame.ClientKey));
        await first.Origin.ExpectCloseAsync(1001, "closed by operator");
        await first.Origin.SendAsync(WsFrame.Close(1001));
        await edge.WaitForCloseLineAsync(first.Domain);
        await using var second = await Session.OpenWhenFreeAsync(edge, way, first.Listener, first.Domain);
        await second.GreetAsync();
    }
}

public sealed class LimitRefusalsOverHttp1() : LimitRefusals(Way.Http1);

public sealed class LimitRefusalsOverTls() : LimitRefusals(Way.Tls);

public sealed class LimitRefusalsOverHttp2() : LimitRefusals(Way.Http2);
