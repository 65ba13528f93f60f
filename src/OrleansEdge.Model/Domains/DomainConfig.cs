using System.Collections.Immutable;

namespace OrleansEdge.Model;

/// <summary>A domain as its owner wrote it: one JSON document, replaced whole. Immutable.</summary>
public sealed record DomainConfig
{
    /// <summary>The name served: ASCII lower case, IDN in punycode, no port, no trailing dot; <c>*.example.com</c> covers
    /// any number of labels below <c>example.com</c>, not the name itself.</summary>
    public required string Domain { get; init; }

    /// <summary>Id of the tenant who is billed.</summary>
    public required string Tenant { get; init; }

    /// <summary>What the edge accelerates. WebSocket needs <see cref="Acceleration.Dynamic"/> (default) or <see cref="Acceleration.Full"/>.</summary>
    public Acceleration Acceleration { get; init; } = Acceleration.Dynamic;

    /// <summary>WebSocket policy of the domain.</summary>
    public WebSocketConfig WebSocket { get; init; } = new();

    /// <summary>The customer's servers, at least one.</summary>
    public required ImmutableArray<OriginConfig> Origins { get; init; }

    /// <summary><c>Host</c> sent to the origin; <see langword="null"/> (default): the host that the client asked for.</summary>
    public string? HostHeader { get; init; }

    /// <summary>TLS towards the origins.</summary>
    public OriginTlsConfig OriginTls { get; init; } = new();

    /// <summary>Who may connect.</summary>
    public AccessConfig Access { get; init; } = new();

    /// <summary>Whether the other document says the same, lists item by item.</summary>
    public bool Equals(DomainConfig? other)
        => other is not null
            && Domain == other.Domain
            && Tenant == other.Tenant
            && Acceleration == other.Acceleration
            && WebSocket == other.WebSocket
            && Origins.AsSpan().SequenceEqual(other.Origins.AsSpan())
            && HostHeader == other.HostHeader
            && OriginTls == other.OriginTls
            && Access == other.Access;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Domain, Tenant, Acceleration, WebSocket, HostHeader, OriginTls);
}

/// <summary>Which kinds of content of a domain the edge accelerates.</summary>
public enum Acceleration
{
    /// <summary>Dynamic requests; WebSocket can be on.</summary>
    Dynamic,

    /// <summary>Dynamic and static requests; WebSocket can be on.</summary>
    Full,

    /// <summary>Static requests only; WebSocket is off.</summary>
    Static,
}

/// <summary>The WebSocket policy of a domain. In every limit 0 means "no limit".</summary>
public sealed record WebSocketConfig
{
    /// <summary>Whether WebSocket handshakes are admitted. Default: on, off where acceleration is static.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Seconds without a message after which a session ends: 0 (never) to <c>Edge:Limits:MaxTimeoutSeconds</c>. Default 60.</summary>
    public int TimeoutSeconds { get; init; } = 60;

    /// <summary>Back-to-origin protocol. Default: that of the client.</summary>
    public OriginProtocol OriginProtocol { get; init; } = OriginProtocol.Follow;

    /// <summary>What resets the idle timeout. Default: any frame.</summary>
    public IdleCounts IdleCounts { get; init; } = IdleCounts.Frames;

    /// <summary>Seconds of a side's silence after which the edge pings it; 0 (default): never.</summary>
    public int PingSeconds { get; init; }

    /// <summary>Longest life of a session in seconds; 0 (default): no limit.</summary>
    public int MaxSessionSeconds { get; init; }

    /// <summary>Most sessions of the domain at once; 0 (default): no limit.</summary>
    public int MaxConnections { get; init; }

    /// <summary>Most handshakes of the domain in a second; 0 (default): no limit.</summary>
    public int HandshakesPerSecond { get; init; }

    /// <summary>Most payload bytes of a message as they cross the wire, over all its fragments; 0 (default): no limit.</summary>
    public long MaxMessageBytes { get; init; }

    /// <summary>Whether breaches of RFC 6455 end a session (default) or are only relayed.</summary>
    public ProtocolPolicing Protocol { get; init; } = ProtocolPolicing.Strict;

    /// <summary>Close code that tells a client that the origin is lost: 1014 (default) or 1011.</summary>
    public int OriginLostCode { get; init; } = 1014;
}

/// <summary>Protocol of the connection from the edge to the origin.</summary>
public enum OriginProtocol
{
    /// <summary>The scheme of the client's own request.</summary>
    Follow,

    /// <summary>Plain HTTP.</summary>
    Http,

    /// <summary>HTTP over TLS.</summary>
    Https,
}

/// <summary>Which frames reset the idle timeout.</summary>
public enum IdleCounts
{
    /// <summary>Any frame in either direction, the peers' own heartbeats included.</summary>
    Frames,

    /// <summary>Data frames only.</summary>
    Messages,
}

/// <summary>How the edge treats breaches of RFC 6455.</summary>
public enum ProtocolPolicing
{
    /// <summary>They end the session with 1002.</summary>
    Strict,

    /// <summary>They pass.</summary>
    Transparent,
}

/// <summary>One server of the customer.</summary>
public sealed record OriginConfig
{
    /// <summary>A DNS name or an IP address (IPv6 with or without brackets), without a port.</summary>
    public required string Address { get; init; }

    /// <summary>Port for plain HTTP, 1–65535. Default 80.</summary>
    public int HttpPort { get; init; } = 80;

    /// <summary>Port for HTTPS, 1–65535. Default 443.</summary>
    public int HttpsPort { get; init; } = 443;

    /// <summary>Share of the sessions relative to the other origins, 1–1000. Default 1.</summary>
    public int Weight { get; init; } = 1;
}

/// <summary>TLS from the edge to the origins.</summary>
public sealed record OriginTlsConfig
{
    /// <summary>Name sent by SNI and expected in the certificate; <see langword="null"/> (default): the <c>Host</c> sent to the origin.</summary>
    public string? ServerName { get; init; }

    /// <summary>Whether the certificate must be valid for that name. Default on.</summary>
    public bool Verify { get; init; } = true;
}

/// <summary>Who may open a WebSocket. Empty lists restrict nothing.</summary>
public sealed record AccessConfig
{
    /// <summary>Values of the <c>Origin</c> header that are let in: <c>https://app.example.com</c>, with an optional port,
    /// <c>https://*.example.com</c> for any name below, or <c>null</c>. Not empty: a handshake without the header is refused.</summary>
    public ImmutableArray<string> AllowedOrigins { get; init; } = [];

    /// <summary>Client addresses or CIDR networks that are let in; not empty: all others are refused.</summary>
    public ImmutableArray<string> AllowedAddresses { get; init; } = [];

    /// <summary>Client addresses or CIDR networks that are refused; wins over <see cref="AllowedAddresses"/>.</summary>
    public ImmutableArray<string> DeniedAddresses { get; init; } = [];

    /// <summary>Whether the other rules are the same, item by item.</summary>
    public bool Equals(AccessConfig? other)
        => other is not null
            && AllowedOrigins.AsSpan().SequenceEqual(other.AllowedOrigins.AsSpan())
            && AllowedAddresses.AsSpan().SequenceEqual(other.AllowedAddresses.AsSpan())
            && DeniedAddresses.AsSpan().SequenceEqual(other.DeniedAddresses.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(AllowedOrigins.Length, AllowedAddresses.Length, DeniedAddresses.Length);
}
