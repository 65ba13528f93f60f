using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Load;

/// <summary>A WebSocket server that echoes. Command <c>count</c> → event <c>count</c>: open sockets, and ends by code and reason.</summary>
internal static class EchoOrigin
{
    private static readonly Ends Ends = new();
    private static int _open;

    /// <summary>Runs until the input ends.</summary>
    public static async Task RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var server = builder.Build();
        server.UseWebSockets(new() { KeepAliveInterval = TimeSpan.Zero });
        server.Run(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await EchoAsync(socket);
        });
        await server.StartAsync();
        Lines.Emit("listening", ("port", new Uri(server.Urls.First()).Port));
        await foreach (var _ in Lines.ReadAsync())
        {
            Lines.Emit("count", ("open", Volatile.Read(ref _open)), ("ends", Ends.ToJson()));
        }

        Environment.Exit(0);
    }

    private static async Task EchoAsync(WebSocket socket)
    {
        Interlocked.Increment(ref _open);
        Ends.Add(await Receiver.ReceiveUntilClosedAsync(socket, async message =>
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None)));
        Interlocked.Decrement(ref _open);
    }
}
