namespace OrleansEdge.Relay.Admission;

/// <summary>A request that the edge answers itself: HTTP status, the stable <c>code</c> of the problem document, and the error
/// type of the <c>Proxy-Status</c> field (RFC 9209 section 2.3). Immutable.</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Code">Stable word for programs, logs and metrics.</param>
/// <param name="ProxyError">RFC 9209 proxy error type.</param>
/// <param name="Title">Sentence for people, the same for every occurrence.</param>
public sealed record Refusal(int Status, string Code, string ProxyError, string Title)
{
    /// <summary>No such domain is served here.</summary>
    public static readonly Refusal DomainUnknown = new(404, "domain_unknown", "destination_not_found", "No such domain is served here.");
    /// <summary>The request has passed this edge before.</summary>
    public static readonly Refusal LoopDetected = new(508, "loop_detected", "proxy_loop_detected", "The request has passed this edge before.");
    /// <summary>The domain's tenant is blocked.</summary>
    public static readonly Refusal TenantBlocked = Denied(403, "tenant_blocked", "The domain's tenant is blocked.");
    /// <summary>The domain has no dynamic acceleration, which WebSocket needs.</summary>
    public static readonly Refusal AccelerationRequired = Denied(403, "acceleration_required", "The domain has no dynamic acceleration, which WebSocket needs.");
    /// <summary>WebSocket is off for this domain.</summary>
    public static readonly Refusal WebSocketDisabled = Denied(403, "websocket_disabled", "WebSocket is off for this domain.");
    /// <summary>The WebSocket handshake is malformed.</summary>
    public static readonly Refusal HandshakeInvalid = new(400, "handshake_invalid", "http_request_error", "The WebSocket handshake is malformed.");
    /// <summary>Only WebSocket version 13 is spoken here.</summary>
    public static readonly Refusal VersionUnsupported = new(426, "version_unsupported", "http_request_error", "Only WebSocket version 13 is spoken here.");
    /// <summary>The Origin header is not allowed for this domain.</summary>
    public static readonly Refusal OriginDenied = Denied(403, "origin_denied", "The Origin header is not allowed for this domain.");
    /// <summary>The client address is not allowed for this domain.</summary>
    public static readonly Refusal AddressDenied = Denied(403, "address_denied", "The client address is not allowed for this domain.");
    /// <summary>The domain has as many connections as it may have.</summary>
    public static readonly Refusal ConnectionLimit = Denied(429, "connection_limit", "The domain has as many connections as it may have.");
    /// <summary>The domain has as many handshakes a second as it may have.</summary>
    public static readonly Refusal RateLimit = Denied(429, "rate_limit", "The domain has as many handshakes a second as it may have.");
    /// <summary>The tenant's prepaid traffic is used up.</summary>
    public static readonly Refusal QuotaExhausted = Denied(429, "quota_exhausted", "The tenant's prepaid traffic is used up.");
    /// <summary>This edge is being shut down; try again.</summary>
    public static readonly Refusal Draining = new(503, "draining", "proxy_internal_response", "This edge is being shut down; try again.");
    /// <summary>This edge has no room for the connection; try again.</summary>
    public static readonly Refusal EdgeOverloaded = new(503, "edge_overloaded", "proxy_internal_error", "This edge has no room for the connection; try again.");
    /// <summary>The domain is known, but its document cannot be had now; try again.</summary>
    public static readonly Refusal ConfigUnavailable = new(503, "config_unavailable", "proxy_internal_error", "The domain's config cannot be had now; try again.");
    /// <summary>CONNECT is answered for WebSocket only.</summary>
    public static readonly Refusal MethodUnsupported = new(501, "method_unsupported", "http_request_error", "CONNECT is answered for WebSocket only.");
    /// <summary>The origin refused the connection.</summary>
    public static readonly Refusal OriginRefused = new(502, "origin_refused", "connection_refused", "The origin refused the connection.");
    /// <summary>The origin's name could not be resolved.</summary>
    public static readonly Refusal OriginDns = new(502, "origin_dns", "dns_error", "The origin's name could not be resolved.");
    /// <summary>The origin's certificate is not valid.</summary>
    public static readonly Refusal OriginTlsCertificate = new(502, "origin_tls", "tls_certificate_error", "The origin's certificate is not valid.");
    /// <summary>TLS with the origin failed.</summary>
    public static readonly Refusal OriginTlsProtocol = new(502, "origin_tls", "tls_protocol_error", "TLS with the origin failed.");
    /// <summary>The origin did not accept the connection in time.</summary>
    public static readonly Refusal OriginConnectTimeout = new(504, "origin_timeout", "connection_timeout", "The origin did not accept the connection in time.");
    /// <summary>The origin did not answer in time.</summary>
    public static readonly Refusal OriginResponseTimeout = new(504, "origin_timeout", "http_response_timeout", "The origin did not answer in time.");
    /// <summary>The origin's answer to the WebSocket handshake is not valid.</summary>
    public static readonly Refusal OriginHandshakeInvalid = new(502, "origin_handshake_invalid", "http_upgrade_failed", "The origin's answer to the WebSocket handshake is not valid.");

    /// <summary>The edge failed.</summary>
    public static readonly Refusal EdgeFault = new(500, "edge_fault", "proxy_internal_error", "The edge failed.");

    private static Refusal Denied(int status, string code, string title) => new(status, code, "http_request_denied", title);
}
