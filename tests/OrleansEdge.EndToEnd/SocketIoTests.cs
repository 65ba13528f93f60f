using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>Socket.IO, which begins with plain HTTP and may stay there.</summary>
[Collection(SharedEdgeCollection.Name)]
public sealed class SocketIoTests(SharedEdge edge)
{
    [PeerTheory("npm:socket.io", "npm:socket.io-client")]
    [InlineData(Via.Nothing)]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task PollingFirst_UpgradesToWebSocketAndKeepsTheSession(Via via)
    {
        await using var room = await ChatRoom.OpenAsync(edge, via);
        await room.ConnectAsync(0, "polling", "websocket");
        Assert.Equal("polling", (await room.Origin.WaitForAsync("connection")).GetProperty("transport").GetString());
        Assert.Equal("websocket", (await room.Client.WaitForAsync("upgraded")).GetProperty("transport").GetString());
        await room.Origin.WaitForAsync("upgraded");

        await room.AssertAnswersAsync(0);
        await room.CloseAsync(0);
        if (via != Via.Nothing)
        {
            var closed = await room.Route.WaitForAccessLogAsync("close");
            Assert.Equal("/socket.io/", closed.GetProperty("path").GetString());
            Assert.Equal("client", closed.GetProperty("by").GetString());
        }
    }

    [PeerTheory("npm:socket.io", "npm:socket.io-client")]
    [InlineData(Via.Nothing)]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task PollingOnly_WorksWithoutAWebSocket(Via via)
    {
        // Turned off: what this domain still serves is HTTP alone.
        await using var room = await ChatRoom.OpenAsync(edge, via, new() { ["enabled"] = false });
        await room.ConnectAsync(0, "polling");
        await room.AssertAnswersAsync(0);
        await room.CloseAsync(0);
    }

    [PeerTheory("npm:socket.io", "npm:socket.io-client")]
    [InlineData(Via.Nothing)]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task CommentInARoom_ReachesItsMembersOnly(Via via)
    {
        await using var room = await ChatRoom.OpenAsync(edge, via);
        await room.ConnectAsync(0, "websocket");
        await room.ConnectAsync(1, "polling", "websocket");
        await room.ConnectAsync(2, "websocket");
        await room.CallAsync(0, "join", "match");
        await room.CallAsync(1, "join", "match");

        await room.Client.SendAsync(new() { ["do"] = "send", ["id"] = 0, ["name"] = "say", ["args"] = new JsonArray("match", "Goal! ⚽") });
        foreach (var id in (int[])[0, 1])
        {
            var comment = await room.Client.WaitForAsync("comment", details => details.GetProperty("id").GetInt32() == id);
            Assert.Equal("Goal! ⚽", comment.GetProperty("comment").GetString());
        }

        // Its own answer comes after everything that was sent to it before.
        await room.AssertAnswersAsync(2);
        Assert.Equal(2, room.Client.Count("comment"));
    }
}

/// <summary>A Socket.IO server and a process of clients.</summary>
internal sealed class ChatRoom : IAsyncDisposable
{
    private ChatRoom(ProcessPeer client, ProcessPeer origin, Route route) => (Client, Origin, Route) = (client, origin, route);

    public ProcessPeer Client { get; }

    public ProcessPeer Origin { get; }

    public Route Route { get; }

    public static async Task<ChatRoom> OpenAsync(SharedEdge edge, Via via, JsonObject? webSocket = null)
    {
        var (origin, port) = await Peers.StartAsync("socketio-server.mjs", edge.Certificates);
        var (client, _) = await Peers.StartAsync("socketio-client.mjs", edge.Certificates);
        return new(client, origin, await edge.RouteAsync(via, port, webSocket));
    }

    public async Task ConnectAsync(int id, params string[] transports)
    {
        await Client.SendAsync(new()
        {
            ["do"] = "connect",
            ["id"] = id,
            ["url"] = Route.Http.AbsoluteUri,
            ["transports"] = new JsonArray([.. transports.Select(name => JsonValue.Create(name))]),
        });
        await WaitForAsync("open", id);
    }

    public async Task<JsonElement> CallAsync(int id, string name, params JsonNode[] args)
    {
        await Client.SendAsync(new() { ["do"] = "call", ["id"] = id, ["name"] = name, ["args"] = new JsonArray(args) });
        return (await WaitForAsync("acknowledged", id)).GetProperty("value");
    }

    /// <summary>Text and binary of some size come back in acknowledgements.</summary>
    public async Task AssertAnswersAsync(int id)
    {
        var text = string.Concat(Enumerable.Repeat("Grüße 🌍 ", 10_000));
        Assert.Equal(text, (await CallAsync(id, "echo", text)).GetString());

        var bytes = new byte[300_000];
        new Random(id).NextBytes(bytes);
        var binary = Convert.ToBase64String(bytes);
        await Client.SendAsync(new() { ["do"] = "callBinary", ["id"] = id, ["name"] = "echo", ["binary"] = binary });
        Assert.Equal(binary, (await WaitForAsync("acknowledged", id)).GetProperty("binary").GetString());
    }

    public async Task CloseAsync(int id)
    {
        await Client.SendAsync(new() { ["do"] = "close", ["id"] = id });
        await Origin.WaitForAsync("disconnect");
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Origin.DisposeAsync();
    }

    private Task<JsonElement> WaitForAsync(string name, int id) => Client.WaitForSuccessAsync(name, details => details.GetProperty("id").GetInt32() == id);
}
