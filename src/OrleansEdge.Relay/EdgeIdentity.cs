namespace OrleansEdge.Relay;

/// <summary>Who this process is. Thread safe.</summary>
public sealed class EdgeIdentity(string name, string loopToken, DateTimeOffset startedAt, string version)
{
    private volatile string _name = name;

    /// <summary><c>Edge:Name</c>: the gateway's name in lists, logs and metrics.</summary>
    public string Name => _name;

    /// <summary><c>Edge:LoopToken</c>: what this edge adds to <c>CDN-Loop</c> (RFC 8586) and refuses to see again.</summary>
    public string LoopToken { get; } = loopToken;

    /// <summary>Start of the process, UTC.</summary>
    public DateTimeOffset StartedAt { get; } = startedAt;

    /// <summary>Version of the software.</summary>
    public string Version { get; } = version;

    /// <summary>Takes another name from now on: a living process of the cluster has this one. Telemetry and the label of usage that was
    /// counted before keep the old one.</summary>
    public void Rename(string name) => _name = name;
}
