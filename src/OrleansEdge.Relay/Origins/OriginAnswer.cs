using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace OrleansEdge.Relay.Origins;

/// <summary>An origin's 3xx, 4xx or 5xx answer to a WebSocket handshake, its body still on the connection. Not thread safe.</summary>
public sealed class OriginAnswer : IDisposable
{
    // An error or a redirect fits in it; no file does.
    private const int MostUnpaidBytes = 64 * 1024;

    private readonly OriginConnection _connection;
    private readonly HeadBuffer _buffer;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private OriginBody _body;

    internal OriginAnswer(OriginResponseHead head, OriginBody body, OriginConnection connection, HeadBuffer buffer, TimeProvider time, TimeSpan timeout)
    {
        Status = head.Status;
        ReasonPhrase = head.Reason;
        Headers = EndToEnd(head);
        _body = body;
        _connection = connection;
        _buffer = buffer;
        _time = time;
        _timeout = timeout;
    }

    /// <summary>Status code, 300–599.</summary>
    public int Status { get; }

    /// <summary>Reason phrase; may be empty.</summary>
    public string ReasonPhrase { get; }

    /// <summary>The end-to-end fields in their order, <c>Content-Length</c> among them where the origin gave it.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>Whether the answer has no body by its status (204, 304), whatever its fields say.</summary>
    public bool IsBodyless => _body.Framing == BodyFraming.None;

    /// <summary>Copies the body, without its framing.</summary>
    /// <param name="destination">Written to as the bytes come.</param>
    /// <param name="cancellationToken">The client left.</param>
    /// <returns>Whether all of it came. Otherwise the origin broke off, was silent for the handshake's time-out, or broke the framing: what
    /// was copied must not look complete to the client.</returns>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public Task<bool> CopyBodyAsync(Stream destination, CancellationToken cancellationToken)
        => CopyBodyAsync(destination, meter: null, CancellationToken.None, cancellationToken);

    private async Task<bool> CopyBodyAsync(Stream destination, HttpMeter? meter, CancellationToken unpaid, CancellationToken cancellationToken)
    {
        var copied = 0L;
        while (!_body.IsComplete)
        {
            if (_buffer.Span.IsEmpty && await ReadAsync(cancellationToken) is var read && read <= 0)
            {
                return read == 0 && _body.Framing == BodyFraming.UntilClose;
            }
            if (!_body.TryTake(_buffer.Span, out var consumed, out var data))
            {
                return false;
            }
            var bytes = _buffer.Memory[data];
            meter?.Read(bytes.Length);
            copied += bytes.Length;
            if (copied > MostUnpaidBytes && unpaid.IsCancellationRequested)
            {
                return false;
            }
            await destination.WriteAsync(bytes, cancellationToken);
            meter?.Down(bytes.Length);
            _buffer.Consume(consumed);
        }
        return true;
    }

    /// <summary>Passes the whole answer on to the client; where the body breaks off, the client's connection (HTTP/2: stream) is aborted.</summary>
    /// <param name="context">The client's request.</param>
    /// <param name="meter">Counts it, as the answer to any other request.</param>
    /// <param name="unpaid">Cancelled when the tenant may have no more of such traffic: then a body breaks off that is longer than an
    /// error's.</param>
    /// <param name="cancellationToken">The client left.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    internal async Task WriteAsync(HttpContext context, HttpMeter meter, CancellationToken unpaid, CancellationToken cancellationToken)
    {
        meter.Request();
        meter.Answer();
        var response = context.Response;
        response.StatusCode = Status;
        context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = ReasonPhrase;
        foreach (var (name, value) in Headers)
        {
            response.Headers.Append(name, value);
        }
        response.Headers.Append("Proxy-Status", $"OrleansEdge; received-status={Status.ToString(CultureInfo.InvariantCulture)}");
        if (Status == StatusCodes.Status426UpgradeRequired && !HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            response.Headers.Connection = "Upgrade";
            response.Headers.Upgrade = "websocket";
        }
        if (!IsBodyless && !await CopyBodyAsync(response.Body, meter, unpaid, cancellationToken))
        {
            context.Abort();
        }
    }

    /// <summary>Gives back memory. The connection is not closed: its owner does that.</summary>
    public void Dispose() => _buffer.Dispose();

    private static List<KeyValuePair<string, string>> EndToEnd(OriginResponseHead head)
    {
        var named = EndToEndFields.NamedBy(head.Values("Connection").ToArray());
        return [.. head.Fields.Where(field => EndToEndFields.PassesDown(field.Key, named))];
    }

    // The number of bytes, 0 at the end, -1 where the origin failed or was silent for too long.
    private async ValueTask<int> ReadAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_timeout, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var read = await _connection.Stream.ReadAsync(_buffer.Free, limit.Token);
            _buffer.Advance(read);
            return read;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return -1;
        }
        catch (IOException)
        {
            return -1;
        }
    }
}
