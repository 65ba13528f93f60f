using System.Text;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Relay.Origins;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

public sealed class OriginRequestHeadTests
{
    [Fact]
    public void Handshake_IsTheClientsWithThisHopMadeAnew()
    {
        var context = Given.Request(
            ("Connection", "keep-alive, Upgrade, X-Hop, Sec-WebSocket-Protocol, Cookie, Authorization, Origin, X-Forwarded-For, Host"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", Given.Key),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ("Origin", "https://app.example.com"),
            ("Cookie", "a=1"),
            ("Authorization", "Bearer x"),
            ("X-Hop", "1"),
            ("Keep-Alive", "5"),
            ("TE", "trailers"),
            ("Trailer", "x"),
            ("Proxy-Authorization", "secret"),
            ("Proxy-Connection", "keep-alive"),
            ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
            ("X-Two", "1"),
            ("X-Two", "2"),
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-Port", "1"));
        Assert.Equal(
            $"""
            GET /live?room=1 HTTP/1.1
            Host: chat.example.com
            Sec-WebSocket-Protocol: chat, superchat
            Sec-WebSocket-Extensions: permessage-deflate
            Origin: https://app.example.com
            Cookie: a=1
            Authorization: Bearer x
            X-Two: 1
            X-Two: 2
            X-Forwarded-For: 192.0.2.7
            X-Forwarded-Proto: http
            X-Forwarded-Host: chat.example.com
            Forwarded: for=192.0.2.7;host=chat.example.com;proto=http
            Via: 1.1 OrleansEdge
            CDN-Loop: edge-under-test
            Connection: Upgrade
            Upgrade: websocket
            Sec-WebSocket-Key: {Given.Key}
            Sec-WebSocket-Version: 13


            """.ReplaceLineEndings("\r\n"),
            Write(context));
    }

    [Fact]
    public void Http2Handshake_GetsKeyAndVersionAndOneCookie()
    {
        var context = Given.Request((":method", "CONNECT"), (":protocol", "websocket"), ("cookie", "a=1"), ("cookie", "b=2"));
        context.Request.Protocol = "HTTP/2";
        context.Request.Method = "CONNECT";
        var head = Write(context, isHttp2: true);
        Assert.StartsWith("GET /live?room=1 HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nCookie: a=1; b=2\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"\r\nSec-WebSocket-Key: {Given.Key}\r\nSec-WebSocket-Version: 13\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nVia: 2 OrleansEdge\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain(":protocol", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/%2e%2E/a%2fb//c/../d?x=%7e&y=#f", "/%2e%2E/a%2fb//c/../d?x=%7e&y=#f", "chat.example.com")]
    [InlineData("http://other.example.com:81/a?b", "/a?b", "other.example.com:81")]
    [InlineData("wss://user@other.example.com?b", "/?b", "other.example.com")]
    [InlineData("http://other.example.com", "/", "other.example.com")]
    public void Target_GoesOnAsItCame(string rawTarget, string expected, string host)
        => Assert.StartsWith($"GET {expected} HTTP/1.1\r\nHost: {host}\r\n", Write(Given.Request(rawTarget)), StringComparison.Ordinal);

    [Fact]
    public void HostHeader_OverridesTheClients()
    {
        var head = Write(Given.Request(), hostHeader: "inner.example.com");
        Assert.Contains("\r\nHost: inner.example.com\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Host: chat.example.com\r\n", head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/a b")]
    [InlineData("/a\r\nX: y")]
    [InlineData("/\u00E9")]
    [InlineData("*")]
    [InlineData("")]
    [InlineData("http://")]
    public void TargetThatWouldBreakTheLine_IsRefused(string rawTarget) => Assert.Null(TryWrite(Given.Request(rawTarget)));

    [Theory]
    [InlineData("X-A", "b\r\nInjected: 1")]
    [InlineData("X-A", "b\nInjected: 1")]
    [InlineData("X-A", "b\0")]
    [InlineData("X A", "b")]
    [InlineData("X-A\r\nInjected", "b")]
    [InlineData("Via", "1.1 x\r\nInjected: 1")]
    public void FieldThatWouldBreakTheLine_IsRefused(string name, string value) => Assert.Null(TryWrite(Given.Request((name, value))));

    [Fact]
    public void Bytes_GoOnAsTheyCame()
    {
        using var buffer = new HeadBuffer();
        Assert.Null(OriginRequestHead.Write(buffer, Given.Handshake(), Given.Request(("X-A", "caf\u00C3\u00A9")), null, Given.Forwarded));
        Assert.True(buffer.Span.IndexOf("X-A: café\r\n"u8) > 0);
    }

    [Fact]
    public void LongHead_Grows()
        => Assert.Contains(new string('x', 20_000), Write(Given.Request(("X-Long", new string('x', 20_000)))), StringComparison.Ordinal);

    private static string Write(HttpContext context, bool isHttp2 = false, string? hostHeader = null)
        => TryWrite(context, isHttp2, hostHeader) ?? throw new InvalidOperationException("The request was refused.");

    private static string? TryWrite(HttpContext context, bool isHttp2 = false, string? hostHeader = null)
    {
        using var buffer = new HeadBuffer();
        var fault = OriginRequestHead.Write(buffer, Given.Handshake(isHttp2), context, hostHeader, Given.Forwarded);
        return fault is null ? Encoding.Latin1.GetString(buffer.Span) : null;
    }
}
