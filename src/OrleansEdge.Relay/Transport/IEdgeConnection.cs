using System.Net;
using System.Net.Sockets;

namespace OrleansEdge.Relay.Transport;

/// <summary>What the edge knows of a TCP connection that it accepted. A feature of the connection, and through it of every
/// request on it (HTTP/1.1 and HTTP/2). Thread safe where a member does not say otherwise.</summary>
public interface IEdgeConnection
{
    /// <summary>Name of the endpoint that accepted it: <c>Edge</c>, <c>EdgeTls</c>, <c>Admin</c> or <c>Health</c>.</summary>
    string Endpoint { get; }

    /// <summary>The socket. The connection's own until <see cref="StopReceivingAsync"/> has completed.</summary>
    Socket Socket { get; }

    /// <summary>Who opened the TCP connection. IPv4 addresses are never in their IPv6-mapped form.</summary>
    IPEndPoint Peer { get; }

    /// <summary>Who is served: what the PROXY protocol header says, else <see cref="Peer"/>.</summary>
    IPEndPoint Client { get; }

    /// <summary>Whether a send of the HTTP server or of a TLS stream has failed, which neither of them tells.</summary>
    bool IsBroken { get; }

    /// <summary>Whether the HTTP server has been told, or is about to be, that the connection is over. It drops in silence what it is
    /// given to write from then on, for a while even before its request's token says so. Of no meaning once
    /// <see cref="HoldOpen"/> or <see cref="StopReceivingAsync"/> was called.</summary>
    bool IsGone { get; }

    /// <summary>Ends the background receiving. When the returned task completes no receive is under way; bytes received before
    /// are in the connection's input pipe (which then neither grows nor ends), and no byte is lost between the two. From then
    /// on the caller alone sends, receives, shuts down and closes the socket; the HTTP server closing the connection later does
    /// no harm. Only for connections without TLS: with TLS the receiving is what feeds the TLS stream. May be called twice.</summary>
    ValueTask StopReceivingAsync();

    /// <summary>Leaves the end of the connection to the caller while its request lasts: a peer that ends its sending, and the HTTP
    /// server's answer to that, no longer close the socket. For connections with TLS, whose receiving goes on;
    /// <see cref="StopReceivingAsync"/> implies it.</summary>
    void HoldOpen();
}
