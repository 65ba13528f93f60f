using System.Text.Json.Serialization;

namespace OrleansEdge.Model;

/// <summary>An open session as the admin API shows it. Bytes are those of WebSocket frames, header and payload, on the client leg.</summary>
public sealed record SessionInfo
{
    /// <summary>Id, unique over all gateways and time.</summary>
    public required string Id { get; init; }

    /// <summary>Name of the domain's document.</summary>
    public required string Domain { get; init; }

    /// <summary>Tenant who is billed.</summary>
    public required string Tenant { get; init; }

    /// <summary>Gateway that relays it.</summary>
    public required string Gateway { get; init; }

    /// <summary>Address of the client, <c>ip:port</c>; behind trusted proxies the address that they report.</summary>
    public required string Client { get; init; }

    /// <summary>Address of the origin, <c>ip:port</c>.</summary>
    public required string Origin { get; init; }

    /// <summary><c>http/1.1</c> or <c>h2</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>Negotiated subprotocol, or <see langword="null"/>.</summary>
    public string? Subprotocol { get; init; }

    /// <summary>When the client was upgraded, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the last frame came that counts for the idle timeout, UTC.</summary>
    public required DateTimeOffset LastActivityAt { get; init; }

    /// <summary>Bytes from client to origin.</summary>
    public long BytesUp { get; init; }

    /// <summary>Bytes from origin to client.</summary>
    public long BytesDown { get; init; }

    /// <summary>Data messages from client to origin.</summary>
    public long MessagesUp { get; init; }

    /// <summary>Data messages from origin to client.</summary>
    public long MessagesDown { get; init; }
}

/// <summary>A process that relays.</summary>
public sealed record GatewayInfo
{
    /// <summary>Its name (<c>Edge:Name</c>).</summary>
    public required string Name { get; init; }

    /// <summary>Start of the process, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>What it is doing.</summary>
    public required GatewayState State { get; init; }

    /// <summary>Open sessions.</summary>
    public required int Sessions { get; init; }

    /// <summary>Version of the software.</summary>
    public required string Version { get; init; }

    /// <summary>Domains that it serves though the cluster does not know them any more, because its store went back. Left out where there
    /// are none; always none on one machine.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Orphaned { get; init; }
}

/// <summary>State of a gateway.</summary>
public enum GatewayState
{
    /// <summary>Serving.</summary>
    Ready,

    /// <summary>Ending its sessions, then itself.</summary>
    Draining,

    /// <summary>Not heard of.</summary>
    Lost,
}

/// <summary>Which version of a domain a gateway has in force.</summary>
public sealed record DomainOnGateway(string Gateway, long Version);
