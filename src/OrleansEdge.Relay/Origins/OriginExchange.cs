using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OrleansEdge.Model;
using Yarp.ReverseProxy.Forwarder;

namespace OrleansEdge.Relay.Origins;

/// <summary>One forwarded HTTP request: how its head becomes the origin's, and the head of the answer the client's. It rides through YARP
/// as the transformer and through the handler as an option of the request.</summary>
internal sealed class OriginExchange(
    HttpContext context, DomainSnapshot domain, bool clientUsesTls, RequestTarget target, ForwardedHeaders forwarded, HttpMeter meter) : HttpTransformer
{
    /// <summary>Where the handler finds the exchange of a request.</summary>
    public static readonly HttpRequestOptionsKey<OriginExchange> Key = new("OrleansEdge.OriginExchange");

    public DomainSnapshot Domain => domain;

    public HttpMeter Meter => meter;

    /// <summary>The client's answer.</summary>
    public HttpResponse Client => context.Response;

    /// <summary>The request's method.</summary>
    public string Method => context.Request.Method;

    /// <summary>Whether the answer has no body whatever its fields say.</summary>
    public bool IsHead => HttpMethods.IsHead(Method);

    /// <summary>Whether the client waits to be asked for its body.</summary>
    public bool ExpectsContinue => context.Request.Headers.Expect.ToString().Equals("100-continue", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the request has a body. Under HTTP/1.1 its fields decide: an Upgrade that was dropped is none.</summary>
    public bool HasBody => !HttpProtocol.IsHttp11(context.Request.Protocol) || RequestLength > 0 || context.Request.Headers.TransferEncoding.Count > 0;

    /// <summary>Length of the request's body; <see langword="null"/>: not known, it is sent in chunks.</summary>
    public long? RequestLength => context.Request.ContentLength;

    /// <summary>The last attempt on a connection, to be disposed when YARP is done.</summary>
    public OriginHttpExchange? Attempt { get; set; }

    /// <summary>The origins in the order in which they are tried.</summary>
    public OriginTarget[] Order(OriginConnector connector) => connector.Order(domain, clientUsesTls, target.Authority);

    /// <summary>Writes the head for the origin.</summary>
    /// <exception cref="RequestMalformedException">It cannot be written.</exception>
    public void WriteHead(HeadBuffer head, bool hasBody)
    {
        var fault = OriginRequestHead.WriteHttp(head, context, target, domain.Config.HostHeader, forwarded, isChunked: hasBody && RequestLength is null);
        if (fault is not null)
        {
            throw new RequestMalformedException(fault);
        }
    }

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = new Uri(destinationPrefix);
        proxyRequest.Options.Set(Key, this);
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse?.Content is not OriginHttpContent answer)
        {
            return ValueTask.FromResult(false);
        }
        meter.Answer();
        var named = EndToEndFields.NamedBy(answer.Head.Values("Connection").ToArray());
        var headers = httpContext.Response.Headers;
        foreach (var (name, value) in answer.Head.Fields)
        {
            if (EndToEndFields.PassesDown(name, named))
            {
                headers.Append(name, value);
            }
        }
        if (answer.Head.Status == StatusCodes.Status204NoContent)
        {
            headers.Remove("Content-Length");
        }
        return ValueTask.FromResult(true);
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse.Content is OriginHttpContent answer
            && httpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is { IsReadOnly: false } trailers)
        {
            foreach (var (name, value) in answer.Trailers)
            {
                // A length that comes behind the body frames nothing (RFC 9110 section 6.5.1).
                if (EndToEndFields.PassesDown(name, null) && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                {
                    trailers.Append(name, value);
                }
            }
        }
        return ValueTask.CompletedTask;
    }
}
