namespace OrleansEdge.Model;

/// <summary>The one gateway of this process, as the control plane needs it. Implementations are thread safe and do not block;
/// none of the members is called while the control plane is being constructed.</summary>
public interface IGatewayOperations
{
    /// <summary>What the gateway is and does now.</summary>
    GatewayInfo Describe();

    /// <summary>Open sessions that match, in any order. The filter's domain is normalised.</summary>
    IReadOnlyList<SessionInfo> ListSessions(SessionFilter filter);

    /// <summary>Begins to end a session (<see cref="EndCause.ClosedByOperator"/>).</summary>
    /// <returns>Whether it was open.</returns>
    bool TryEndSession(string id);

    /// <summary>Begins to drain, after which the process exits; does nothing where that has begun before.</summary>
    void BeginDrain();
}
