using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Origins;

/// <summary>An open connection to an origin. Not thread safe beyond what <see cref="Socket"/> and <see cref="Stream"/> are.</summary>
public sealed class OriginConnection : IDisposable
{
    private readonly OriginHealth _health;

    internal OriginConnection(OriginTarget target, Socket socket, IPEndPoint remoteEndPoint, Stream stream, OriginHealth health)
    {
        Target = target;
        Socket = socket;
        Tls = stream as SslStream;
        Stream = stream;
        RemoteEndPoint = remoteEndPoint;
        _health = health;
    }

    /// <summary>The TCP connection, with <see cref="Socket.NoDelay"/>. Half-closing and aborting go by it.</summary>
    public Socket Socket { get; }

    /// <summary>TLS over <see cref="Socket"/>; <see langword="null"/> for plain HTTP.</summary>
    public SslStream? Tls { get; }

    /// <summary>Plain text in and out: <see cref="Tls"/>, or the socket itself.</summary>
    public Stream Stream { get; }

    /// <summary>The address that was reached.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>The origin in the domain's document.</summary>
    public OriginConfig Origin => Target.Origin;

    /// <summary>Whether the connection is TLS.</summary>
    public bool UsesTls => Tls is not null;

    internal OriginTarget Target { get; }

    /// <summary>The <c>Host</c> that the domain's document wants; <see langword="null"/>: the client's.</summary>
    internal string? HostHeader { get; init; }

    /// <summary>Closes the connection at once; nothing is announced to the peer by TLS.</summary>
    public void Dispose()
    {
        Tls?.Dispose();
        Socket.Dispose();
    }

    /// <summary>The origin took the connection but gives no answer: it is tried last for a while.</summary>
    internal void ReportUnresponsive() => _health.MarkFailed(Target);
}
