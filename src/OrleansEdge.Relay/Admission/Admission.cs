using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Admission;

/// <summary>A refusal with the sentence that fits this occurrence.</summary>
internal sealed record RefusedRequest(Refusal Refusal, string Detail, TimeSpan? RetryAfter = null)
{
    /// <summary>426 asks for another upgrade, which HTTP/2 has not.</summary>
    public int StatusFor(HttpContext context)
        => Refusal == Refusal.VersionUnsupported && HandshakeValidation.IsHttp2(context) ? StatusCodes.Status400BadRequest : Refusal.Status;

    public Task WriteAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        if (Refusal == Refusal.VersionUnsupported)
        {
            headers.SecWebSocketVersion = "13";
            if (!HandshakeValidation.IsHttp2(context))
            {
                headers.Connection = headers.Connection.Count > 0 ? "close, Upgrade" : "Upgrade";
                headers.Upgrade = "websocket";
            }
        }
        else if (Refusal == Refusal.Draining && !HandshakeValidation.IsHttp2(context))
        {
            headers.Connection = "close";
        }

        return RefusalResponse.WriteAsync(context, Refusal with { Status = StatusFor(context) }, Detail, RetryAfter);
    }
}

/// <summary>A WebSocket that was let in. Dispose it when its session has ended: that gives its place back, once.</summary>
internal sealed class AdmittedHandshake(HandshakeRequest request, DomainSnapshot domain, DomainState state, Action release) : IDisposable
{
    private Action? _release = release;

    public HandshakeRequest Request { get; } = request;

    public DomainSnapshot Domain { get; } = domain;

    public DomainState State { get; } = state;

    /// <summary>Cancelled when the tenant may have no more HTTP traffic, which an origin's answer is.</summary>
    public CancellationToken HttpUsedUp => Domain.Exhausted.HasFlag(ExhaustedQuota.Http) ? new(canceled: true) : State.HttpUsedUp;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}

/// <summary>A WebSocket that was let in, or why it was not: one of the two is there.</summary>
internal readonly record struct AdmissionResult(RefusedRequest? Refused, AdmittedHandshake? Admitted);

/// <summary>Decides on a request before its origin is dialled. The order of the checks is part of the contract: known domain,
/// no loop, tenant, acceleration, WebSocket, handshake, access, limits, quota, draining, overload. Thread safe.</summary>
internal sealed class Admission(
    IDomainSource domains,
    SessionRegistry sessions,
    DrainCoordinator drain,
    DescriptorBudget descriptors,
    EdgeIdentity identity,
    IOptions<LimitOptions> limits,
    ISharedLimits? shared = null)
{
    private static readonly TimeSpan RetrySoon = TimeSpan.FromSeconds(1);

    // Somebody must buy traffic first, or the next plan begin.
    private static readonly TimeSpan RetryWhenBought = TimeSpan.FromMinutes(1);

    /// <summary>The refusal where a domain's document cannot be had now.</summary>
    public static readonly RefusedRequest ConfigUnavailable = new(
        Refusal.ConfigUnavailable, "The domain is known here, but its config cannot be had now.", RetrySoon);

    /// <summary>The refusal of a tenant's traffic that no plan pays for.</summary>
    public static readonly RefusedRequest QuotaExhausted = new(
        Refusal.QuotaExhausted, "The prepaid traffic of this domain's tenant is used up.", RetryWhenBought);

    private readonly int _maxSessions = limits.Value.MaxSessions > 0 ? Math.Min(limits.Value.MaxSessions, descriptors.MaxSessions) : descriptors.MaxSessions;
    private int _places;

    /// <summary>The domain that a request is for; <see langword="null"/>: none.</summary>
    /// <exception cref="DomainUnavailableException">It is not known now which; the answer is <see cref="ConfigUnavailable"/>.</exception>
    public ValueTask<DomainSnapshot?> FindAsync(HttpContext context, ClientConnection client)
        => client.Host.Length == 0 ? new((DomainSnapshot?)null) : domains.FindAsync(client.Host, context.RequestAborted);

    /// <summary>Why a request that is no WebSocket is refused; <see langword="null"/>: it is let in.</summary>
    /// <param name="context">The request.</param>
    /// <param name="domain">Its domain.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="usedUp">Where it is let in: cancelled when its tenant may have no more HTTP traffic.</param>
    public RefusedRequest? CheckHttp(HttpContext context, DomainSnapshot? domain, ClientConnection client, out CancellationToken usedUp)
    {
        usedUp = domain is null ? CancellationToken.None : sessions.StateOf(domain.Domain).HttpUsedUp;
        return CheckDomain(context, domain)
            ?? CheckAddress(domain!, client)
            ?? CheckQuota(domain!, ExhaustedQuota.Http)
            ?? CheckDraining();
    }

    /// <summary>Lets a WebSocket in or refuses it. Completes synchronously where the domain has no limit that is shared with other gateways.</summary>
    public ValueTask<AdmissionResult> AdmitAsync(HttpContext context, DomainSnapshot? domain, ClientConnection client)
    {
        var refused = CheckDomain(context, domain)
            ?? CheckWebSocket(domain!)
            ?? CheckHandshake(context)
            ?? CheckOrigin(context, domain!)
            ?? CheckAddress(domain!, client);
        return refused is null ? TakePlacesAsync(context, domain!, client) : new(new AdmissionResult(refused, null));
    }

    private RefusedRequest? CheckDomain(HttpContext context, DomainSnapshot? domain)
    {
        if (domain is null)
        {
            return new(Refusal.DomainUnknown, "No domain of that name is served here.");
        }

        if (HasOwnToken(context.Request.Headers["CDN-Loop"]))
        {
            return new(Refusal.LoopDetected, "CDN-Loop holds this edge's own token.");
        }

        return domain.TenantBlocked ? new(Refusal.TenantBlocked, "The tenant of this domain is blocked.") : null;
    }

    private static RefusedRequest? CheckWebSocket(DomainSnapshot domain)
    {
        if (domain.Config.Acceleration == Acceleration.Static)
        {
            return new(Refusal.AccelerationRequired, "The domain's acceleration is static; WebSocket needs dynamic or full.");
        }

        return domain.Config.WebSocket.Enabled ? null : new(Refusal.WebSocketDisabled, "WebSocket is off for this domain.");
    }

    private static RefusedRequest? CheckHandshake(HttpContext context)
        => HandshakeValidation.Check(context) is { } fault ? new(fault.Refusal, fault.Detail) : null;

    private static RefusedRequest? CheckOrigin(HttpContext context, DomainSnapshot domain)
    {
        var origin = context.Request.Headers.Origin;
        return domain.Access.AllowsOrigin(origin.Count == 1 ? origin[0] : origin.Count == 0 ? null : origin.ToString())
            ? null
            : new(Refusal.OriginDenied, "The Origin header is not among the domain's allowed origins.");
    }

    private static RefusedRequest? CheckAddress(DomainSnapshot domain, ClientConnection client)
        => domain.Access.AllowsAddress(client.Address.Address)
            ? null
            : new(Refusal.AddressDenied, "The client address is not allowed for this domain.");

    private static RefusedRequest? CheckQuota(DomainSnapshot domain, ExhaustedQuota kind)
        => domain.Exhausted.HasFlag(kind) ? QuotaExhausted : null;

    private RefusedRequest? CheckDraining()
        => drain.RefusesNew ? new(Refusal.Draining, "This edge is going out of service.", RetrySoon) : null;

    private async ValueTask<AdmissionResult> TakePlacesAsync(HttpContext context, DomainSnapshot domain, ClientConnection client)
    {
        var webSocket = domain.Config.WebSocket;
        var state = sessions.StateOf(domain.Domain);
        if (!state.TryTakeConnection(webSocket.MaxConnections))
        {
            return new(ConnectionLimit(webSocket), null);
        }

        TakenPlaces? places = new(sessions, domain.Domain, state);
        try
        {
            var refused = TakeHandshake(state, webSocket)
                ?? await TakeSharedAsync(context, domain, places)
                ?? CheckQuota(domain, ExhaustedQuota.Websocket)
                ?? CheckDraining()
                ?? TakeSession(places);
            if (refused is null)
            {
                var taken = places;
                places = null;
                return new(null, new(HandshakeValidation.Read(context, client), domain, state, taken.Return));
            }

            return new(refused, null);
        }
        finally
        {
            places?.Return();
        }
    }

    private static RefusedRequest ConnectionLimit(WebSocketConfig webSocket)
        => new(Refusal.ConnectionLimit, $"The domain has {webSocket.MaxConnections} connections, which is its limit.", RetrySoon);

    private static RefusedRequest RateLimit(WebSocketConfig webSocket, TimeSpan retryAfter)
        => new(Refusal.RateLimit, $"The domain has had {webSocket.HandshakesPerSecond} handshakes this second, which is its limit.", retryAfter);

    private static RefusedRequest? TakeHandshake(DomainState state, WebSocketConfig webSocket)
        => state.TryTakeHandshake(webSocket.HandshakesPerSecond, out var retryAfter) ? null : RateLimit(webSocket, retryAfter);

    private async ValueTask<RefusedRequest?> TakeSharedAsync(HttpContext context, DomainSnapshot domain, TakenPlaces places)
    {
        if (shared is null)
        {
            return null;
        }

        var webSocket = domain.Config.WebSocket;
        switch (await shared.TryTakeAsync(domain, context.RequestAborted))
        {
            case SharedLimit.Connections:
                return ConnectionLimit(webSocket);
            case SharedLimit.Handshakes:
                return RateLimit(webSocket, RetrySoon);
            default:
                places.Shared = shared;
                return null;
        }
    }

    private RefusedRequest? TakeSession(TakenPlaces places)
    {
        if (Interlocked.Increment(ref _places) <= _maxSessions)
        {
            places.Session = () => Interlocked.Decrement(ref _places);
            return null;
        }

        Interlocked.Decrement(ref _places);
        return new(Refusal.EdgeOverloaded, "This edge has as many sessions as it may have.", RetrySoon);
    }

    // RFC 8586 section 2: a list of tokens, each with optional parameters.
    private bool HasOwnToken(Microsoft.Extensions.Primitives.StringValues loop)
        => HandshakeValidation.TokensOf(loop).Any(t => t.Split(';', 2)[0].Trim().Equals(identity.LoopToken, StringComparison.OrdinalIgnoreCase));
}

/// <summary>The places that a handshake has taken so far.</summary>
internal sealed class TakenPlaces(SessionRegistry sessions, string domain, DomainState state)
{
    /// <summary>Of the limits that gateways share; <see langword="null"/>: none.</summary>
    public ISharedLimits? Shared { get; set; }

    /// <summary>Gives back the place among the sessions of the process.</summary>
    public Action? Session { get; set; }

    /// <summary>Gives all of them back.</summary>
    public void Return()
    {
        Session?.Invoke();
        sessions.Release(domain, state);
        Shared?.Return(domain);
    }
}
