using System.Text.Json.Nodes;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>Node's <c>ws</c> and Python's <c>websockets</c> on either side.</summary>
[Collection(SharedEdgeCollection.Name)]
public sealed class WebSocketLibraryTests(SharedEdge edge)
{
    /// <summary>Every pair of libraries over every way.</summary>
    public static TheoryData<Via, Library, Library> AllPairs { get; } = MakeAllPairs();

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task TextAndBinaryOfAllSizes_ArriveUnchangedBothWays(Via via, Library client, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, origin);
        foreach (var length in (int[])[0, 1, 125, 126, 65_535, 65_536, 1 << 20])
        {
            var bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            await pair.Client.SendBinaryAsync(bytes);
            await pair.Origin.AssertBinaryAsync(bytes);
            Array.Reverse(bytes);
            await pair.Origin.SendBinaryAsync(bytes);
            await pair.Client.AssertBinaryAsync(bytes);
        }

        await pair.Client.SendTextAsync("Grüße, 世界 🌍");
        await pair.Origin.AssertTextAsync("Grüße, 世界 🌍");
        await pair.Origin.SendTextAsync("");
        await pair.Client.AssertTextAsync("");
        await pair.Client.CloseAsync(1000, "done");
        var end = await pair.Route.AssertEndAsync("client", "client_close", 1000, 1000);
        if (via != Via.Nothing)
        {
            Assert.Equal((8, 8), (end.GetProperty("messagesUp").GetInt32(), end.GetProperty("messagesDown").GetInt32()));
        }
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task ManyMessagesWithoutWaiting_ArriveInOrder(Via via, Library client, Library origin)
    {
        const int Messages = 500;
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, origin);
        for (var i = 0; i < Messages; i++)
        {
            await pair.Client.SendTextAsync($"up {i}");
            await pair.Origin.SendTextAsync($"down {i}");
        }

        for (var i = 0; i < Messages; i++)
        {
            await pair.Origin.AssertTextAsync($"up {i}");
            await pair.Client.AssertTextAsync($"down {i}");
        }
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task FragmentedMessages_ArriveWhole(Via via, Library client, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, origin);
        string[] parts = ["one, ", "", new string('x', 70_000), "four"];
        await pair.Client.SendFragmentsAsync(parts);
        await pair.Origin.AssertTextAsync(string.Concat(parts));
        await pair.Origin.SendFragmentsAsync(parts);
        await pair.Client.AssertTextAsync(string.Concat(parts));
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task Compression_IsNegotiatedBetweenThePeersAndUsed(Via via, Library client, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, origin, new() { Deflate = true });
        Assert.Contains("permessage-deflate", pair.Opened.GetProperty("extensions").GetString(), StringComparison.Ordinal);
        Assert.Contains("permessage-deflate", pair.Accepted.GetProperty("extensions").GetString(), StringComparison.Ordinal);

        var text = string.Concat(Enumerable.Repeat("All work and no play makes Jack a dull boy. ", 5_000));
        await pair.Client.SendTextAsync(text);
        await pair.Origin.AssertTextAsync(text);
        await pair.Origin.SendTextAsync(text);
        await pair.Client.AssertTextAsync(text);
        await pair.Client.CloseAsync(1000, "");
        var closed = await pair.Origin.AssertClosedAsync(1000, "");
        var end = await pair.Route.AssertEndAsync("client", "client_close", 1000, 1000);
        if (origin == Library.Ws)
        {
            Assert.InRange(closed.GetProperty("bytesRead").GetInt64(), 100, 10_000);
        }

        if (via != Via.Nothing)
        {
            Assert.InRange(end.GetProperty("bytesUp").GetInt64(), 100, 10_000);
            Assert.InRange(end.GetProperty("bytesDown").GetInt64(), 100, 10_000);
        }
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task PingsOfEitherSide_AreAnsweredByTheOther(Via via, Library client, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, origin);
        foreach (var (asking, answering, library) in ((WebSocketEnd, WebSocketEnd, Library)[])[(pair.Client, pair.Origin, origin), (pair.Origin, pair.Client, client)])
        {
            await asking.PingAsync("are you there?");
            Assert.Equal("are you there?", (await asking.NextAsync("pong")).GetProperty("data").GetString());
            if (library == Library.Ws)
            {
                Assert.Equal("are you there?", (await answering.NextAsync("ping")).GetProperty("data").GetString());
            }
        }
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task ClientCloses_OriginSeesCodeAndReason(Via via, Library client, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, origin);
        await pair.Client.CloseAsync(4001, "schönen Tag");
        await pair.Origin.AssertClosedAsync(4001, "schönen Tag");
        // The answer to a Close repeats its code; the reason is the library's own affair.
        Assert.Equal(4001, (await pair.Client.NextAsync("close")).GetProperty("code").GetInt32());
        await pair.Route.AssertEndAsync("client", "client_close", 4001, 4001);
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task OriginCloses_ClientSeesCodeAndReason(Via via, Library client, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, origin);
        await pair.Origin.CloseAsync(3999, "maintenance");
        await pair.Client.AssertClosedAsync(3999, "maintenance");
        Assert.Equal(3999, (await pair.Origin.NextAsync("close")).GetProperty("code").GetInt32());
        await pair.Route.AssertEndAsync("origin", "origin_close", 3999, 3999);
    }

    [PeerTheory("npm:ws")]
    [InlineData(Via.Nothing)]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task CloseWithoutACode_StaysWithoutACode(Via via)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, Library.Ws, Library.Ws);
        await pair.Client.CloseAsync();
        await pair.Origin.AssertClosedAsync(1005, "");
        await pair.Client.AssertClosedAsync(1005, "");
        await pair.Route.AssertEndAsync("client", "client_close", 1005, 1005);
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [MemberData(nameof(AllPairs))]
    public async Task Subprotocols_AreOfferedToTheOriginAndItsChoiceToTheClient(Via via, Library client, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(
            edge, via, client, origin, new() { Path = "/chat/room?token=s3cret&x=%20", Protocols = ["chat.v1", "chat.v2"] });
        Assert.Equal("chat.v2", pair.Opened.GetProperty("protocol").GetString());
        Assert.Equal("chat.v2", pair.Accepted.GetProperty("protocol").GetString());
        Assert.Equal("/chat/room?token=s3cret&x=%20", pair.Accepted.GetProperty("path").GetString());
        if (via == Via.Nothing)
        {
            return;
        }

        var session = Assert.Single(await pair.Route.Edge!.Admin.ListSessionsAsync(pair.Route.Domain));
        Assert.Equal(("chat.v2", "http/1.1"), (session.GetProperty("subprotocol").GetString(), session.GetProperty("protocol").GetString()));
        var opened = await pair.Route.WaitForAccessLogAsync("open");
        Assert.Equal("/chat/room", opened.GetProperty("path").GetString());
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [InlineData(Via.Edge, Library.Ws)]
    [InlineData(Via.Edge, Library.Python)]
    [InlineData(Via.EdgeTls, Library.Ws)]
    [InlineData(Via.EdgeTls, Library.Python)]
    public async Task OriginSeesTheClientsAddressSchemeAndHost(Via via, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, Library.Ws, origin);
        var headers = pair.Accepted.GetProperty("headers");
        string Header(string name) => headers.GetProperty(name).GetString()!;
        Assert.Equal("127.0.0.1", Header("x-forwarded-for"));
        Assert.Equal(via == Via.EdgeTls ? "https" : "http", Header("x-forwarded-proto"));
        Assert.StartsWith(pair.Route.Domain, Header("x-forwarded-host"), StringComparison.Ordinal);
        Assert.StartsWith(pair.Route.Domain, Header("host"), StringComparison.Ordinal);
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [InlineData(Via.Edge, Library.Ws)]
    [InlineData(Via.Edge, Library.Python)]
    [InlineData(Via.EdgeTls, Library.Ws)]
    [InlineData(Via.EdgeTls, Library.Python)]
    public async Task OriginVanishes_ClientGets1014(Via via, Library client)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, client, Library.Ws);
        await pair.Origin.TerminateAsync();
        // websockets 10 has 1014 among its codes, as ws has.
        await pair.Client.AssertClosedAsync(1014, "origin lost");
        await pair.Route.AssertEndAsync("origin", "origin_lost", 1014, 0);
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [InlineData(Via.Edge, Library.Ws)]
    [InlineData(Via.Edge, Library.Python)]
    [InlineData(Via.EdgeTls, Library.Ws)]
    [InlineData(Via.EdgeTls, Library.Python)]
    public async Task ClientVanishes_OriginGets1001(Via via, Library origin)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, Library.Ws, origin);
        await pair.Client.TerminateAsync();
        await pair.Origin.AssertClosedAsync(1001, "client lost");
        await pair.Route.AssertEndAsync("client", "client_lost", 0, 1001);
    }

    [PeerTheory("npm:ws", "python:websockets")]
    [InlineData(Via.Edge, Library.Ws)]
    [InlineData(Via.Edge, Library.Python)]
    [InlineData(Via.EdgeTls, Library.Ws)]
    [InlineData(Via.EdgeTls, Library.Python)]
    public async Task NobodySaysAnything_BothGet1001AfterTheTimeout(Via via, Library library)
    {
        await using var pair = await WebSocketPair.OpenAsync(edge, via, library, library, new() { WebSocket = new() { ["timeoutSeconds"] = 1 } });
        await pair.Client.AssertClosedAsync(1001, "idle timeout");
        await pair.Origin.AssertClosedAsync(1001, "idle timeout");
        await pair.Route.AssertEndAsync("edge", "idle_timeout", 1001, 1001);
    }

    [PeerTheory("npm:ws")]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task WebSocketIsOff_ClientSees403WithAProblemDocument(Via via)
    {
        var (client, _) = await WebSocketPair.StartAsync(Library.Ws, "client", edge.Certificates);
        await using var disposing = client;
        var route = await edge.RouteAsync(via, 9, new() { ["enabled"] = false });
        await client.SendAsync(new() { ["do"] = "connect", ["id"] = 0, ["url"] = route.WebSocket() });
        var refused = await client.WaitForAsync("refused");
        Assert.Equal(403, refused.GetProperty("status").GetInt32());
        Assert.StartsWith("application/problem+json", refused.GetProperty("headers").GetProperty("content-type").GetString(), StringComparison.Ordinal);
        Assert.Equal("websocket_disabled", (string?)JsonNode.Parse(refused.GetProperty("body").GetString()!)!["code"]);
        var entry = await route.WaitForAccessLogAsync("refused");
        Assert.Equal("websocket_disabled", entry.GetProperty("cause").GetString());
    }

    private static TheoryData<Via, Library, Library> MakeAllPairs()
    {
        var pairs = new TheoryData<Via, Library, Library>();
        foreach (var via in Enum.GetValues<Via>())
        {
            pairs.Add(via, Library.Ws, Library.Ws);
            pairs.Add(via, Library.Python, Library.Ws);
            pairs.Add(via, Library.Ws, Library.Python);
            pairs.Add(via, Library.Python, Library.Python);
        }

        return pairs;
    }
}
