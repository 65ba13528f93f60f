using Microsoft.AspNetCore.Http;

namespace OrleansEdge.Relay.Origins;

/// <summary>Sends the HTTP requests that YARP forwards to the first of the domain's origins that can be reached, by HTTP/1.1. Unlike the
/// framework's client it reads the answer while the request's body is still under way, asks for a body only when the origin wants it,
/// and writes the head as the client wrote it.</summary>
internal sealed class OriginHttpHandler(OriginConnector connector, TimeProvider time) : HttpMessageHandler
{
    private readonly OriginHttpPool _pool = new(time);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!request.Options.TryGetValue(OriginExchange.Key, out var exchange))
        {
            throw new InvalidOperationException("The request belongs to no exchange.");
        }
        var body = exchange.HasBody ? request.Content : null;
        OriginFault? first = null;
        foreach (var target in exchange.Order(connector))
        {
            if (await TryOnIdleAsync(target, exchange, body, cancellationToken) is { } answer)
            {
                return answer;
            }
            var (connection, fault) = await connector.DialAsync(exchange.Domain, target, cancellationToken);
            if (connection is not null)
            {
                return await RunAsync(_pool.Adopt(connection), exchange, body, cancellationToken);
            }
            first ??= fault;
        }
        throw new OriginUnreachableException(first!);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pool.Dispose();
        }
        base.Dispose(disposing);
    }

    // An origin may close an idle connection while a request is on its way. Where the method allows it and there is no body to lose, the
    // request is sent again (RFC 9110 section 9.2.2).
    private async Task<HttpResponseMessage?> TryOnIdleAsync(
        OriginTarget target, OriginExchange exchange, HttpContent? body, CancellationToken cancellationToken)
    {
        var mayRepeat = body is null && IsIdempotent(exchange.Method);
        while (_pool.Take(target) is { } pooled)
        {
            try
            {
                return await RunAsync(pooled, exchange, body, cancellationToken);
            }
            catch (AnswerBrokeOffException exception) when (mayRepeat && !exception.HadBegun)
            {
                continue;
            }
        }
        return null;
    }

    private Task<HttpResponseMessage> RunAsync(PooledConnection pooled, OriginExchange exchange, HttpContent? body, CancellationToken cancellationToken)
    {
        var attempt = new OriginHttpExchange(pooled, _pool, exchange, body, time, cancellationToken);
        exchange.Attempt = attempt;
        return attempt.RunAsync();
    }

    private static bool IsIdempotent(string method)
        => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method)
            || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method);
}

/// <summary>No origin could be reached: carries the first choice's fault through YARP.</summary>
internal sealed class OriginUnreachableException(OriginFault fault) : IOException(fault.Reason)
{
    public OriginFault Fault => fault;
}

/// <summary>The connection to the origin ended before the answer did.</summary>
internal sealed class AnswerBrokeOffException(bool hadBegun, Exception? cause = null) : IOException("the connection was lost before the end of the answer", cause)
{
    /// <summary>Whether any byte of the answer came.</summary>
    public bool HadBegun => hadBegun;
}

/// <summary>The origin's answer breaks the rules of HTTP.</summary>
internal sealed class AnswerMalformedException(string reason) : IOException(reason);

/// <summary>The client's request cannot be written to an origin.</summary>
internal sealed class RequestMalformedException(string message) : Exception(message);
