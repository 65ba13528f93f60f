using System.Net;

namespace OrleansEdge.Relay.Admission;

/// <summary>A valid WebSocket handshake (RFC 6455 section 4.2.1, RFC 8441 section 5). Immutable.</summary>
/// <param name="Key"><c>Sec-WebSocket-Key</c>: the client's, or for an HTTP/2 client one that the edge made.</param>
/// <param name="Subprotocols">Offered subprotocols.</param>
/// <param name="Extensions">Names of the offered extensions.</param>
/// <param name="Host">Host name that the client asked for, without a port.</param>
/// <param name="IsHttp2">Whether it came by extended CONNECT.</param>
/// <param name="ClientUsesTls">Whether the client's own scheme is https; decides for "follow".</param>
/// <param name="Client">The client's address.</param>
public sealed record HandshakeRequest(
    string Key,
    IReadOnlyList<string> Subprotocols,
    IReadOnlyList<string> Extensions,
    string Host,
    bool IsHttp2,
    bool ClientUsesTls,
    IPEndPoint Client);
