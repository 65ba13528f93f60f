using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>A customer's server that does what the test tells it, byte by byte. With a certificate it speaks TLS.</summary>
public sealed class ScriptedOrigin : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly X509Certificate2? _certificate;
    private readonly List<StreamWire> _accepted = [];

    private ScriptedOrigin(Socket listener, X509Certificate2? certificate)
    {
        _listener = listener;
        _certificate = certificate;
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public static ScriptedOrigin Start(bool tls = false, IPAddress? address = null, X509Certificate2? certificate = null, int receiveBuffer = 0)
    {
        address ??= IPAddress.Loopback;
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer > 0)
        {
            listener.ReceiveBufferSize = receiveBuffer;
        }

        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen(512);
        return new ScriptedOrigin(listener, tls ? certificate ?? TestCertificates.Origin : null);
    }

    /// <summary>A port of this machine that refuses connections.</summary>
    public static int RefusedPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>The next connection of the edge, nothing read yet.</summary>
    public async Task<StreamWire> AcceptAsync(TimeSpan? within = null, CancellationToken cancellationToken = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(within ?? Wire.Patience);
        Socket socket;
        try
        {
            socket = await _listener.AcceptAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new WireException($"origin: no connection of the edge within {(within ?? Wire.Patience).TotalSeconds} s");
        }

        var wire = await StreamWire.AcceptedAsync(socket, _certificate);
        lock (_accepted)
        {
            _accepted.Add(wire);
        }

        return wire;
    }

    /// <summary>The next connection and the head that came over it.</summary>
    public async Task<(StreamWire Wire, OriginRequest Request)> AcceptRequestAsync(CancellationToken cancellationToken = default)
    {
        var wire = await AcceptAsync(cancellationToken: cancellationToken);
        return (wire, new OriginRequest(await wire.ReadHeadAsync("the edge's request head")));
    }

    /// <summary>The next connection, upgraded.</summary>
    /// <param name="fields">Further lines of the 101, each with its CRLF.</param>
    /// <param name="early">Bytes sent in one piece with the 101.</param>
    /// <param name="cancellationToken">Gives up waiting for the connection.</param>
    public async Task<(StreamWire Wire, OriginRequest Request)> AcceptWebSocketAsync(
        string fields = "", byte[]? early = null, CancellationToken cancellationToken = default)
    {
        var (wire, request) = await AcceptRequestAsync(cancellationToken);
        await wire.SendAsync((byte[])[.. Encoding.Latin1.GetBytes(SwitchingProtocols(request, fields)), .. early ?? []]);
        return (wire, request);
    }

    public static string SwitchingProtocols(OriginRequest request, string fields = "")
    {
        ArgumentNullException.ThrowIfNull(request);
        var accept = Handshake.Accept(request.Headers["sec-websocket-key"]!);
        return $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{fields}\r\n";
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach (var wire in _accepted)
        {
            await wire.DisposeAsync();
        }
    }
}
