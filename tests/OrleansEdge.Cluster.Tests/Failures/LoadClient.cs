using System.Diagnostics;
using System.Net.WebSockets;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>A customer's client that sends a message, waits for its echo, and so on; where its session ends it comes back at once, through
/// the next gateway.</summary>
public sealed class LoadClient
{
    /// <summary>Bytes of a message.</summary>
    public const int MessageBytes = 100;

    private const int MaskedHeader = 6;
    private const int Header = 2;
    private const int CloseBody = 2;

    // A gateway compiles its code as it first runs, which on two cores that three silos start on takes up to a second.
    private const int WarmUpEchoes = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan EchoTimeout = TimeSpan.FromSeconds(20);

    private readonly string _domain;
    private readonly IReadOnlyList<string> _gateways;
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _warm = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _gateway;
    private int _echoes;

    /// <summary>Starts one.</summary>
    /// <param name="domain">The host that it asks for.</param>
    /// <param name="gateways">Addresses of the gateways, <c>host:port</c>.</param>
    /// <param name="gateway">Which of them it begins with, in a circle.</param>
    public LoadClient(string domain, IReadOnlyList<string> gateways, int gateway)
    {
        (_domain, _gateways, _gateway) = (domain, gateways, gateway);
        Running = RunAsync();
    }

    /// <summary>Ends after <see cref="StopAsync"/>.</summary>
    public Task Running { get; }

    /// <summary>Bytes of frames whose echo came, and of closes that the client began.</summary>
    public long Up { get; private set; }

    /// <summary>Bytes of echoes, and of answers to closes that the client began.</summary>
    public long Down { get; private set; }

    /// <summary>Messages sent whose echo never came.</summary>
    public int Unanswered { get; private set; }

    /// <summary>How sessions ended that the client did not end: close code, or the failure.</summary>
    public List<string> Ends { get; } = [];

    /// <summary>Longest time to an echo that came, but for the first twenty.</summary>
    public TimeSpan LongestEcho { get; private set; }

    /// <summary>Waits until the first twenty echoes have come.</summary>
    public Task WaitUntilRunningAsync() => _warm.Task.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Ends the session in order.</summary>
    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await Running;
    }

    private async Task RunAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            using var socket = new ClientWebSocket();
            socket.Options.KeepAliveInterval = TimeSpan.Zero;
            socket.Options.SetRequestHeader("Host", _domain);
            try
            {
                await socket.ConnectAsync(new($"ws://{_gateways[_gateway % _gateways.Count]}/"), CancellationToken.None);
                await TalkAsync(socket);
            }
            catch (WebSocketException failure)
            {
                NoteEnd(socket, failure.Message);
            }

            _gateway++;
        }
    }

    private async Task TalkAsync(ClientWebSocket socket)
    {
        var message = new byte[MessageBytes];
        var echo = new byte[MessageBytes];
        while (!_over.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            Unanswered++;
            await socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            using var late = new CancellationTokenSource(EchoTimeout);
            var received = await socket.ReceiveAsync(echo.AsMemory(), late.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                NoteEnd(socket, "closed");
                return;
            }

            Unanswered--;
            Up += MaskedHeader + MessageBytes;
            Down += Header + received.Count;
            NoteEcho(Stopwatch.GetElapsedTime(began));
            await Task.Delay(Pause);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        Up += MaskedHeader + CloseBody;
        Down += Header + CloseBody;
    }

    private void NoteEcho(TimeSpan took)
    {
        if (++_echoes > WarmUpEchoes)
        {
            LongestEcho = took > LongestEcho ? took : LongestEcho;
        }
        else if (_echoes == WarmUpEchoes)
        {
            _warm.SetResult();
        }
    }

    private void NoteEnd(ClientWebSocket socket, string why)
        => Ends.Add($"gateway-{(_gateway % _gateways.Count) + 1}: {(socket.CloseStatus is { } status ? ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture) : why)}");
}
