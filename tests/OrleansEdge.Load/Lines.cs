using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansEdge.Load;

/// <summary>Commands on standard input, events on standard output, each a line of JSON.</summary>
internal static class Lines
{
    private static readonly Lock Writing = new();

    /// <summary>Prints an event.</summary>
    public static void Emit(string name, params ReadOnlySpan<(string Name, JsonNode? Value)> details)
    {
        var line = new JsonObject { ["event"] = name };
        foreach (var (detail, value) in details)
        {
            line[detail] = value;
        }

        lock (Writing)
        {
            Console.Out.WriteLine(line.ToJsonString());
            Console.Out.Flush();
        }
    }

    /// <summary>Commands until the input ends.</summary>
    public static async IAsyncEnumerable<JsonElement> ReadAsync()
    {
        while (await Console.In.ReadLineAsync() is { } line)
        {
            yield return JsonDocument.Parse(line).RootElement;
        }
    }
}
