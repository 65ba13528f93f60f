using System.Text.Json;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>MQTT over WebSocket: Mosquitto as the origin, the library <c>mqtt</c> as the client.</summary>
[Collection(SharedEdgeCollection.Name)]
public sealed class MqttTests(SharedEdge edge)
{
    [PeerTheory("mosquitto", "npm:mqtt", "npm:ws")]
    [InlineData(Via.Nothing)]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task PublishedAtLeastOnce_ArrivesAtTheSubscriberUnchanged(Via via)
    {
        await using var broker = await Mosquitto.StartAsync();
        var (client, _) = await Peers.StartAsync("mqtt-client.mjs", edge.Certificates);
        await using var disposing = client;
        var route = await edge.RouteAsync(via, broker.Port);
        foreach (var id in (int[])[0, 1])
        {
            await client.SendAsync(new() { ["do"] = "connect", ["id"] = id, ["url"] = route.WebSocket("/mqtt") });
            Assert.Equal("mqtt", (await WaitForAsync(client, "open", id)).GetProperty("protocol").GetString());
        }

        await client.SendAsync(new() { ["do"] = "subscribe", ["id"] = 0, ["topic"] = "rooms/+/temperature", ["qos"] = 1 });
        Assert.Equal(1, (await WaitForAsync(client, "subscribed", 0)).GetProperty("qos").GetInt32());
        foreach (var length in (int[])[0, 10, 70_000])
        {
            var payload = new byte[length];
            new Random(length).NextBytes(payload);
            var binary = Convert.ToBase64String(payload);
            await client.SendAsync(new() { ["do"] = "publish", ["id"] = 1, ["topic"] = "rooms/12/temperature", ["qos"] = 1, ["binary"] = binary });
            await WaitForAsync(client, "published", 1);
            var message = await WaitForAsync(client, "message", 0);
            Assert.Equal(("rooms/12/temperature", 1, binary), (message.GetProperty("topic").GetString(), message.GetProperty("qos").GetInt32(), message.GetProperty("binary").GetString()));
        }

        if (via != Via.Nothing)
        {
            var sessions = await route.Edge!.Admin.ListSessionsAsync(route.Domain);
            Assert.Equal(["mqtt", "mqtt"], sessions.Select(session => session.GetProperty("subprotocol").GetString()));
        }

        await client.SendAsync(new() { ["do"] = "close", ["id"] = 1 });
        await WaitForAsync(client, "close", 1);
    }

    private static Task<JsonElement> WaitForAsync(ProcessPeer client, string name, int id)
        => client.WaitForSuccessAsync(name, details => details.GetProperty("id").GetInt32() == id);

    /// <summary>A broker with one WebSocket listener.</summary>
    private sealed class Mosquitto : IAsyncDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("orleans-edge-mosquitto-");
        private ChildProcess? _process;

        public int Port { get; } = FreePort.Find();

        public static async Task<Mosquitto> StartAsync()
        {
            var broker = new Mosquitto();
            var configuration = Path.Combine(broker._directory.FullName, "mosquitto.conf");
            // Version 2.0.11 starts only with a listener that is not a WebSocket beside the others, and as root becomes a user
            // who may not make a socket in the directory.
            await File.WriteAllTextAsync(configuration, $"""
                user root
                listener 0 {broker._directory.FullName}/mqtt
                listener {broker.Port} 127.0.0.1
                protocol websockets
                allow_anonymous true
                persistence false
                log_dest stderr

                """);
            broker._process = ChildProcess.Start("mosquitto", Peers.Program("mosquitto"), ["-c", configuration]);
            await broker._process.Errors.TakeAsync(line => line.EndsWith("running", StringComparison.Ordinal) ? line : null, "Mosquitto's line \"running\"");
            return broker;
        }

        public async ValueTask DisposeAsync()
        {
            if (_process is not null)
            {
                await _process.DisposeAsync();
            }

            _directory.Delete(recursive: true);
        }
    }
}
