using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Relay.Admission;

namespace OrleansEdge.Relay.Origins;

/// <summary>The edge's side of the opening handshake with an origin (RFC 6455 section 4.1).</summary>
public static class OriginHandshake
{
    private const string AcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Asks the origin to upgrade and reads its answer; interim answers (1xx other than 101) are skipped.</summary>
    /// <param name="connection">A fresh connection. It stays the caller's, who disposes it unless the result is an upgrade and an answer's
    /// body was copied.</param>
    /// <param name="request">The client's handshake, checked by admission.</param>
    /// <param name="context">The client's request, whose target and fields are passed on. Under <c>Connection</c> it may not name
    /// <c>Sec-WebSocket-*</c>, <c>Host</c>, <c>Cookie</c>, <c>Authorization</c>, <c>Origin</c> or the forwarding fields: they pass all the same.</param>
    /// <param name="forwarded">Makes the forwarding fields.</param>
    /// <param name="time">Clock of the time-out.</param>
    /// <param name="timeout">For the request and the head of the final answer together; then for each silence in an answer's body.</param>
    /// <param name="cancellationToken">The client left.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public static async Task<OriginHandshakeResult> PerformAsync(
        OriginConnection connection,
        HandshakeRequest request,
        HttpContext context,
        ForwardedHeaders forwarded,
        TimeProvider time,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var buffer = new HeadBuffer();
        OriginHandshakeResult? result = null;
        try
        {
            if (OriginRequestHead.Write(buffer, request, context, connection.HostHeader, forwarded) is { } fault)
            {
                return result = OriginHandshakeResult.Refused(Refusal.HandshakeInvalid, fault);
            }
            await connection.Stream.WriteAsync(buffer.Memory, limit.Token);
            buffer.Clear();
            var (head, headFault) = await ReadFinalHeadAsync(connection.Stream, buffer, limit.Token);
            return result = head is null
                ? OriginHandshakeResult.Refused(Refusal.OriginHandshakeInvalid, headFault)
                : Judge(head, request, connection, buffer, time, timeout);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            connection.ReportUnresponsive();
            return OriginHandshakeResult.Refused(Refusal.OriginResponseTimeout, "no answer to the handshake in time");
        }
        catch (IOException)
        {
            return OriginHandshakeResult.Refused(Refusal.OriginHandshakeInvalid, "the connection was lost before an answer");
        }
        finally
        {
            if (result?.Answer is null)
            {
                buffer.Dispose();
            }
        }
    }

    /// <summary>The value of <c>Sec-WebSocket-Accept</c> for a key.</summary>
    public static string AcceptFor(string key)
    {
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // RFC 6455 prescribes SHA-1; nothing is kept secret by it.
        SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptGuid), hash);
#pragma warning restore CA5350
        return Convert.ToBase64String(hash);
    }

    private static async Task<(OriginResponseHead? Head, string Fault)> ReadFinalHeadAsync(Stream stream, HeadBuffer buffer, CancellationToken cancellationToken)
    {
        for (var interim = 0; interim <= OriginResponseHead.MostInterimAnswers; interim++)
        {
            var head = new OriginResponseHead();
            while (!head.Advance(buffer.Span))
            {
                var read = await stream.ReadAsync(buffer.Free, cancellationToken);
                if (read == 0)
                {
                    return (null, "the connection was closed before an answer");
                }
                buffer.Advance(read);
            }
            if (head.Fault is not null)
            {
                return (null, head.Fault);
            }
            buffer.Consume(head.Length);
            if (head.Status is 101 or >= 200)
            {
                return (head, string.Empty);
            }
        }
        return (null, $"more than {OriginResponseHead.MostInterimAnswers} interim answers");
    }

    private static OriginHandshakeResult Judge(
        OriginResponseHead head, HandshakeRequest request, OriginConnection connection, HeadBuffer buffer, TimeProvider time, TimeSpan timeout)
    {
        if (head.Status == 101)
        {
            return UpgradeFault(head, request) is { } upgradeFault
                ? OriginHandshakeResult.Refused(Refusal.OriginHandshakeInvalid, upgradeFault)
                : OriginHandshakeResult.Upgraded(head, buffer.Span.ToArray());
        }
        if (head.Status is < 300 or > 599)
        {
            return OriginHandshakeResult.Refused(Refusal.OriginHandshakeInvalid, $"status {head.Status} does not answer a WebSocket handshake");
        }
        return OriginBody.TryOpen(head, isHead: false, out var body) is { } bodyFault
            ? OriginHandshakeResult.Refused(Refusal.OriginHandshakeInvalid, bodyFault)
            : OriginHandshakeResult.Answered(new OriginAnswer(head, body, connection, buffer, time, timeout));
    }

    private static string? UpgradeFault(OriginResponseHead head, HandshakeRequest request)
    {
        if (head.IsHttp10)
        {
            return "an HTTP/1.0 answer cannot upgrade";
        }
        if (!head.Lists("Upgrade", "websocket"))
        {
            return "the 101 has no Upgrade: websocket";
        }
        if (!head.Lists("Connection", "upgrade"))
        {
            return "the 101 has no Connection: Upgrade";
        }
        var accepts = head.Values("Sec-WebSocket-Accept").ToArray();
        if (accepts.Length != 1 || !accepts[0].Equals(AcceptFor(request.Key), StringComparison.Ordinal))
        {
            return "the 101 has not the right Sec-WebSocket-Accept";
        }
        var subprotocols = head.Values("Sec-WebSocket-Protocol").ToArray();
        if (subprotocols.Length > 1 || (subprotocols.Length == 1 && !request.Subprotocols.Contains(subprotocols[0], StringComparer.Ordinal)))
        {
            return "the 101 selects a subprotocol that was not offered";
        }
        return head.Values("Sec-WebSocket-Extensions").SelectMany(ExtensionNames).All(name => request.Extensions.Contains(name, StringComparer.OrdinalIgnoreCase))
            ? null
            : "the 101 selects an extension that was not offered";
    }

    // name *(";" parameter), elements parted by commas; a comma may stand in a quoted parameter.
    private static IEnumerable<string> ExtensionNames(string value)
    {
        var start = 0;
        var isQuoted = false;
        for (var i = 0; i <= value.Length; i++)
        {
            if (i < value.Length && (isQuoted || value[i] != ','))
            {
                isQuoted ^= value[i] == '"';
                i += isQuoted && value[i] == '\\' ? 1 : 0;
                continue;
            }
            var element = value[start..Math.Min(i, value.Length)];
            yield return element.Split(';')[0].Trim(' ', '\t');
            start = i + 1;
        }
    }
}
