using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>A SignalR hub of ASP.NET Core behind the edge, and the JavaScript client: it negotiates by POST and then takes a transport.</summary>
[Collection(SharedEdgeCollection.Name)]
public sealed class SignalRTests(SharedEdge edge)
{
    /// <summary>Every transport over every way.</summary>
    public static TheoryData<Via, string> Transports { get; } = new()
    {
        { Via.Nothing, "WebSockets" },
        { Via.Nothing, "ServerSentEvents" },
        { Via.Nothing, "LongPolling" },
        { Via.Edge, "WebSockets" },
        { Via.Edge, "ServerSentEvents" },
        { Via.Edge, "LongPolling" },
        { Via.EdgeTls, "WebSockets" },
        { Via.EdgeTls, "ServerSentEvents" },
        { Via.EdgeTls, "LongPolling" },
    };

    [PeerTheory("npm:@microsoft/signalr")]
    [MemberData(nameof(Transports))]
    public async Task HubCalledOverATransport_AnswersStreamsAndBroadcasts(Via via, string transport)
    {
        await using var origin = await StartHubAsync();
        var (client, _) = await Peers.StartAsync("signalr-client.mjs", edge.Certificates);
        await using var disposing = client;
        var route = await edge.RouteAsync(via, new Uri(origin.Urls.First()).Port);
        var url = new Uri(route.Http, "/hubs/comments").AbsoluteUri;
        foreach (var id in (int[])[0, 1])
        {
            await client.SendAsync(new() { ["do"] = "connect", ["id"] = id, ["url"] = url, ["transport"] = transport });
            await WaitForAsync(client, "open", id);
        }

        var text = string.Concat(Enumerable.Repeat("Grüße 🌍 ", 2_000));
        await client.SendAsync(new() { ["do"] = "call", ["id"] = 0, ["name"] = nameof(CommentsHub.Echo), ["args"] = new JsonArray(text) });
        Assert.Equal(text, (await WaitForAsync(client, "returned", 0)).GetProperty("value").GetString());

        await client.SendAsync(new() { ["do"] = "stream", ["id"] = 1, ["name"] = nameof(CommentsHub.Countdown), ["args"] = new JsonArray(5) });
        var items = (await WaitForAsync(client, "streamed", 1)).GetProperty("items").EnumerateArray().Select(item => item.GetInt32());
        Assert.Equal([5, 4, 3, 2, 1, 0], items);

        await client.SendAsync(new() { ["do"] = "call", ["id"] = 0, ["name"] = nameof(CommentsHub.Say), ["args"] = new JsonArray("hello") });
        foreach (var id in (int[])[0, 1])
        {
            Assert.Equal("hello", (await WaitForAsync(client, "comment", id)).GetProperty("comment").GetString());
        }

        await AssertTransportAsync(client, route, transport);
    }

    private static async Task AssertTransportAsync(ProcessPeer client, Route route, string transport)
    {
        if (route.Edge is null)
        {
            return;
        }

        var sessions = await route.Edge.Admin.ListSessionsAsync(route.Domain);
        Assert.Equal(transport == "WebSockets" ? 2 : 0, sessions.Count);
        if (transport == "WebSockets")
        {
            // The library says goodbye in a message and then closes; the hub closes at that message. Either may be first.
            await client.SendAsync(new() { ["do"] = "close", ["id"] = 0 });
            var closed = await route.WaitForAccessLogAsync("close");
            Assert.Contains(closed.GetProperty("cause").GetString(), (string[])["client_close", "origin_close"]);
            Assert.Equal("/hubs/comments", closed.GetProperty("path").GetString());
        }
    }

    private static async Task<WebApplication> StartHubAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSignalR();
        var origin = builder.Build();
        origin.MapHub<CommentsHub>("/hubs/comments");
        await origin.StartAsync();
        return origin;
    }

    private static Task<JsonElement> WaitForAsync(ProcessPeer client, string name, int id)
        => client.WaitForSuccessAsync(name, details => details.GetProperty("id").GetInt32() == id);

    [SuppressMessage("Performance", "CA1812", Justification = "SignalR makes it.")]
    private sealed class CommentsHub : Hub
    {
        public string Echo(string text) => text;

        public Task Say(string comment) => Clients.All.SendAsync("comment", comment);

        public async IAsyncEnumerable<int> Countdown(int from, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            for (var value = from; value >= 0; value--)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
                yield return value;
            }
        }
    }
}
