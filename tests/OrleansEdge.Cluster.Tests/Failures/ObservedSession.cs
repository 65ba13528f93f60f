using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using OrleansEdge.Cluster.Tests.Processes;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>How a session ended.</summary>
/// <param name="Code">The close code; <see langword="null"/>: there was no Close.</param>
/// <param name="Reason">The reason beside it.</param>
/// <param name="At">When, as <see cref="Stopwatch.GetTimestamp"/> counts.</param>
public sealed record ObservedEnd(int? Code, string? Reason, long At);

/// <summary>One open session through a gateway, and when and how it ends.</summary>
public sealed class ObservedSession : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ClientWebSocket _socket;

    private ObservedSession(GatewayProcess gateway, ClientWebSocket socket)
    {
        (Gateway, _socket) = (gateway, socket);
        Ended = ReceiveAsync();
    }

    /// <summary>What it goes through.</summary>
    public GatewayProcess Gateway { get; }

    /// <summary>Its end; never fails.</summary>
    public Task<ObservedEnd> Ended { get; }

    /// <summary>Opens one.</summary>
    public static async Task<ObservedSession> OpenAsync(GatewayProcess gateway, string domain)
    {
        var (status, socket) = await TryOpenAsync(gateway, domain);
        return socket is null ? throw new InvalidOperationException($"{gateway.Name} answered a handshake with {(int)status}.") : new(gateway, socket);
    }

    /// <summary>Waits until a handshake is answered with a status.</summary>
    /// <returns>When, as <see cref="Stopwatch.GetTimestamp"/> counts.</returns>
    public static async Task<long> UntilAnsweredAsync(GatewayProcess gateway, string domain, HttpStatusCode expected)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var (status, socket) = await TryOpenAsync(gateway, domain);
            socket?.Dispose();
            if (status == expected)
            {
                return Stopwatch.GetTimestamp();
            }

            Assert.True(
                Stopwatch.GetElapsedTime(began).TotalSeconds < 30, $"{gateway.Name} answers handshakes with {(int)status}, not {(int)expected}, after 30 s");
            await Task.Delay(10);
        }
    }

    /// <summary>Sends a message again and again, until the session ends.</summary>
    public async Task TalkAsync(int bytes, TimeSpan pause)
    {
        var message = new byte[bytes];
        try
        {
            while (!Ended.IsCompleted)
            {
                await _socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
                await Task.Delay(pause);
            }
        }
        catch (Exception over) when (over is WebSocketException or ObjectDisposedException or OperationCanceledException)
        {
            // How it ended is what was received.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static async Task<(HttpStatusCode Status, ClientWebSocket? Socket)> TryOpenAsync(GatewayProcess gateway, string domain)
    {
        var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = TimeSpan.Zero;
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Host", domain);
        using var late = new CancellationTokenSource(Patience);
        try
        {
            await socket.ConnectAsync(new($"ws://{gateway.Edge.Authority}/"), late.Token);
            return (HttpStatusCode.SwitchingProtocols, socket);
        }
        catch (WebSocketException)
        {
            socket.Dispose();
            return (socket.HttpStatusCode, null);
        }
    }

    private async Task<ObservedEnd> ReceiveAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while ((await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)).MessageType != WebSocketMessageType.Close)
            {
            }

            var end = new ObservedEnd((int?)_socket.CloseStatus, _socket.CloseStatusDescription, Stopwatch.GetTimestamp());
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            return end;
        }
        catch (Exception cut) when (cut is WebSocketException or ObjectDisposedException or OperationCanceledException)
        {
            return new((int?)_socket.CloseStatus, _socket.CloseStatusDescription ?? cut.Message, Stopwatch.GetTimestamp());
        }
    }
}
