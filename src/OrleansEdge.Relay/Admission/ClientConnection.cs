using System.Net;

namespace OrleansEdge.Relay.Admission;

/// <summary>Who asks, and how: after PROXY protocol and the fields of trusted proxies.</summary>
/// <param name="Address">The client's address.</param>
/// <param name="Peer">Who speaks HTTP to the edge: the client or a trusted proxy.</param>
/// <param name="PeerIsTrusted">Whether the peer's own forwarding fields are believed.</param>
/// <param name="UsesTls">Whether the client's scheme is https.</param>
/// <param name="Host">Host name asked for, without a port.</param>
public sealed record ClientConnection(IPEndPoint Address, IPEndPoint Peer, bool PeerIsTrusted, bool UsesTls, string Host);
