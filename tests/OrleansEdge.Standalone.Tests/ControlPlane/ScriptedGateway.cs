using System.Collections.Concurrent;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Tests.ControlPlane;

/// <summary>A gateway whose sessions a test opens.</summary>
internal sealed class ScriptedGateway : IGatewayOperations
{
    public const string Name = "edge-1";

    private readonly ConcurrentDictionary<string, SessionInfo> _sessions = new(StringComparer.Ordinal);

    public bool IsDraining { get; private set; }

    public void Open(SessionInfo session) => _sessions[session.Id] = session;

    public GatewayInfo Describe() => new()
    {
        Name = Name,
        StartedAt = DateTimeOffset.UnixEpoch,
        State = IsDraining ? GatewayState.Draining : GatewayState.Ready,
        Sessions = _sessions.Count,
        Version = "0.1.0",
    };

    public IReadOnlyList<SessionInfo> ListSessions(SessionFilter filter)
        => [.. _sessions.Values.Where(session =>
            (filter.Domain is null || session.Domain == filter.Domain) && (filter.Tenant is null || session.Tenant == filter.Tenant))];

    public bool TryEndSession(string id) => _sessions.TryRemove(id, out _);

    public void BeginDrain() => IsDraining = true;
}
