using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Model;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Sessions;

namespace OrleansEdge.Relay;

/// <summary>The relay of this process as its control plane sees it. The relay needs the control plane's domains and is therefore
/// looked up when it is first asked for.</summary>
internal sealed class LocalGateway(IServiceProvider services) : IGatewayOperations
{
    private readonly Lazy<EdgeIdentity> _identity = new(services.GetRequiredService<EdgeIdentity>);
    private readonly Lazy<SessionRegistry> _sessions = new(services.GetRequiredService<SessionRegistry>);
    private readonly Lazy<DrainCoordinator> _drain = new(services.GetRequiredService<DrainCoordinator>);

    public GatewayInfo Describe() => new()
    {
        Name = _identity.Value.Name,
        StartedAt = _identity.Value.StartedAt,
        State = _drain.Value.State,
        Sessions = _sessions.Value.Count,
        Version = _identity.Value.Version,
    };

    public IReadOnlyList<SessionInfo> ListSessions(SessionFilter filter) => _sessions.Value.List(filter);

    public bool TryEndSession(string id) => _sessions.Value.TryEnd(id, EndCause.ClosedByOperator);

    public void BeginDrain() => _drain.Value.Begin();
}
