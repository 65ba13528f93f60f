using System.Net;
using System.Text;

namespace OrleansEdge.Relay.Origins;

/// <summary>Sends an HTTP request to the first of the domain's origins that can be reached. Nothing of a body is read before a
/// connection stands, so a request that could not be sent is whole for the next origin.</summary>
internal sealed class OriginFailover(OriginConnector connector, SocketsHttpHandler pool) : DelegatingHandler(pool)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!request.Options.TryGetValue(OriginExchange.Key, out var exchange))
        {
            throw new InvalidOperationException("The request belongs to no exchange.");
        }
        if (request.Content is not null)
        {
            request.Content = new UnbufferedContent(request.Content);
        }
        OriginUnreachableException? first = null;
        foreach (var target in exchange.Order(connector))
        {
            request.RequestUri = exchange.UriFor(target);
            request.Options.Set(OriginHttpPool.DialKey, token => connector.DialAsync(exchange.Domain, target, streamOwnsSocket: true, token));
            try
            {
                return RefuseUpgrade(await base.SendAsync(request, cancellationToken));
            }
            catch (HttpRequestException exception) when (OriginUnreachableException.In(exception) is { } unreachable)
            {
                first ??= unreachable;
            }
        }
        throw new HttpRequestException(first!.Message, first);
    }

    private static HttpResponseMessage RefuseUpgrade(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            return response;
        }
        response.Dispose();
        throw new UnexpectedUpgradeException();
    }
}

/// <summary>The connections to origins that HTTP requests share, dialled as those of WebSockets are.</summary>
internal static class OriginHttpPool
{
    /// <summary>How a new connection for a request is dialled. Requests of one pool have equal targets.</summary>
    public static readonly HttpRequestOptionsKey<Func<CancellationToken, ValueTask<DialResult>>> DialKey = new("OrleansEdge.Dial");

    // Short enough that a name that moves is followed, and that a domain's changed certificate settings leave nothing behind.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Makes the pool. Time-outs of dialling are the dialler's, those of answers YARP's.</summary>
    public static SocketsHttpHandler Create() => new()
    {
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectCallback = DialAsync,
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        EnableMultipleHttp2Connections = false,
        MaxResponseHeadersLength = OriginResponseHead.MaxBytes / 1024,
        PooledConnectionIdleTimeout = IdleTimeout,
        PooledConnectionLifetime = Lifetime,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        UseCookies = false,
        UseProxy = false,
    };

    private static async ValueTask<Stream> DialAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        if (!context.InitialRequestMessage.Options.TryGetValue(DialKey, out var dial))
        {
            throw new InvalidOperationException("The request names no origin.");
        }
        var (connection, fault) = await dial(cancellationToken);
        return connection?.Stream ?? throw new OriginUnreachableException(fault!);
    }
}

/// <summary>An origin could not be reached: carries the fault through the HTTP client.</summary>
internal sealed class OriginUnreachableException(OriginFault fault) : IOException(fault.Reason)
{
    public OriginFault Fault => fault;

    /// <summary>The one inside an exception, or <see langword="null"/>.</summary>
    public static OriginUnreachableException? In(Exception? exception)
    {
        while (exception is not null and not OriginUnreachableException)
        {
            exception = exception is AggregateException { InnerExceptions: [var first, ..] } ? first : exception.InnerException;
        }
        return (OriginUnreachableException?)exception;
    }
}

/// <summary>An origin switched protocols though nobody asked.</summary>
internal sealed class UnexpectedUpgradeException() : IOException("status 101 to a request without Upgrade");
