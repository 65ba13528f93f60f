using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>A TCP or TLS connection to or from the edge.</summary>
public sealed class StreamWire : Wire
{
    private readonly Stream _stream;

    private StreamWire(string name, Socket socket, Stream stream, bool edgeFramesAreMasked)
        : base(name, edgeFramesAreMasked)
    {
        Socket = socket;
        _stream = stream;
    }

    public Socket Socket { get; }

    /// <summary>Protocol that ALPN chose; empty where there was none.</summary>
    public string AlpnProtocol => _stream is SslStream tls ? tls.NegotiatedApplicationProtocol.ToString() : "";

    public X509Certificate2? PeerCertificate => _stream is SslStream { RemoteCertificate: { } certificate } ? new X509Certificate2(certificate) : null;

    public IPEndPoint LocalEndPoint => (IPEndPoint)Socket.LocalEndPoint!;

    public static async Task<StreamWire> ConnectAsync(IPEndPoint endPoint, int receiveBuffer = 0, byte[]? preamble = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }

        using var patience = new CancellationTokenSource(Patience);
        await socket.ConnectAsync(endPoint, patience.Token);
        var wire = new StreamWire("client", socket, new NetworkStream(socket, ownsSocket: false), edgeFramesAreMasked: false);
        if (preamble is not null)
        {
            await wire.SendAsync(preamble);
        }

        return wire;
    }

    public static async Task<StreamWire> ConnectTlsAsync(
        IPEndPoint endPoint, string serverName, string alpn = "http/1.1", int receiveBuffer = 0, byte[]? preamble = null)
    {
        var plain = await ConnectAsync(endPoint, receiveBuffer, preamble);
        var tls = new SslStream(plain._stream);
        using var patience = new CancellationTokenSource(Patience);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = serverName,
                ApplicationProtocols = [new SslApplicationProtocol(alpn)],
                RemoteCertificateValidationCallback = TestCertificates.AcceptTestCertificate,
            },
            patience.Token);
        return new StreamWire("client", plain.Socket, tls, edgeFramesAreMasked: false);
    }

    /// <summary>The origin's side of a connection that the edge opened.</summary>
    public static async Task<StreamWire> AcceptedAsync(Socket socket, X509Certificate2? certificate)
    {
        ArgumentNullException.ThrowIfNull(socket);
        socket.NoDelay = true;
        var plain = new NetworkStream(socket, ownsSocket: false);
        if (certificate is null)
        {
            return new StreamWire("origin", socket, plain, edgeFramesAreMasked: true);
        }

        var tls = new SslStream(plain);
        using var patience = new CancellationTokenSource(Patience);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, patience.Token);
        return new StreamWire("origin", socket, tls, edgeFramesAreMasked: true);
    }

    public override async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes);
        }
        catch (IOException error)
        {
            throw new WireCutException($"{Name}: could not send {bytes.Length} B: {error.Message}", error);
        }
    }

    public override async Task FinishAsync()
    {
        if (_stream is SslStream tls)
        {
            await tls.ShutdownAsync();
        }

        Socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>TCP FIN alone, without the close_notify of TLS.</summary>
    public void FinishWithoutNotice() => Socket.Shutdown(SocketShutdown.Send);

    public override void Cut()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Close();
    }

    public override async ValueTask DisposeAsync()
    {
        Socket.Dispose();
        try
        {
            await _stream.DisposeAsync();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException or SocketException)
        {
            // The socket below is closed already: there is nothing left to say goodbye on.
            _ = error;
        }
    }

    protected override async Task<int> ReceiveAsync(Memory<byte> destination)
    {
        try
        {
            return await _stream.ReadAsync(destination);
        }
        catch (Exception error) when (error is IOException or SocketException or AuthenticationException)
        {
            throw new WireCutException(error.Message, error);
        }
    }
}
