using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>WebSocket libraries that have a script for either side.</summary>
public enum Library
{
    /// <summary>Node's <c>ws</c>.</summary>
    Ws,

    /// <summary>Python's <c>websockets</c>.</summary>
    Python,
}

/// <summary>What a client asks for.</summary>
public sealed record PairOptions
{
    /// <summary>Path and query.</summary>
    public string Path { get; init; } = "/";

    /// <summary>Whether both sides offer permessage-deflate.</summary>
    public bool Deflate { get; init; }

    /// <summary>Subprotocols that the client offers; the origin takes the last.</summary>
    public IReadOnlyList<string> Protocols { get; init; } = [];

    /// <summary>Members of the domain's <c>webSocket</c>.</summary>
    public JsonObject? WebSocket { get; init; }
}

/// <summary>One WebSocket between two libraries, both ends driven by the test.</summary>
internal sealed class WebSocketPair : IAsyncDisposable
{
    private readonly ProcessPeer _clientPeer;
    private readonly ProcessPeer _originPeer;

    private WebSocketPair(ProcessPeer clientPeer, ProcessPeer originPeer, Route route)
    {
        (_clientPeer, _originPeer, Route) = (clientPeer, originPeer, route);
        Client = new(clientPeer, 0);
        Origin = new(originPeer, 0);
    }

    /// <summary>The way between them.</summary>
    public Route Route { get; }

    /// <summary>The client's end.</summary>
    public WebSocketEnd Client { get; }

    /// <summary>The origin's end.</summary>
    public WebSocketEnd Origin { get; }

    /// <summary>The client's event "open": <c>protocol</c> and <c>extensions</c>.</summary>
    public JsonElement Opened { get; private set; }

    /// <summary>The origin's event "connection": <c>path</c>, <c>headers</c>, <c>protocol</c> and <c>extensions</c>.</summary>
    public JsonElement Accepted { get; private set; }

    /// <summary>Starts both and connects them.</summary>
    public static async Task<WebSocketPair> OpenAsync(SharedEdge edge, Via via, Library client, Library origin, PairOptions? options = null)
    {
        options ??= new();
        var (originPeer, port) = await StartAsync(origin, "server", edge.Certificates, options.Deflate);
        var (clientPeer, _) = await StartAsync(client, "client", edge.Certificates, options.Deflate);
        var pair = new WebSocketPair(clientPeer, originPeer, await edge.RouteAsync(via, port, options.WebSocket));
        await pair.ConnectAsync(options);
        return pair;
    }

    /// <summary>Starts one side.</summary>
    public static Task<(ProcessPeer Peer, int Port)> StartAsync(Library library, string side, TestCertificates certificates, bool deflate = false)
    {
        string[] arguments = deflate ? ["--deflate"] : [];
        return library == Library.Ws
            ? Peers.StartAsync($"ws-{side}.mjs", certificates, arguments)
            : Peers.StartAsync("python_peer.py", certificates, [side, .. arguments]);
    }

    public async ValueTask DisposeAsync()
    {
        await _clientPeer.DisposeAsync();
        await _originPeer.DisposeAsync();
    }

    private async Task ConnectAsync(PairOptions options)
    {
        var connect = new JsonObject { ["do"] = "connect", ["id"] = 0, ["url"] = Route.WebSocket(options.Path), ["deflate"] = options.Deflate };
        if (options.Protocols.Count > 0)
        {
            connect["protocols"] = new JsonArray([.. options.Protocols.Select(name => JsonValue.Create(name))]);
        }

        await _clientPeer.SendAsync(connect);
        Opened = await _clientPeer.WaitForSuccessAsync("open");
        Accepted = await _originPeer.WaitForAsync("connection");
    }
}

/// <summary>One end of a WebSocket in a peer.</summary>
internal sealed class WebSocketEnd(ProcessPeer peer, int id)
{
    public Task SendTextAsync(string text) => DoAsync("send", ("text", text));

    public Task SendBinaryAsync(byte[] bytes) => DoAsync("send", ("binary", Convert.ToBase64String(bytes)));

    public Task SendFragmentsAsync(params string[] parts) => DoAsync("send", ("fragments", new JsonArray([.. parts.Select(part => JsonValue.Create(part))])));

    public Task PingAsync(string data) => DoAsync("ping", ("data", data));

    public Task CloseAsync() => DoAsync("close");

    public Task CloseAsync(int code, string reason) => DoAsync("close", ("code", code), ("reason", reason));

    /// <summary>Cuts the connection without a Close.</summary>
    public Task TerminateAsync() => DoAsync("terminate");

    /// <summary>The next message must be this text.</summary>
    public async Task AssertTextAsync(string expected) => Assert.Equal(expected, (await NextAsync("message")).GetProperty("text").GetString());

    /// <summary>The next message must be these bytes.</summary>
    public async Task AssertBinaryAsync(byte[] expected)
    {
        var actual = Convert.FromBase64String((await NextAsync("message")).GetProperty("binary").GetString()!);
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"{actual.Length} bytes arrived that differ from the {expected.Length} sent");
    }

    /// <summary>The end must come with this code and reason.</summary>
    /// <returns>The event.</returns>
    public async Task<JsonElement> AssertClosedAsync(int code, string reason)
    {
        var close = await NextAsync("close");
        Assert.Equal((code, reason), (close.GetProperty("code").GetInt32(), close.GetProperty("reason").GetString()!));
        return close;
    }

    public Task<JsonElement> NextAsync(string name) => peer.WaitForAsync(name, details => details.GetProperty("id").GetInt32() == id);

    private Task DoAsync(string command, params IEnumerable<(string Name, JsonNode? Value)> members)
    {
        var line = new JsonObject { ["do"] = command, ["id"] = id };
        foreach (var (name, value) in members)
        {
            line[name] = value;
        }

        return peer.SendAsync(line);
    }
}
