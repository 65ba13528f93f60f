using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json.Nodes;

namespace OrleansEdge.Load;

/// <summary>How many ended in which way. Thread safe.</summary>
internal sealed class Ends
{
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);

    public void Add(string end) => _counts.AddOrUpdate(end, 1, (_, count) => count + 1);

    public JsonObject ToJson() => new(_counts.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value)));
}

/// <summary>What both sides do with a WebSocket.</summary>
internal static class Receiver
{
    private const int LargestMessage = 256;

    /// <summary>Hands over every message until the peer closes, and answers the Close.</summary>
    /// <returns>Code and reason, or why there are none.</returns>
    public static async Task<string> ReceiveUntilClosedAsync(WebSocket socket, Func<ReadOnlyMemory<byte>, ValueTask> received)
    {
        var buffer = new byte[LargestMessage];
        try
        {
            while (true)
            {
                var result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                    return $"{(int?)socket.CloseStatus} {socket.CloseStatusDescription}".TrimEnd();
                }

                await received(buffer.AsMemory(0, result.Count));
            }
        }
        catch (WebSocketException lost)
        {
            return $"lost: {lost.WebSocketErrorCode}";
        }
        finally
        {
            socket.Dispose();
        }
    }
}
