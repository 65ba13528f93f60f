using OrleansEdge.Model;

namespace OrleansEdge.Relay.Sessions;

/// <summary>What of a domain's document acts on sessions that are open. Immutable; a session swaps it whole.</summary>
internal sealed record SessionPolicy(
    string Tenant,
    TimeSpan Timeout,
    IdleCounts IdleCounts,
    TimeSpan PingInterval,
    TimeSpan Lifetime,
    int OriginLostCode)
{
    public static SessionPolicy From(DomainSnapshot snapshot)
    {
        var webSocket = snapshot.Config.WebSocket;
        return new(
            snapshot.Tenant,
            TimeSpan.FromSeconds(webSocket.TimeoutSeconds),
            webSocket.IdleCounts,
            TimeSpan.FromSeconds(webSocket.PingSeconds),
            TimeSpan.FromSeconds(webSocket.MaxSessionSeconds),
            webSocket.OriginLostCode);
    }
}
