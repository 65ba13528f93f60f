using OrleansEdge.Model;

namespace OrleansEdge.Standalone.WriterProcess;

/// <summary>A gateway without sessions.</summary>
internal sealed class NoGateway : IGatewayOperations
{
    public GatewayInfo Describe()
        => new() { Name = "none", StartedAt = DateTimeOffset.UnixEpoch, State = GatewayState.Ready, Sessions = 0, Version = "0" };

    public IReadOnlyList<SessionInfo> ListSessions(SessionFilter filter) => [];

    public bool TryEndSession(string id) => false;

    public void BeginDrain()
    {
        // Nothing to drain.
    }
}
