using System.ComponentModel;
using System.Net.Sockets;
using OrleansEdge.Relay.Admission;

namespace OrleansEdge.Relay.Origins;

/// <summary>Why an origin could not be reached.</summary>
/// <param name="Refusal">What the client is told.</param>
/// <param name="Reason">A few words that name no address, e.g. <c>connection refused</c>.</param>
/// <param name="IsLocal">Whether this machine is at fault (descriptors, ports, memory), not the origin.</param>
internal sealed record OriginFault(Refusal Refusal, string Reason, bool IsLocal = false)
{
    /// <summary>The fault that a socket's error stands for.</summary>
    public static OriginFault Of(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => new(Refusal.OriginRefused, "connection refused"),
        SocketError.ConnectionReset or SocketError.ConnectionAborted => new(Refusal.OriginRefused, "connection reset"),
        SocketError.HostUnreachable or SocketError.HostDown => new(Refusal.OriginRefused, "host unreachable"),
        SocketError.NetworkUnreachable or SocketError.NetworkDown => new(Refusal.OriginRefused, "network unreachable"),
        SocketError.TimedOut => new(Refusal.OriginConnectTimeout, "no answer to the connection"),
        SocketError.TooManyOpenSockets => new(Refusal.EdgeOverloaded, "no descriptor left", IsLocal: true),
        SocketError.NoBufferSpaceAvailable => new(Refusal.EdgeOverloaded, "no memory left for sockets", IsLocal: true),
        SocketError.AddressNotAvailable or SocketError.AddressAlreadyInUse => new(Refusal.EdgeOverloaded, "no local port left", IsLocal: true),
        _ => new(Refusal.OriginRefused, new Win32Exception(exception.NativeErrorCode).Message),
    };
}

/// <summary>A connection or why there is none; exactly one is set.</summary>
internal readonly record struct DialResult(OriginConnection? Connection, OriginFault? Fault);
