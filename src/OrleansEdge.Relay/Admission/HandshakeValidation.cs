using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace OrleansEdge.Relay.Admission;

/// <summary>How a request wants to be treated.</summary>
internal enum RequestKind
{
    /// <summary>Forwarded as HTTP.</summary>
    Http,

    /// <summary>A WebSocket handshake, valid or not.</summary>
    WebSocket,

    /// <summary>A CONNECT that is no WebSocket.</summary>
    OtherConnect,
}

/// <summary>Recognises WebSocket handshakes and checks them (RFC 6455 section 4.2.1, RFC 8441 section 4).</summary>
internal static class HandshakeValidation
{
    private const int KeyBytes = 16;

    public static RequestKind Classify(HttpContext context)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { Protocol: { } protocol })
        {
            return protocol.Equals("websocket", StringComparison.OrdinalIgnoreCase) ? RequestKind.WebSocket : RequestKind.OtherConnect;
        }

        // The field means nothing in HTTP/2 (RFC 9113 section 8.2.2).
        if (!IsHttp2(context) && TokensOf(context.Request.Headers.Upgrade).Any(IsWebSocketToken))
        {
            return RequestKind.WebSocket;
        }

        return HttpMethods.IsConnect(context.Request.Method) ? RequestKind.OtherConnect : RequestKind.Http;
    }

    public static bool IsHttp2(HttpContext context) => HttpProtocol.IsHttp2(context.Request.Protocol);

    /// <summary>What is wrong with a handshake, in words; <see langword="null"/>: nothing.</summary>
    public static (Refusal Refusal, string Detail)? Check(HttpContext context)
    {
        var headers = context.Request.Headers;
        if ((IsHttp2(context) ? null : FaultOfUpgrade(context)) is { } fault)
        {
            return (Refusal.HandshakeInvalid, fault);
        }

        var version = headers.SecWebSocketVersion;
        if (version.Count != 1)
        {
            return (Refusal.HandshakeInvalid, "Sec-WebSocket-Version must be there once.");
        }

        if (version[0]!.Trim() != "13")
        {
            return (Refusal.VersionUnsupported, "Only Sec-WebSocket-Version 13 is spoken here.");
        }

        return !IsHttp2(context) && !IsValidKey(headers.SecWebSocketKey)
            ? (Refusal.HandshakeInvalid, "Sec-WebSocket-Key must be there once and be 16 bytes in base64.")
            : null;
    }

    public static HandshakeRequest Read(HttpContext context, ClientConnection client)
    {
        var headers = context.Request.Headers;
        var isHttp2 = IsHttp2(context);
        return new HandshakeRequest(
            isHttp2 ? Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes)) : headers.SecWebSocketKey[0]!.Trim(),
            [.. TokensOf(headers.SecWebSocketProtocol)],
            [.. TokensOf(headers.SecWebSocketExtensions).Select(static e => e.Split(';', 2)[0].Trim())],
            client.Host,
            isHttp2,
            client.UsesTls,
            client.Address);
    }

    public static IEnumerable<string> TokensOf(StringValues values)
        => values.SelectMany(static v => (v ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private static string? FaultOfUpgrade(HttpContext context)
    {
        var request = context.Request;
        if (!HttpProtocol.IsHttp11(request.Protocol))
        {
            return "A WebSocket handshake needs HTTP/1.1 or HTTP/2.";
        }

        if (!HttpMethods.IsGet(request.Method))
        {
            return "A WebSocket handshake is a GET.";
        }

        if (!TokensOf(request.Headers.Connection).Contains(HeaderNames.Upgrade, StringComparer.OrdinalIgnoreCase))
        {
            return "Connection must contain Upgrade.";
        }

        var hasBody = request.ContentLength is > 0 || request.Headers.ContainsKey(HeaderNames.TransferEncoding);
        return hasBody ? "A WebSocket handshake has no body." : null;
    }

    private static bool IsWebSocketToken(string token) => token.Equals("websocket", StringComparison.OrdinalIgnoreCase);

    private static bool IsValidKey(StringValues key)
    {
        Span<byte> decoded = stackalloc byte[KeyBytes + 2];
        return key.Count == 1
            && key[0]!.Trim().Length == 24
            && Convert.TryFromBase64String(key[0]!.Trim(), decoded, out var length)
            && length == KeyBytes;
    }
}
