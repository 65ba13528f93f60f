using System.Net;
using System.Text.Json.Nodes;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Refusals;

/// <summary>One way to be refused, and the answer.</summary>
public sealed record RefusalRow(int Status, string Code, string ProxyError)
{
    /// <summary>What differs from a plain document; ports are those of the row's scripted origin.</summary>
    public Action<DomainDocument>? Document { get; init; }

    /// <summary>What differs from a plain handshake.</summary>
    public Func<Handshake, Handshake>? Bend { get; init; }

    /// <summary>False: no document is stored.</summary>
    public bool Known { get; init; } = true;

    /// <summary>Status under HTTP/2 where it is another.</summary>
    public int? Http2Status { get; init; }

    /// <summary>False: the row cannot be said in HTTP/2.</summary>
    public bool InHttp2 { get; init; } = true;

    /// <summary>False: the connection need not be usable afterwards. (After a 426 Kestrel closes it: its <c>Connection</c> field
    /// has to say Upgrade and does not say keep-alive.)</summary>
    public bool KeepsConnection { get; init; } = true;
}

/// <summary>Every refusal that the edge decides before it dials the origin.</summary>
public abstract class RefusalTable(Way way)
{
    private const string BlockedTenant = "blocked-tenant";

    private static readonly Action<DomainDocument> Blocked = document => document.At("tenant", BlockedTenant);
    private static readonly Action<DomainDocument> Static = document => document.At("acceleration", "static");
    private static readonly Action<DomainDocument> Off = document => document.Set("enabled", false);
    private static readonly Action<DomainDocument> OtherOrigin = document => document.At("access.allowedOrigins", new JsonArray("https://app.example.com"));
    private static readonly Action<DomainDocument> OtherAddress = document => document.At("access.allowedAddresses", new JsonArray("10.0.0.0/8"));
    private static readonly Func<Handshake, Handshake> Loop = handshake => handshake.With("CDN-Loop", EdgeProcess.LoopToken);
    private static readonly Func<Handshake, Handshake> NoVersion = handshake => handshake with { Version = null };
    private static readonly Func<Handshake, Handshake> OtherVersion = handshake => handshake with { Version = "8" };

    private static readonly Dictionary<string, RefusalRow> Rows = new(StringComparer.Ordinal)
    {
        ["no such domain"] = new(404, "domain_unknown", "destination_not_found") { Known = false },
        ["own token in CDN-Loop"] = new(508, "loop_detected", "proxy_loop_detected") { Bend = Loop },
        ["own token among others in CDN-Loop"] = new(508, "loop_detected", "proxy_loop_detected")
        {
            Bend = handshake => handshake.With("CDN-Loop", "other; v=1").With("CDN-Loop", $"third, {EdgeProcess.LoopToken}; x=\"y\""),
        },
        ["tenant blocked"] = new(403, "tenant_blocked", "http_request_denied") { Document = Blocked },
        ["no dynamic acceleration"] = new(403, "acceleration_required", "http_request_denied") { Document = Static },
        ["WebSocket off"] = new(403, "websocket_disabled", "http_request_denied") { Document = Off },
        ["no version"] = new(400, "handshake_invalid", "http_request_error") { Bend = NoVersion },
        ["version 8"] = new(426, "version_unsupported", "http_request_error") { Bend = OtherVersion, Http2Status = 400, KeepsConnection = false },
        ["version 14"] = new(426, "version_unsupported", "http_request_error")
        {
            Bend = handshake => handshake with { Version = "14" },
            Http2Status = 400,
            KeepsConnection = false,
        },
        ["no key"] = Invalid(handshake => handshake with { Key = null }),
        ["key of 15 bytes"] = Invalid(handshake => handshake with { Key = Convert.ToBase64String(new byte[15]) }),
        ["key of 17 bytes"] = Invalid(handshake => handshake with { Key = Convert.ToBase64String(new byte[17]) }),
        ["key not base64"] = Invalid(handshake => handshake with { Key = "not base 64 !!!!!!!!!!!!" }),
        ["two keys"] = Invalid(handshake => handshake.With("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")),
        ["POST"] = Invalid(handshake => handshake with { Method = "POST" }),
        ["no Connection: Upgrade"] = Invalid(handshake => handshake with { Connection = "keep-alive" }),
        ["body by length"] = Invalid(handshake => handshake.With("Content-Length", "5")) with { KeepsConnection = false },
        ["body by chunks"] = Invalid(handshake => handshake.With("Transfer-Encoding", "chunked")) with { KeepsConnection = false },
        ["HTTP/1.0"] = Invalid(handshake => handshake with { HttpVersion = "HTTP/1.0" }) with { KeepsConnection = false },
        ["no Origin header where some are allowed"] = new(403, "origin_denied", "http_request_denied") { Document = OtherOrigin },
        ["Origin not allowed"] = new(403, "origin_denied", "http_request_denied")
        {
            Document = OtherOrigin,
            Bend = handshake => handshake.With("Origin", "https://evil.example.com"),
        },
        ["address not allowed"] = new(403, "address_denied", "http_request_denied") { Document = OtherAddress },
        ["address denied"] = new(403, "address_denied", "http_request_denied")
        {
            Document = document => document.At("access.deniedAddresses", new JsonArray("127.0.0.0/8")),
        },

        // Two faults at once: the first in the order of admission is answered.
        ["unknown before loop"] = new(404, "domain_unknown", "destination_not_found") { Known = false, Bend = Loop },
        ["loop before tenant"] = new(508, "loop_detected", "proxy_loop_detected") { Document = Blocked, Bend = Loop },
        ["tenant before acceleration"] = new(403, "tenant_blocked", "http_request_denied")
        {
            Document = document =>
            {
                Blocked(document);
                Static(document);
            },
        },
        ["tenant before WebSocket off"] = new(403, "tenant_blocked", "http_request_denied")
        {
            Document = document =>
            {
                Blocked(document);
                Off(document);
            },
        },
        ["acceleration before handshake"] = new(403, "acceleration_required", "http_request_denied") { Document = Static, Bend = NoVersion },
        ["WebSocket off before handshake"] = new(403, "websocket_disabled", "http_request_denied") { Document = Off, Bend = NoVersion },
        ["WebSocket off before version"] = new(403, "websocket_disabled", "http_request_denied") { Document = Off, Bend = OtherVersion },
        ["handshake before access"] = new(400, "handshake_invalid", "http_request_error") { Document = OtherOrigin, Bend = NoVersion },
        ["version before access"] = new(426, "version_unsupported", "http_request_error")
        {
            Document = OtherAddress,
            Bend = OtherVersion,
            Http2Status = 400,
            KeepsConnection = false,
        },
    };

    public static TheoryData<string> Names => [.. Rows.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Handshake_IsRefusedBeforeTheOriginIsDialled(string name)
    {
        var row = Rows[name];
        if (way == Way.Http2 && !row.InHttp2)
        {
            return;
        }

        var edge = await SharedEdge.GetAsync();
        await using var origin = ScriptedOrigin.Start(tls: way == Way.Tls);
        var domain = EdgeProcess.NewDomain();
        if (row.Known)
        {
            await edge.Admin.PutTenantAsync(BlockedTenant, blocked: true);
            var document = Session.Document(way, domain, origin.Port);
            row.Document?.Invoke(document);
            await edge.Admin.PutDomainAsync(document);
        }

        var plain = new Handshake(domain);
        var (wire, answer) = await ScriptedClient.HandshakeAsync(edge, way, row.Bend?.Invoke(plain) ?? plain);
        await using (wire)
        {
            RefusalAnswer.AssertProblem(answer, way == Way.Http2 ? row.Http2Status ?? row.Status : row.Status, row.Code, row.ProxyError);
            AssertVersionFields(answer, row.Code);
            if (row.KeepsConnection && way != Way.Http2)
            {
                await RefusalAnswer.AssertUsableAsync(wire);
            }
        }

        Assert.False(await DialledAsync(origin), "the origin was dialled");
        await edge.WaitForLogAsync($"`refused` of {domain}", line => line.Event == "refused" && line.Text("cause") == row.Code);
    }

    private static RefusalRow Invalid(Func<Handshake, Handshake> bend)
        => new(400, "handshake_invalid", "http_request_error") { Bend = bend, InHttp2 = false };

    /// <summary>The refusal came without the origin, so a connection of the edge would be in the backlog by now.</summary>
    private static async Task<bool> DialledAsync(ScriptedOrigin origin)
    {
        try
        {
            await origin.AcceptAsync(TimeSpan.FromMilliseconds(1));
            return true;
        }
        catch (WireException)
        {
            return false;
        }
    }

    private void AssertVersionFields(ScriptedResponse answer, string code)
    {
        if (code != "version_unsupported")
        {
            return;
        }

        Assert.Equal("13", answer.Headers["sec-websocket-version"]);
        Assert.Equal(way == Way.Http2 ? null : "websocket", answer.Headers["upgrade"]);
        Assert.Equal(way == Way.Http2 ? null : "Upgrade", answer.Headers["connection"]);
    }
}

public sealed class RefusalsOverHttp1() : RefusalTable(Way.Http1);

public sealed class RefusalsOverTls() : RefusalTable(Way.Tls);

public sealed class RefusalsOverHttp2() : RefusalTable(Way.Http2);

/// <summary>What every refusal looks like.</summary>
public static class RefusalAnswer
{
    public static void AssertProblem(ScriptedResponse answer, int status, string code, string proxyError)
    {
        ArgumentNullException.ThrowIfNull(answer);
        Assert.True(status == answer.Status, $"expected {status}, got {answer}");
        Assert.True(answer.Problem is not null, $"no problem document: {answer}");
        var problem = answer.Problem!.Value;
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        foreach (var member in (string[])["type", "title", "detail"])
        {
            Assert.False(string.IsNullOrWhiteSpace(problem.GetProperty(member).GetString()), $"member {member} is empty: {answer}");
        }

        var parts = (answer.Headers["proxy-status"] ?? "").Split(';', StringSplitOptions.TrimEntries);
        Assert.Equal("OrleansEdge", parts[0]);
        Assert.Contains("error=" + proxyError, parts);
        Assert.Single(answer.Headers.All("proxy-status"));
    }

    public static void AssertRetryAfter(ScriptedResponse answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var value = answer.Headers["retry-after"];
        Assert.True(int.TryParse(value, out var seconds) && seconds is > 0 and <= 3600, $"Retry-After is `{value}`: {answer}");
    }

    /// <summary>The next request over the same connection is answered.</summary>
    public static async Task AssertUsableAsync(Wire wire)
    {
        ArgumentNullException.ThrowIfNull(wire);
        await wire.SendAsync("GET / HTTP/1.1\r\nHost: nobody-serves-this.test\r\n\r\n");
        var answer = await wire.ReadResponseAsync();
        Assert.Equal((int)HttpStatusCode.NotFound, answer.Status);
    }
}
