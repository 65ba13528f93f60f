namespace OrleansEdge.Relay;

/// <summary>Who this process is. Immutable.</summary>
/// <param name="Name"><c>Edge:Name</c>: the gateway's name in lists, logs and metrics.</param>
/// <param name="LoopToken"><c>Edge:LoopToken</c>: what this edge adds to <c>CDN-Loop</c> (RFC 8586) and refuses to see again.</param>
/// <param name="StartedAt">Start of the process, UTC.</param>
/// <param name="Version">Version of the software.</param>
public sealed record EdgeIdentity(string Name, string LoopToken, DateTimeOffset StartedAt, string Version);
