using System.Text.Json.Nodes;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Handshakes;

/// <summary>Which fields pass, which do not and which the edge writes, in both directions.</summary>
public abstract class HeaderPassing(Way way)
{
    private static readonly (string Name, string Value)[] EndToEnd =
    [
        ("Cookie", "session=abc; theme=\"dark\""), ("Authorization", "Bearer eyJ.x.y=="), ("Origin", "https://app.example.com"),
        ("User-Agent", "scripted/1.0 (test)"), ("Accept-Language", "de, en;q=0.5"), ("Sec-WebSocket-Protocol", "chat, superchat"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x-other; a=\"b c\""), ("X-Custom", "one"), ("X-Custom", "two"),
        ("X-Request-Id", "7b1f"), ("X-Bytes", "Zo\u00c3\u00ab \u00ff\u0080"), ("X-Empty", ""), ("Pragma", "no-cache"), ("Cache-Control", "no-cache"), ("Accept-Encoding", "gzip, br"),
    ];

    [Fact]
    public async Task EndToEndFields_ReachTheOriginUnaltered()
    {
        await using var session = await Session.OpenAsync(
            way, handshake: handshake => handshake with { Fields = EndToEnd }, fields: "Sec-WebSocket-Protocol: superchat\r\n");
        foreach (var name in EndToEnd.Select(field => field.Name).Distinct(StringComparer.Ordinal))
        {
            Assert.Equal(EndToEnd.Where(field => field.Name == name).Select(field => field.Value), session.Request.Headers.All(name));
        }

        Assert.Equal("superchat", session.Answer.Headers["sec-websocket-protocol"]);
        Assert.Equal(["websocket"], session.Request.Headers.All("upgrade"));
        Assert.Equal(["Upgrade"], session.Request.Headers.All("connection"));
        Assert.Equal(["13"], session.Request.Headers.All("sec-websocket-version"));
        Assert.Null(session.Request.Headers["content-length"]);
        Assert.Null(session.Request.Headers["transfer-encoding"]);
    }

    [Fact]
    public async Task OffersInSeveralFields_OriginMayChooseFromEach()
    {
        await using var session = await Session.OpenAsync(
            way,
            handshake: handshake => handshake.With("Sec-WebSocket-Protocol", "chat").With("Sec-WebSocket-Protocol", "superchat")
                .With("Sec-WebSocket-Extensions", "x-first").With("Sec-WebSocket-Extensions", "permessage-deflate, x-third"),
            fields: "Sec-WebSocket-Protocol: superchat\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: x-third\r\n");
        Assert.Equal("superchat", session.Answer.Headers["sec-websocket-protocol"]);
        Assert.Equal("permessage-deflate, x-third", session.Answer.Headers["sec-websocket-extensions"]);
        await session.GreetAsync();
    }

    [Fact]
    public async Task HopByHopFields_DoNotReachTheOrigin()
    {
        await using var session = await Session.OpenAsync(way, handshake: HopByHop);
        foreach (var name in (string[])["keep-alive", "te", "trailer", "proxy-authorization", "proxy-connection", "http2-settings", "x-hop"])
        {
            Assert.Null(session.Request.Headers[name]);
        }

        Assert.Equal("stays", session.Request.Headers["x-end"]);

        Handshake HopByHop(Handshake handshake)
        {
            var bent = handshake.With("Proxy-Authorization", "Basic eDp5").With("X-End", "stays").With("TE", "trailers");
            return way == Way.Http2
                ? bent
                : (bent with { Connection = "Upgrade, X-Hop, HTTP2-Settings" }).With("Keep-Alive", "timeout=5").With("Trailer", "X-End")
                    .With("Proxy-Connection", "keep-alive").With("HTTP2-Settings", "AAMAAABk").With("X-Hop", "goes");
        }
    }

    [Fact]
    public async Task Key_IsTheClientsOrTheEdgesOwn()
    {
        await using var session = await Session.OpenAsync(way);
        await using var other = await Session.OpenAsync(session.Edge, way, session.Listener, session.Domain);
        var key = Assert.Single(session.Request.Headers.All("sec-websocket-key"));
        if (way == Way.Http2)
        {
            Assert.Equal(16, Convert.FromBase64String(key).Length);
            Assert.NotEqual(key, other.Request.Headers["sec-websocket-key"]);
            Assert.Null(session.Answer.Headers["sec-websocket-accept"]);
            Assert.Null(session.Answer.Headers["connection"]);
            Assert.Null(session.Answer.Headers["upgrade"]);
        }
        else
        {
            Assert.Equal(Handshake.SampleKey, key);
            Assert.Equal(["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], session.Answer.Headers.All("sec-websocket-accept"));
            Assert.Equal(["Upgrade"], session.Answer.Headers.All("connection"));
            Assert.Equal(["websocket"], session.Answer.Headers.All("upgrade"));
        }
    }

    [Fact]
    public async Task AnswerFields_ReachTheClientUnaltered()
    {
        await using var session = await Session.OpenAsync(
            way,
            handshake: handshake => handshake.With("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
            fields: "X-Bytes: Zo\u00c3\u00ab \u00ff\u0080\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nX-Served-By: one\r\nKeep-Alive: timeout=5\r\n"
                + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\nServer: scripted/2\r\n");
        Assert.Equal(["a=1", "b=2; Path=/"], session.Answer.Headers.All("set-cookie"));
        Assert.Equal("one", session.Answer.Headers["x-served-by"]);
        Assert.Equal("Zo\u00c3\u00ab \u00ff\u0080", session.Answer.Headers["x-bytes"]);
        Assert.Equal("scripted/2", session.Answer.Headers["server"]);
        Assert.Equal("permessage-deflate; client_max_window_bits=12", session.Answer.Headers["sec-websocket-extensions"]);
        Assert.Null(session.Answer.Headers["keep-alive"]);
        await session.GreetAsync();
    }

    [Fact]
    public async Task ForwardedFieldsOfAnUntrustedClient_AreReplaced()
    {
        await using var session = await Session.OpenAsync(way, handshake: Forged);
        var fields = session.Request.Headers;
        Assert.Equal(["127.0.0.1"], fields.All("x-forwarded-for"));
        Assert.Equal([way == Way.Http1 ? "http" : "https"], fields.All("x-forwarded-proto"));
        Assert.Equal([session.Domain], fields.All("x-forwarded-host"));
        var forwarded = Assert.Single(fields.All("forwarded"));
        Assert.DoesNotContain("203.0.113.9", forwarded, StringComparison.Ordinal);
        var parts = forwarded.Split(';', StringSplitOptions.TrimEntries).Select(part => part.Replace("\"", "", StringComparison.Ordinal)).ToList();
        Assert.Contains(parts, part => part is "for=127.0.0.1" || part.StartsWith("for=127.0.0.1:", StringComparison.Ordinal));
        Assert.Contains(way == Way.Http1 ? "proto=http" : "proto=https", parts);
        Assert.Contains("host=" + session.Domain, parts);
        Assert.DoesNotContain(',', forwarded);
    }

    [Fact]
    public async Task ViaAndCdnLoop_AreAppended()
    {
        await using var session = await Session.OpenAsync(
            way, handshake: handshake => handshake.With("Via", "1.0 fred").With("CDN-Loop", "other-cdn; v=\"1, 2\""));
        var via = session.Request.Headers["via"]!.Split(',', StringSplitOptions.TrimEntries);
        Assert.Equal(2, via.Length);
        Assert.Equal("1.0 fred", via[0]);
        Assert.StartsWith(way == Way.Http2 ? "2" : "1.1", via[1], StringComparison.Ordinal);
        Assert.Equal($"other-cdn; v=\"1, 2\", {EdgeProcess.LoopToken}", session.Request.Headers["cdn-loop"]);
    }

    [Fact]
    public async Task HostHeader_IsTheDomainsUnlessConfigured()
    {
        await using var plain = await Session.OpenAsync(way);
        Assert.Equal([plain.Domain], plain.Request.Headers.All("host"));
        await using var changed = await Session.OpenAsync(way, change: document => document.At("hostHeader", "inside.test"));
        Assert.Equal(["inside.test"], changed.Request.Headers.All("host"));
        Assert.Equal([changed.Domain], changed.Request.Headers.All("x-forwarded-host"));
    }

    [Fact]
    public async Task WildcardDomain_OriginSeesTheHostThatWasAskedFor()
    {
        var edge = await SharedEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        await edge.Admin.PutDomainAsync(Session.Document(way, "*." + domain, origin.Port));
        await using var session = await Session.OpenAsync(edge, way, origin, "*." + domain, host: "a.b." + domain);
        Assert.Equal(["a.b." + domain], session.Request.Headers.All("host"));
        await session.GreetAsync();
        Assert.Equal("*." + domain, (await edge.OnlySessionAsync("*." + domain)).GetProperty("domain").GetString());
        var (wire, answer) = await ScriptedClient.HandshakeAsync(edge, way, new Handshake(domain));
        await wire.DisposeAsync();
        Assert.Equal("domain_unknown", answer.Code);
    }

    [Fact]
    public async Task ForwardedFieldsOfATrustedProxy_AreBelievedAndExtended()
    {
        var edge = await TrustingEdge.GetAsync();
        await using var session = await Session.OpenAsync(
            way, edge, change: document => document.Set("originProtocol", way == Way.Tls ? "https" : "http"), handshake: Forged);
        var fields = session.Request.Headers;
        Assert.Equal("203.0.113.9, 127.0.0.1", fields["x-forwarded-for"]);
        Assert.Equal(ForgedProto, fields["x-forwarded-proto"]);
        Assert.Equal("shown.test", fields["x-forwarded-host"]);
        Assert.StartsWith("for=203.0.113.9", fields["forwarded"], StringComparison.Ordinal);
        Assert.Contains("for=127.0.0.1", fields["forwarded"]!.Replace("\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
        var listed = (await edge.OnlySessionAsync(session.Domain));
        Assert.StartsWith("203.0.113.9", listed.GetProperty("client").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddressRuleBehindATrustedProxy_JudgesTheClientBehindIt()
    {
        var edge = await TrustingEdge.GetAsync();
        var domain = EdgeProcess.NewDomain();
        await edge.Admin.PutDomainAsync(Session.Document(way, domain, 9).At("access.deniedAddresses", new JsonArray("203.0.113.0/24")));
        var (wire, answer) = await ScriptedClient.HandshakeAsync(edge, way, Forged(new Handshake(domain)));
        await wire.DisposeAsync();
        Assert.Equal("address_denied", answer.Code);
    }

    private string ForgedProto => way == Way.Http1 ? "https" : "http";

    private Handshake Forged(Handshake handshake) => handshake
        .With("X-Forwarded-For", "203.0.113.9").With("X-Forwarded-Proto", ForgedProto).With("X-Forwarded-Host", "shown.test")
        .With("Forwarded", $"for=203.0.113.9;proto={ForgedProto};host=shown.test");
}

public sealed class HeadersOverHttp1() : HeaderPassing(Way.Http1);

public sealed class HeadersOverTls() : HeaderPassing(Way.Tls);

public sealed class HeadersOverHttp2() : HeaderPassing(Way.Http2);

/// <summary>An edge that believes what loopback peers say about their clients.</summary>
public static class TrustingEdge
{
    private static readonly Lazy<Task<EdgeProcess>> Process = new(StartAsync);

    public static Task<EdgeProcess> GetAsync() => Process.Value;

    private static async Task<EdgeProcess> StartAsync()
    {
        var edge = await EdgeProcess.StartAsync(["Edge:TrustedProxies:0=127.0.0.1"]);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => edge.DisposeAsync().AsTask().GetAwaiter().GetResult();
        await edge.Admin.PutTenantAsync(AdminClient.Tenant);
        return edge;
    }
}
