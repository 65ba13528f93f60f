using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>GraphQL subscriptions with the library <c>graphql-ws</c> on both sides.</summary>
[Collection(SharedEdgeCollection.Name)]
public sealed class GraphQLTests(SharedEdge edge)
{
    [PeerTheory("npm:graphql-ws", "npm:graphql", "npm:ws")]
    [InlineData(Via.Nothing)]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task MutationOfOneClient_ReachesTheSubscriptionOfAnother(Via via)
    {
        var (origin, port) = await Peers.StartAsync("graphql-server.mjs", edge.Certificates);
        await using var disposingOrigin = origin;
        var (client, _) = await Peers.StartAsync("graphql-client.mjs", edge.Certificates);
        await using var disposingClient = client;
        var route = await edge.RouteAsync(via, port);
        foreach (var id in (int[])[0, 1])
        {
            await client.SendAsync(new() { ["do"] = "connect", ["id"] = id, ["url"] = route.WebSocket("/graphql") });
            Assert.Equal("graphql-transport-ws", (await WaitForAsync(client, "open", id)).GetProperty("protocol").GetString());
        }

        await RunAsync(client, 0, "subscription { comments }");
        await origin.WaitForAsync("subscribed");
        await RunAsync(client, 1, "mutation ($text: String!) { say(text: $text) }", new() { ["text"] = "Grüße 🌍" });
        Assert.Equal("Grüße 🌍", await ResultAsync(client, 1, "say"));
        Assert.Equal("Grüße 🌍", await ResultAsync(client, 0, "comments"));
        await WaitForAsync(client, "complete", 1);

        await RunAsync(client, 1, "subscription { countdown(from: 3) }");
        foreach (var expected in (string[])["3", "2", "1", "0"])
        {
            Assert.Equal(expected, await ResultAsync(client, 1, "countdown"));
        }

        await client.SendAsync(new() { ["do"] = "close", ["id"] = 1 });
        var closed = await origin.WaitForAsync("close");
        Assert.Equal((1000, "Normal Closure"), (closed.GetProperty("code").GetInt32(), closed.GetProperty("reason").GetString()));
        await route.AssertEndAsync("client", "client_close", 1000, 1000);
    }

    private static Task RunAsync(ProcessPeer client, int id, string query, JsonObject? variables = null)
        => client.SendAsync(new() { ["do"] = "run", ["id"] = id, ["query"] = query, ["variables"] = variables });

    private static async Task<string> ResultAsync(ProcessPeer client, int id, string field)
        => (await WaitForAsync(client, "result", id)).GetProperty("data").GetProperty(field).ToString();

    private static Task<JsonElement> WaitForAsync(ProcessPeer client, string name, int id)
        => client.WaitForSuccessAsync(name, details => details.GetProperty("id").GetInt32() == id);
}
