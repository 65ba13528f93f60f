using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;

namespace OrleansEdge.Load;

/// <summary>Groups of WebSocket clients that hold their connections. <c>connect</c> { group, url, count } → <c>connected</c>
/// { group, open, failures }; <c>echo</c> { group } → <c>echoed</c> { group, count } when every open client has its message back;
/// <c>report</c> { group } → <c>report</c> { group, open, ends }. A group whose last client has closed says <c>closed</c> { group, ends }.</summary>
internal static class IdleClients
{
    private static readonly Dictionary<string, Group> Groups = new(StringComparer.Ordinal);

    // The names of the tests' domains are known to no resolver.
    private static readonly HttpMessageInvoker Handler = new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, context.DnsEndPoint.Port), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    /// <summary>Runs until the input ends.</summary>
    public static async Task RunAsync()
    {
        Lines.Emit("started");
        await foreach (var command in Lines.ReadAsync())
        {
            var name = command.GetProperty("group").GetString()!;
            await DoAsync(command.GetProperty("do").GetString()!, name, command);
        }

        Environment.Exit(0);
    }

    private static async Task DoAsync(string command, string name, JsonElement details)
    {
        switch (command)
        {
            case "connect":
                var group = Groups[name] = new(name);
                await group.ConnectAsync(new(details.GetProperty("url").GetString()!), details.GetProperty("count").GetInt32());
                break;
            case "echo":
                await Groups[name].EchoAsync();
                break;
            case "report":
                Groups[name].Report();
                break;
            default:
                throw new ArgumentException($"unknown command {command}", nameof(command));
        }
    }

    private sealed class Group(string name)
    {
        private const int ConnectsAtOnce = 64;

        private readonly Lock _lock = new();
        private readonly List<Client> _clients = [];
        private readonly Ends _ends = new();
        private int _open;

        public async Task ConnectAsync(Uri url, int count)
        {
            var failures = new Ends();
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = ConnectsAtOnce }, async (number, cancellationToken) =>
            {
                var client = new Client();
                try
                {
                    await client.Socket.ConnectAsync(url, Handler, cancellationToken);
                }
                catch (WebSocketException failure)
                {
                    failures.Add(failure.InnerException?.Message ?? failure.Message);
                    return;
                }

                lock (_lock)
                {
                    _clients.Add(client);
                    _open++;
                }

                _ = HoldAsync(client);
            });
            Lines.Emit("connected", ("group", name), ("open", Volatile.Read(ref _open)), ("failures", failures.ToJson()));
        }

        public async Task EchoAsync()
        {
            var echoes = await Task.WhenAll(_clients.Where(client => client.Socket.State == WebSocketState.Open).Select(client => client.EchoAsync()));
            Lines.Emit("echoed", ("group", name), ("count", echoes.Count(echoed => echoed)));
        }

        public void Report() => Lines.Emit("report", ("group", name), ("open", Volatile.Read(ref _open)), ("ends", _ends.ToJson()));

        private async Task HoldAsync(Client client)
        {
            var end = await Receiver.ReceiveUntilClosedAsync(client.Socket, message =>
            {
                client.Received(message.Span);
                return ValueTask.CompletedTask;
            });
            client.Ended();
            _ends.Add(end);
            if (Interlocked.Decrement(ref _open) == 0)
            {
                Lines.Emit("closed", ("group", name), ("ends", _ends.ToJson()));
            }
        }
    }

    private sealed class Client
    {
        private TaskCompletionSource<bool>? _echo;
        private byte[] _expected = [];

        public Client() => Socket.Options.KeepAliveInterval = TimeSpan.Zero;

        public ClientWebSocket Socket { get; } = new();

        public async Task<bool> EchoAsync()
        {
            _expected = Guid.NewGuid().ToByteArray();
            _echo = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await Socket.SendAsync(_expected, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            return await _echo.Task;
        }

        public void Received(ReadOnlySpan<byte> message) => _echo?.TrySetResult(message.SequenceEqual(_expected));

        public void Ended() => _echo?.TrySetResult(false);
    }
}
