using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Metering;
using Yarp.ReverseProxy.Forwarder;

namespace OrleansEdge.Relay.Origins;

/// <summary>Passes HTTP requests that are no WebSocket handshakes to the origins of their domain, streaming both ways. Thread safe; one
/// for the process.</summary>
/// <remarks>An <c>Upgrade</c> of the client is dropped and a 101 of the origin refused, so that no socket slips past policy and meter.
/// <c>CONNECT</c> does not come here.</remarks>
internal sealed partial class HttpForwarding : IDisposable
{
    private const string FinalRecipientMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

    private static readonly TimeSpan WarnEvery = TimeSpan.FromSeconds(1);
    private static readonly Refusal RequestMalformed = new(400, "request_malformed", "http_request_error", "The request is malformed.");
    private static readonly Refusal AnswerIncomplete = new(502, "origin_response_invalid", "http_response_incomplete", "The origin broke off its answer.");
    private static readonly Refusal AnswerMalformed = new(502, "origin_response_invalid", "http_protocol_error", "The origin's answer is not valid HTTP.");

    private readonly ForwardedHeaders _forwarded;
    private readonly IHttpForwarder _forwarder;
    private readonly ForwarderRequestConfig _config;
    private readonly HttpMessageInvoker _invoker;
    private readonly UsageSpool _spool;
    private readonly TimeProvider _time;
    private readonly ILogger<HttpForwarding> _logger;
    private long _warnedAt;

    /// <summary>Makes the forwarding of the process.</summary>
    public HttpForwarding(
        OriginConnector connector,
        ForwardedHeaders forwarded,
        IHttpForwarder forwarder,
        UsageSpool spool,
        IOptions<OriginOptions> options,
        TimeProvider time,
        ILogger<HttpForwarding> logger)
    {
        _spool = spool;
        _forwarded = forwarded;
        _forwarder = forwarder;
        _time = time;
        _logger = logger;
        _config = new ForwarderRequestConfig
        {
            ActivityTimeout = options.Value.ActivityTimeout,
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            AllowResponseBuffering = false,
        };
        _invoker = new HttpMessageInvoker(new OriginHttpHandler(connector, time), disposeHandler: true);
    }

    /// <summary>Passes a request on and its answer back. Failures become the edge's own answers; where an answer breaks off, the client's
    /// connection (HTTP/2: stream) is aborted.</summary>
    /// <param name="context">The client's request; neither its body nor its answer was begun.</param>
    /// <param name="domain">The domain that serves it.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="usedUp">Breaks it off: its tenant may have no more of such traffic.</param>
    public async Task ForwardAsync(HttpContext context, DomainSnapshot domain, ClientConnection client, CancellationToken usedUp)
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
        var meter = new HttpMeter(context, _spool.MeterOf(domain.Tenant, domain.Domain, UsageKind.Http));
        var exchange = new OriginExchange(context, domain, client.UsesTls, target, _forwarded, meter);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, usedUp);
        var result = await _forwarder.SendAsync(context, "http://origin.invalid", _invoker, _config, exchange, end.Token);
        await using var attempt = exchange.Attempt;
        if (result == ForwarderError.None)
        {
            attempt?.NoteDelivered();
        }
        if (context.GetForwarderErrorFeature() is not { } error || context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        if (usedUp.IsCancellationRequested)
        {
            // Where the answer has begun YARP has aborted it.
            await (context.Response.HasStarted ? Task.CompletedTask : Admission.Admission.QuotaExhausted.WriteAsync(context));
        }
        else
        {
            await AnswerErrorAsync(context, domain, error, attempt);
        }
    }

    /// <summary>Whether a request has both <c>Transfer-Encoding</c> and <c>Content-Length</c>, a <c>Transfer-Encoding</c> that is not
    /// <c>chunked</c> alone and once, or one under HTTP/1.0: the shapes of request smuggling (RFC 9112 section 6.1). Kestrel renames the length of such a request to <c>X-Content-Length</c>.</summary>
    public static bool HasAmbiguousLength(HttpRequest request)
        => request.Headers.TransferEncoding.Count > 0
            && (!request.Headers.TransferEncoding.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase)
                || request.Headers.ContainsKey("Content-Length") || request.Headers.ContainsKey("X-Content-Length") || HttpProtocol.IsHttp10(request.Protocol));

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

    private async Task AnswerErrorAsync(HttpContext context, DomainSnapshot domain, IForwarderErrorFeature error, OriginHttpExchange? attempt)
    {
        if (context.Response.HasStarted)
        {
            // YARP has aborted it, unless the answer was whole before the request was.
            if (attempt is { IsAnswered: false })
            {
                Warn(domain, "origin_response_invalid", error.Exception);
            }
            return;
        }
        if (attempt is { IsAnswered: true } && error.Error != ForwarderError.ResponseHeaders)
        {
            return;
        }
        if (attempt is { HasClientFailed: true })
        {
            // YARP has set the status that fits (400, 408, 413), for a client that may still listen.
            return;
        }
        var (refusal, reason) = Explain(context, error);
        if (refusal.Code == AnswerMalformed.Code || refusal == Refusal.OriginResponseTimeout)
        {
            Warn(domain, refusal.Code, error.Exception);
        }
        await RefuseAsync(context, refusal, reason);
    }

    private static (Refusal Refusal, string Reason) Explain(HttpContext context, IForwarderErrorFeature error)
    {
        foreach (var cause in error.Exception is AggregateException several ? several.InnerExceptions : Enumerable.Repeat(error.Exception, 1))
        {
            switch (cause)
            {
                case OriginUnreachableException unreachable:
                    return (unreachable.Fault.Refusal, Sentence(unreachable.Fault.Reason));
                case RequestMalformedException malformed:
                    return (RequestMalformed, Sentence(malformed.Message));
                case AnswerMalformedException malformed:
                    return (AnswerMalformed, Sentence(malformed.Message));
                case AnswerBrokeOffException brokeOff:
                    return (AnswerIncomplete, Sentence(brokeOff.Message));
                default:
                    continue;
            }
        }
        return context.Response.StatusCode == StatusCodes.Status504GatewayTimeout
            ? (Refusal.OriginResponseTimeout, "The origin was silent for too long.")
            : (AnswerIncomplete, "The origin's answer could not be read.");
    }

    private static string Sentence(string reason) => $"{char.ToUpper(reason[0], CultureInfo.InvariantCulture)}{reason.AsSpan(1)}.";

    private static Task RefuseAsync(HttpContext context, Refusal refusal, string detail) => RefusalResponse.WriteAsync(context, refusal, detail);

    // The origin's faults are warnings, but one every second tells enough.
    private void Warn(DomainSnapshot domain, string code, Exception? exception)
    {
        var reason = (exception as AggregateException)?.InnerExceptions[^1].Message ?? exception?.Message ?? string.Empty;
        var now = _time.GetTimestamp();
        var last = Interlocked.Read(ref _warnedAt);
        if (_time.GetElapsedTime(last, now) >= WarnEvery && Interlocked.CompareExchange(ref _warnedAt, now, last) == last)
        {
            AnswerInvalid(domain.Domain, code, reason);
        }
        else
        {
            AnswerInvalidToo(domain.Domain, code, reason);
        }
    }

    [LoggerMessage(1210, LogLevel.Warning, "An origin of {Domain} gave no valid answer: {Code}: {Reason}.")]
    private partial void AnswerInvalid(string domain, string code, string reason);

    [LoggerMessage(1211, LogLevel.Debug, "An origin of {Domain} gave no valid answer: {Code}: {Reason}.")]
    private partial void AnswerInvalidToo(string domain, string code, string reason);
}
