using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

/// <summary>A viewer of the demo without a browser.</summary>
internal sealed class DemoClient : IDisposable
{
    private readonly CancellationTokenSource _deadline = new(OutputLines.DefaultDeadline);

    private DemoClient()
    {
    }

    public ClientWebSocket Socket { get; } = new();

    public JsonNode Welcome { get; private set; } = null!;

    public static Task<DemoClient> ConnectAsync(int port) => ConnectAsync(new Uri($"ws://127.0.0.1:{port}"));

    /// <param name="server">The demo itself, or an edge before it.</param>
    public static async Task<DemoClient> ConnectAsync(Uri server)
    {
        var client = new DemoClient();
        await client.Socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/comments" }.Uri, client._deadline.Token);
        client.Welcome = await client.NextAsync("welcome");
        return client;
    }

    public Task CommentAsync(string name, string text)
        => SendAsync(new JsonObject { ["type"] = "comment", ["name"] = name, ["text"] = text }.ToJsonString());

    public async Task SendAsync(string message)
        => await Socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, endOfMessage: true, _deadline.Token);

    /// <summary>Skips to the next message of a type.</summary>
    public async Task<JsonNode> NextAsync(string type, Func<JsonNode, bool>? that = null)
    {
        while (true)
        {
            var message = await ReceiveAsync();
            Assert.True(message is not null, $"The connection ended ({Socket.CloseStatus}) before a message of type {type}.");
            if ((string?)message["type"] == type && that?.Invoke(message) != false)
            {
                return message;
            }
        }
    }

    /// <summary>Skips to the end.</summary>
    public async Task<WebSocketCloseStatus?> EndAsync()
    {
        while (await ReceiveAsync() is not null)
        {
            // Messages that were on their way.
        }

        return Socket.CloseStatus;
    }

    public void Dispose()
    {
        Socket.Dispose();
        _deadline.Dispose();
    }

    private async Task<JsonNode?> ReceiveAsync()
    {
        var message = new MemoryStream();
        var buffer = new byte[4096];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await Socket.ReceiveAsync(buffer.AsMemory(), _deadline.Token);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);

        return part.MessageType == WebSocketMessageType.Close ? null : JsonNode.Parse(message.ToArray());
    }
}
