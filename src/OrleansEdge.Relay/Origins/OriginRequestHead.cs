using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using OrleansEdge.Relay.Admission;

namespace OrleansEdge.Relay.Origins;

/// <summary>Writes the head of a request to the origin: the client's own, with the fields of this hop made anew.</summary>
internal static class OriginRequestHead
{
    private static readonly SearchValues<char> LineBreakers = SearchValues.Create("\r\n\0");

    /// <summary>Writes the head of a WebSocket handshake.</summary>
    /// <returns>What is wrong with the client's request, or <see langword="null"/>.</returns>
    public static string? Write(HeadBuffer head, HandshakeRequest request, HttpContext context, string? hostHeader, ForwardedHeaders forwarded)
    {
        if (!RequestTarget.TryRead(context, out var target) || target.PathAndQuery is "*")
        {
            return "the request target is malformed";
        }
        head.Append("GET ");
        head.Append(target.PathAndQuery);
        head.Append(" HTTP/1.1\r\n");
        head.AppendField("Host", hostHeader ?? target.Authority);
        if (CopyFields(head, context, target, forwarded, isHandshake: true) is { } fault)
        {
            return fault;
        }
        head.AppendField("Connection", "Upgrade");
        head.AppendField("Upgrade", "websocket");
        head.AppendField("Sec-WebSocket-Key", request.Key);
        head.AppendField("Sec-WebSocket-Version", "13");
        head.Append("\r\n");
        return null;
    }

    /// <summary>Writes the head of any other request.</summary>
    /// <returns>What is wrong with the client's request, or <see langword="null"/>.</returns>
    public static string? WriteHttp(
        HeadBuffer head, HttpContext context, RequestTarget target, string? hostHeader, ForwardedHeaders forwarded, bool isChunked)
    {
        if (!IsToken(context.Request.Method))
        {
            return "the method is malformed";
        }
        head.Append(context.Request.Method);
        head.Append(" ");
        head.Append(target.PathAndQuery);
        head.Append(" HTTP/1.1\r\n");
        head.AppendField("Host", hostHeader ?? target.Authority);
        if (CopyFields(head, context, target, forwarded, isHandshake: false) is { } fault)
        {
            return fault;
        }
        if (isChunked)
        {
            head.AppendField("Transfer-Encoding", "chunked");
        }
        head.Append("\r\n");
        return null;
    }

    private static bool IsOneLine(string name, StringValues values)
    {
        foreach (var value in values)
        {
            if (value.AsSpan().ContainsAny(LineBreakers))
            {
                return false;
            }
        }
        return IsToken(name);
    }

    private static string? CopyFields(HeadBuffer head, HttpContext context, RequestTarget target, ForwardedHeaders forwarded, bool isHandshake)
    {
        var headers = context.Request.Headers;
        var named = EndToEndFields.NamedBy(headers.Connection);
        foreach (var (name, values) in headers)
        {
            if (!EndToEndFields.Passes(name, named))
            {
                continue;
            }
            if (!IsOneLine(name, values))
            {
                return "a header field is malformed";
            }
            if (!IsMadeAnew(name, isHandshake) && !forwarded.Replaces(name, context))
            {
                CopyField(head, name, IsLimit(name, context.Request.Method) ? Decremented(values) : values);
            }
        }
        foreach (var (name, value) in forwarded.Apply(context, target.Authority))
        {
            head.AppendField(name, value);
        }
        return null;
    }

    private static void CopyField(HeadBuffer head, string name, StringValues values)
    {
        if (values.Count > 1 && name.Equals("Cookie", StringComparison.OrdinalIgnoreCase))
        {
            // HTTP/2 may send a cookie in crumbs (RFC 9113 section 8.2.3).
            head.AppendField(name, string.Join("; ", values.ToArray()));
            return;
        }
        foreach (var value in values)
        {
            head.AppendField(name, value ?? string.Empty);
        }
    }

    private static bool IsMadeAnew(string name, bool isHandshake)
        => name.Equals("Host", StringComparison.OrdinalIgnoreCase)
            || (isHandshake
                && (name.Equals("Sec-WebSocket-Key", StringComparison.OrdinalIgnoreCase)
                    || name.Equals("Sec-WebSocket-Version", StringComparison.OrdinalIgnoreCase)
                    || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)));

    // RFC 9110 section 7.6.2.
    private static bool IsLimit(string name, string method)
        => name.Equals("Max-Forwards", StringComparison.OrdinalIgnoreCase) && (HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method));

    private static StringValues Decremented(StringValues values)
        => ulong.TryParse(values, NumberStyles.None, CultureInfo.InvariantCulture, out var left) && left > 0
            ? (left - 1).ToString(CultureInfo.InvariantCulture)
            : values;

    private static bool IsToken(string name) => name.Length > 0 && !name.AsSpan().ContainsAnyExcept(OriginResponseHead.TokenCharacters);
}
