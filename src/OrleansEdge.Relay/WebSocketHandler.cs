using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Telemetry;

namespace OrleansEdge.Relay;

/// <summary>Takes a WebSocket handshake from admission over its origin to a session that runs until its end.</summary>
internal sealed class WebSocketHandler(
    Admission.Admission admission,
    OriginConnector origins,
    SessionHost sessions,
    RelayMetrics metrics,
    AccessLog accessLog,
    ForwardedHeaders forwarded,
    UsageSpool spool,
    IOptions<OriginOptions> originOptions,
    TimeProvider time)
{
    private const int ClientClosedRequest = 499;

    public async Task HandleAsync(HttpContext context, ClientConnection client)
    {
        context.Features.Get<IHttpMetricsTagsFeature>()?.MetricsDisabled = true;
        var attempt = new Attempt(context, client, time);
        try
        {
            attempt.Domain = await admission.FindAsync(context, client);
            var (refused, admitted) = await admission.AdmitAsync(context, attempt.Domain, client);
            if (refused is not null)
            {
                await RefuseAsync(attempt, refused);
                return;
            }

            using (admitted)
            {
                await OpenAsync(attempt, admitted!);
            }
        }
        catch (DomainUnavailableException)
        {
            await RefuseAsync(attempt, Admission.Admission.ConfigUnavailable);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested && !attempt.IsAnswered)
        {
            Note(attempt, ClientClosedRequest, SessionEndRule.Of(EndCause.ClientLost).Word, EndedBy.Client);
        }
    }

    private async Task OpenAsync(Attempt attempt, AdmittedHandshake admitted)
    {
        using var origin = await ConnectAsync(attempt, admitted);
        if (origin is null)
        {
            return;
        }

        var answer = await OriginHandshake.PerformAsync(
            origin, admitted.Request, attempt.Context, forwarded, time, originOptions.Value.HandshakeTimeout, attempt.Context.RequestAborted);
        if (answer.Refusal is not null)
        {
            await RefuseAsync(attempt, new RefusedRequest(answer.Refusal, answer.Detail));
        }
        else if (answer.Answer is not null)
        {
            Note(attempt, answer.Answer.Status, "origin_answer", EndedBy.Origin);
            using (answer.Answer)
            {
                var meter = new HttpMeter(attempt.Context, spool.MeterOf(admitted.Domain.Tenant, admitted.Domain.Domain, UsageKind.Http));
                await answer.Answer.WriteAsync(attempt.Context, meter, admitted.HttpUsedUp, attempt.Context.RequestAborted);
            }
        }
        else
        {
            await RelayAsync(attempt, admitted, origin, answer);
        }
    }

    private async Task<OriginConnection?> ConnectAsync(Attempt attempt, AdmittedHandshake admitted)
    {
        var began = time.GetTimestamp();
        var host = attempt.Context.Request.Host.Value ?? attempt.Client.Host;
        var result = await origins.ConnectAsync(admitted.Domain, attempt.Client.UsesTls, host, attempt.Context.RequestAborted);
        attempt.Origin = result.OriginAddress;
        metrics.OriginConnected(time.GetElapsedTime(began), result.Refusal?.Code ?? RelayMetrics.Connected);
        if (result.Refusal is not null)
        {
            await RefuseAsync(attempt, new RefusedRequest(result.Refusal, result.Reason));
        }

        return result.Connection;
    }

    private async Task RelayAsync(Attempt attempt, AdmittedHandshake admitted, OriginConnection origin, OriginHandshakeResult answer)
    {
        var client = await ClientUpgrade.PrepareAsync(attempt.Context, admitted.Request, answer.ResponseHeaders);
        RelayLeg originLeg = origin.Tls is { } tls ? new TlsLeg(tls, origin.Socket, answer.Leftover) : new SocketLeg(origin.Socket, answer.Leftover);
        var session = sessions.Add(attempt.Id, admitted, origin.RemoteEndPoint, answer, attempt.Path, client.Leg, originLeg);
        try
        {
            await client.AnswerAsync();
        }
        catch
        {
            sessions.Forget(session);
            throw;
        }

        attempt.IsAnswered = true;
        metrics.Handshake(attempt.Elapsed, RelayMetrics.Accepted);
        await sessions.RunAsync(session, admitted);
    }

    private async Task RefuseAsync(Attempt attempt, RefusedRequest refused)
    {
        var context = attempt.Context;
        var by = refused.Refusal.Status is StatusCodes.Status502BadGateway or StatusCodes.Status504GatewayTimeout ? EndedBy.Origin : EndedBy.Edge;
        Note(attempt, refused.StatusFor(context), refused.Refusal.Code, by);

        // What came behind the head was meant as frames; it must not be taken for the next request.
        if (!HandshakeValidation.IsHttp2(context) && ClientUpgrade.HasEarlyBytes(context))
        {
            context.Response.Headers.Connection = "close";
        }

        await refused.WriteAsync(context);
    }

    private void Note(Attempt attempt, int status, string code, EndedBy by)
    {
        attempt.IsAnswered = true;
        metrics.Handshake(attempt.Elapsed, code);
        accessLog.Refused(
            attempt.Id, time.GetUtcNow(), attempt.Domain?.Domain, attempt.Domain?.Tenant, attempt.Client.Address.ToString(), attempt.Origin, attempt.Path, status, code, by);
    }

    /// <summary>A handshake on its way.</summary>
    private sealed class Attempt(HttpContext context, ClientConnection client, TimeProvider time)
    {
        private readonly long _began = time.GetTimestamp();

        public string Id { get; } = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");

        public HttpContext Context { get; } = context;

        public ClientConnection Client { get; } = client;

        public string Path { get; } = context.Request.Path.Value ?? "/";

        public DomainSnapshot? Domain { get; set; }

        public string? Origin { get; set; }

        public bool IsAnswered { get; set; }

        public TimeSpan Elapsed => time.GetElapsedTime(_began);
    }
}
