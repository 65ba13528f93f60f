using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using Yarp.ReverseProxy.Forwarder;

namespace OrleansEdge.Relay.Origins;

/// <summary>Passes HTTP requests that are no WebSocket handshakes to the origins of their domain, streaming both ways. Thread safe; one
/// for the process.</summary>
/// <remarks>An <c>Upgrade</c> of the client is dropped and a 101 of the origin refused, so that no socket slips past policy and meter.
/// <c>CONNECT</c> does not come here. A request is passed on half-duplex: an origin's answer is read when the request was sent.</remarks>
public sealed partial class HttpForwarding : IDisposable
{
    private const string FinalRecipientMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

    private static readonly Refusal RequestMalformed = new(400, "request_malformed", "http_request_error", "The request is malformed.");
    private static readonly Refusal AnswerIncomplete = new(502, "origin_response_invalid", "http_response_incomplete", "The origin broke off its answer.");
    private static readonly Refusal AnswerMalformed = new(502, "origin_response_invalid", "http_protocol_error", "The origin's answer is not valid HTTP.");

    private readonly ForwardedHeaders _forwarded;
    private readonly IHttpForwarder _forwarder;
    private readonly ForwarderRequestConfig _config;
    private readonly HttpMessageInvoker _invoker;
    private readonly ILogger<HttpForwarding> _logger;

    /// <summary>Makes the forwarding of the process.</summary>
    public HttpForwarding(
        OriginConnector connector, ForwardedHeaders forwarded, IHttpForwarder forwarder, IOptions<OriginOptions> options, ILogger<HttpForwarding> logger)
    {
        _forwarded = forwarded;
        _forwarder = forwarder;
        _logger = logger;
        _config = new ForwarderRequestConfig
        {
            ActivityTimeout = options.Value.ActivityTimeout,
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            AllowResponseBuffering = false,
        };
        _invoker = new HttpMessageInvoker(new OriginFailover(connector, OriginHttpPool.Create()), disposeHandler: true);
    }

    /// <summary>Passes a request on and its answer back. Failures become the edge's own answers; where an answer breaks off, the client's
    /// connection (HTTP/2: stream) is aborted.</summary>
    /// <param name="context">The client's request; neither its body nor its answer was begun.</param>
    /// <param name="domain">The domain that serves it.</param>
    /// <param name="client">Who asks.</param>
    public async Task ForwardAsync(HttpContext context, DomainSnapshot domain, ClientConnection client)
    {
        context.Request.Headers.Remove("Upgrade");
        if (HasAmbiguousLength(context.Request))
        {
            // What follows may be part of it.
            context.Response.Headers.Connection = "close";
            await RefuseAsync(context, RequestMalformed, "The request gives its length twice.");
            return;
        }
        if (!RequestTarget.TryRead(context, out var target))
        {
            await RefuseAsync(context, RequestMalformed, "The request target is malformed.");
            return;
        }
        if (IsForTheEdge(context.Request, target))
        {
            AnswerAsFinalRecipient(context);
            return;
        }
        LiftLimits(context);
        var exchange = new OriginExchange(domain, client.UsesTls, target, _forwarded);
        await _forwarder.SendAsync(context, "http://origin.invalid", _invoker, _config, exchange, context.RequestAborted);
        if (context.GetForwarderErrorFeature() is { } error)
        {
            await AnswerErrorAsync(context, domain, error);
        }
    }

    /// <summary>Whether a request has both <c>Transfer-Encoding</c> and <c>Content-Length</c>, or <c>Transfer-Encoding</c> under HTTP/1.0: the shapes
    /// of request smuggling (RFC 9112 section 6.1). Kestrel renames the length of such a request to <c>X-Content-Length</c>.</summary>
    public static bool HasAmbiguousLength(HttpRequest request)
        => request.Headers.TransferEncoding.Count > 0
            && (request.Headers.ContainsKey("Content-Length") || request.Headers.ContainsKey("X-Content-Length") || HttpProtocol.IsHttp10(request.Protocol));

    /// <inheritdoc/>
    public void Dispose() => _invoker.Dispose();

    // RFC 9110 section 7.6.2: a request that may go no further is answered here.
    private static bool IsForTheEdge(HttpRequest request, RequestTarget target)
    {
        if (target.PathAndQuery is "*")
        {
            return true;
        }
        return (HttpMethods.IsOptions(request.Method) || HttpMethods.IsTrace(request.Method)) && request.Headers["Max-Forwards"] == "0";
    }

    private static void AnswerAsFinalRecipient(HttpContext context)
    {
        context.Response.StatusCode = HttpMethods.IsOptions(context.Request.Method) ? StatusCodes.Status204NoContent : StatusCodes.Status405MethodNotAllowed;
        context.Response.Headers.Allow = FinalRecipientMethods;
    }

    // The body's size is the origin's business, and silence is bounded by the activity time-out.
    private static void LiftLimits(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } upload)
        {
            upload.MinDataRate = null;
        }
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } download)
        {
            download.MinDataRate = null;
        }
    }

    private async Task AnswerErrorAsync(HttpContext context, DomainSnapshot domain, IForwarderErrorFeature error)
    {
        if (context.RequestAborted.IsCancellationRequested || IsOfTheClient(error.Error))
        {
            // YARP has set the status that fits (400, 408, 413), for a client that may still listen.
            return;
        }
        var (refusal, reason) = Explain(error);
        if (context.Response.HasStarted)
        {
            AnswerBrokeOff(domain.Domain, error.Error);
            context.Abort();
            return;
        }
        if (refusal.Code == AnswerMalformed.Code || refusal == Refusal.OriginResponseTimeout)
        {
            NoValidAnswer(domain.Domain, refusal.Code, error.Exception?.InnerException?.Message ?? error.Exception?.Message ?? string.Empty);
        }
        await RefuseAsync(context, refusal, reason);
    }

    private static bool IsOfTheClient(ForwarderError error)
        => error is ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled or ForwarderError.RequestCanceled;

    private static (Refusal Refusal, string Reason) Explain(IForwarderErrorFeature error)
    {
        if (OriginUnreachableException.In(error.Exception) is { } unreachable)
        {
            return (unreachable.Fault.Refusal, Sentence(unreachable.Fault.Reason));
        }
        if (error.Exception is MalformedRequestException malformed)
        {
            return (RequestMalformed, malformed.Message);
        }
        return error.Error switch
        {
            ForwarderError.RequestTimedOut => (Refusal.OriginResponseTimeout, "The origin was silent for too long."),
            _ when IsMalformedAnswer(error.Exception) => (AnswerMalformed, "The origin sent something else than an HTTP answer."),
            _ => (AnswerIncomplete, "The connection to the origin was lost before an answer."),
        };
    }

    private static bool IsMalformedAnswer(Exception? exception)
        => exception is UnexpectedUpgradeException
            || exception is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded };

    private static string Sentence(string reason) => $"{char.ToUpper(reason[0], CultureInfo.InvariantCulture)}{reason.AsSpan(1)}.";

    private static Task RefuseAsync(HttpContext context, Refusal refusal, string detail) => RefusalResponse.WriteAsync(context, refusal, detail);

    [LoggerMessage(1210, LogLevel.Warning, "An origin of {Domain} gave no valid answer: {Code}: {Reason}.")]
    private partial void NoValidAnswer(string domain, string code, string reason);

    [LoggerMessage(1211, LogLevel.Warning, "An origin of {Domain} broke off its answer: {Error}.")]
    private partial void AnswerBrokeOff(string domain, ForwarderError error);
}
