namespace OrleansEdge.Model;

/// <summary>Who ended a session.</summary>
public enum EndedBy
{
    /// <summary>The client.</summary>
    Client,

    /// <summary>The customer's server.</summary>
    Origin,

    /// <summary>The edge, by a rule or a fault.</summary>
    Edge,

    /// <summary>A person or program through the admin API.</summary>
    Operator,
}

/// <summary>What a session was doing when it ended.</summary>
public enum SessionPhase
{
    /// <summary>Not yet upgraded.</summary>
    Handshake,

    /// <summary>Open.</summary>
    Relaying,

    /// <summary>Being closed because the edge drains.</summary>
    Draining,
}

/// <summary>Why a session ended. One cause per session; <c>docs/session-ends.md</c> lists what each side sees.</summary>
public enum EndCause
{
    /// <summary>The client sent a Close frame.</summary>
    ClientClose,

    /// <summary>The origin sent a Close frame.</summary>
    OriginClose,

    /// <summary>No message within the domain's timeout.</summary>
    IdleTimeout,

    /// <summary>The domain's longest session life is over.</summary>
    SessionLifetime,

    /// <summary>The edge drains.</summary>
    EdgeDraining,

    /// <summary>WebSocket was turned off for the domain.</summary>
    DomainDisabled,

    /// <summary>The domain was deleted.</summary>
    DomainDeleted,

    /// <summary>The tenant was blocked.</summary>
    TenantBlocked,

    /// <summary>An operator ended the session.</summary>
    ClosedByOperator,

    /// <summary>The tenant's prepaid traffic is used up and there is no pay-as-you-go.</summary>
    QuotaExhausted,

    /// <summary>The client broke RFC 6455.</summary>
    ClientProtocolError,

    /// <summary>The origin broke RFC 6455.</summary>
    OriginProtocolError,

    /// <summary>A client's message was over the domain's limit.</summary>
    ClientMessageTooBig,

    /// <summary>An origin's message was over the domain's limit.</summary>
    OriginMessageTooBig,

    /// <summary>The origin vanished without a Close frame.</summary>
    OriginLost,

    /// <summary>The client vanished without a Close frame.</summary>
    ClientLost,

    /// <summary>The client did not answer the edge's ping.</summary>
    ClientPingTimeout,

    /// <summary>The origin did not answer the edge's ping.</summary>
    OriginPingTimeout,

    /// <summary>A fault of the edge itself.</summary>
    EdgeFault,
}

/// <summary>A Close frame that the edge makes: code (RFC 6455 section 7.4) and reason (UTF-8, at most 123 bytes).</summary>
public readonly record struct CloseFrame(int Code, string Reason);

/// <summary>What an end means: who caused it, the word for it, and the Close frames that the edge sends. Where a frame is
/// <see langword="null"/> that side is gone, or its Close comes from the other peer.</summary>
/// <param name="Cause">The cause.</param>
/// <param name="By">Who ended the session.</param>
/// <param name="Word">The cause as it stands in log, metrics and admin API.</param>
/// <param name="ToClient">Close frame to the client; 1014 stands for the domain's <c>originLostCode</c>.</param>
/// <param name="ToOrigin">Close frame to the origin.</param>
public sealed record SessionEndRule(EndCause Cause, EndedBy By, string Word, CloseFrame? ToClient, CloseFrame? ToOrigin)
{
    private static readonly SessionEndRule[] Rules =
    [
        new(EndCause.ClientClose, EndedBy.Client, "client_close", null, null),
        new(EndCause.OriginClose, EndedBy.Origin, "origin_close", null, null),
        Same(EndCause.IdleTimeout, EndedBy.Edge, "idle_timeout", 1001, 1001, "idle timeout"),
        Same(EndCause.SessionLifetime, EndedBy.Edge, "session_lifetime", 1001, 1001, "session lifetime"),
        new(EndCause.EdgeDraining, EndedBy.Edge, "edge_draining", new(1012, "service restart"), new(1001, "edge draining")),
        Same(EndCause.DomainDisabled, EndedBy.Operator, "domain_disabled", 1008, 1001, "domain disabled"),
        Same(EndCause.DomainDeleted, EndedBy.Operator, "domain_deleted", 1008, 1001, "domain deleted"),
        Same(EndCause.TenantBlocked, EndedBy.Operator, "tenant_blocked", 1008, 1001, "tenant blocked"),
        Same(EndCause.ClosedByOperator, EndedBy.Operator, "closed_by_operator", 1008, 1001, "closed by operator"),
        Same(EndCause.QuotaExhausted, EndedBy.Edge, "quota_exhausted", 1008, 1001, "quota exhausted"),
        new(EndCause.ClientProtocolError, EndedBy.Client, "client_protocol_error", new(1002, "protocol error"), new(1001, "client protocol error")),
        new(EndCause.OriginProtocolError, EndedBy.Origin, "origin_protocol_error", new(1014, "origin protocol error"), new(1002, "protocol error")),
        new(EndCause.ClientMessageTooBig, EndedBy.Client, "client_message_too_big", new(1009, "message too big"), new(1001, "client message too big")),
        new(EndCause.OriginMessageTooBig, EndedBy.Origin, "origin_message_too_big", new(1014, "origin message too big"), new(1009, "message too big")),
        new(EndCause.OriginLost, EndedBy.Origin, "origin_lost", new(1014, "origin lost"), null),
        new(EndCause.ClientLost, EndedBy.Client, "client_lost", null, new(1001, "client lost")),
        new(EndCause.ClientPingTimeout, EndedBy.Client, "client_ping_timeout", new(1001, "ping timeout"), new(1001, "client lost")),
        new(EndCause.OriginPingTimeout, EndedBy.Origin, "origin_ping_timeout", new(1014, "origin lost"), new(1001, "ping timeout")),
        Same(EndCause.EdgeFault, EndedBy.Edge, "edge_fault", 1011, 1011, "edge fault"),
    ];

    /// <summary>All ends, in the order of <see cref="EndCause"/>.</summary>
    public static IReadOnlyList<SessionEndRule> All => Rules;

    /// <summary>The rule of a cause.</summary>
    public static SessionEndRule Of(EndCause cause) => Rules[(int)cause];

    private static SessionEndRule Same(EndCause cause, EndedBy by, string word, int client, int origin, string reason)
        => new(cause, by, word, new(client, reason), new(origin, reason));
}

/// <summary>The one recorded end of a session.</summary>
/// <param name="Rule">Cause, author and word.</param>
/// <param name="Phase">What the session was doing.</param>
/// <param name="ClientCode">Close code that went to the client, relayed or the edge's own; 1005: a Close without a code; 0: none.</param>
/// <param name="OriginCode">Close code that went to the origin, likewise.</param>
public readonly record struct SessionEnd(SessionEndRule Rule, SessionPhase Phase, int ClientCode, int OriginCode);
