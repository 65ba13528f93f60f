using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using OrleansEdge.Model;
using Yarp.ReverseProxy.Forwarder;

namespace OrleansEdge.Relay.Origins;

/// <summary>One forwarded HTTP request: how its head becomes the origin's, and the origin's answer the client's.</summary>
internal sealed class OriginExchange(DomainSnapshot domain, bool clientUsesTls, RequestTarget target, ForwardedHeaders forwarded) : HttpTransformer
{
    /// <summary>Where <see cref="OriginFailover"/> finds the exchange of a request.</summary>
    public static readonly HttpRequestOptionsKey<OriginExchange> Key = new("OrleansEdge.OriginExchange");

    // The target goes on as it came: no escape is added, removed or resolved.
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public DomainSnapshot Domain => domain;

    /// <summary>The origins in the order in which they are tried.</summary>
    public OriginTarget[] Order(OriginConnector connector) => connector.Order(domain, clientUsesTls, target.Authority);

    /// <summary>The address under which the pool keeps connections to one origin.</summary>
    public Uri UriFor(OriginTarget origin) => new($"http://{origin.PoolName()}{target.PathAndQuery}", Verbatim);

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = new Uri(destinationPrefix);
        proxyRequest.Options.Set(Key, this);
        CopyFields(httpContext, proxyRequest);
        foreach (var (name, value) in forwarded.Apply(httpContext, target.Authority))
        {
            proxyRequest.Headers.TryAddWithoutValidation(name, value);
        }
        proxyRequest.Headers.Host = domain.Config.HostHeader ?? target.Authority;
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return ValueTask.FromResult(false);
        }
        var named = NamedByConnection(proxyResponse);
        var headers = httpContext.Response.Headers;
        CopyFields(proxyResponse.Headers, headers, named);
        CopyFields(proxyResponse.Content.Headers, headers, named);
        if (proxyResponse.Headers.NonValidated.Contains("Transfer-Encoding") || proxyResponse.StatusCode == HttpStatusCode.NoContent)
        {
            headers.ContentLength = null;
        }
        proxyResponse.Content = new HeadFirstContent(proxyResponse.Content, httpContext.Response);
        return ValueTask.FromResult(true);
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        if (httpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseTrailersFeature>()?.Trailers is { IsReadOnly: false } trailers)
        {
            CopyFields(proxyResponse.TrailingHeaders, trailers, null);
        }
        return ValueTask.CompletedTask;
    }

    private void CopyFields(HttpContext context, HttpRequestMessage request)
    {
        var headers = context.Request.Headers;
        var named = EndToEndFields.NamedBy(headers.Connection);
        foreach (var (name, values) in headers)
        {
            if (!EndToEndFields.Passes(name, named))
            {
                continue;
            }
            if (!OriginRequestHead.IsOneLine(name, values))
            {
                throw new MalformedRequestException("A header field is malformed.");
            }
            if (!forwarded.Replaces(name, context) && !name.Equals("Host", StringComparison.OrdinalIgnoreCase))
            {
                CopyField(context.Request, request, name, values);
            }
        }
    }

    private static void CopyField(HttpRequest client, HttpRequestMessage request, string name, StringValues values)
    {
        if (name.Equals("Max-Forwards", StringComparison.OrdinalIgnoreCase) && IsLimitedByMaxForwards(client.Method))
        {
            values = Decremented(values);
        }
        if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
        {
            request.Content ??= new ByteArrayContent([]);
            request.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    private static bool IsLimitedByMaxForwards(string method) => HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method);

    private static StringValues Decremented(StringValues values)
        => ulong.TryParse(values, NumberStyles.None, CultureInfo.InvariantCulture, out var left) && left > 0
            ? (left - 1).ToString(CultureInfo.InvariantCulture)
            : values;

    private static HashSet<string>? NamedByConnection(HttpResponseMessage response)
        => response.Headers.NonValidated.TryGetValues("Connection", out var connection)
            ? EndToEndFields.NamedBy(connection.ToArray())
            : null;

    private static void CopyFields(System.Net.Http.Headers.HttpHeaders from, IHeaderDictionary to, HashSet<string>? named)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            if (EndToEndFields.PassesDown(name, named))
            {
                to.Append(name, values.ToArray());
            }
        }
    }
}

/// <summary>The client's request cannot be written to an origin.</summary>
internal sealed class MalformedRequestException(string message) : Exception(message);
