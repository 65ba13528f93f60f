using System.Text.Json;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace OrleansEdge.Model;

/// <summary>Collects all faults of one JSON document. Not thread safe.</summary>
internal sealed partial class DocumentFaults
{
    private const int MaxDepth = 16;

    private readonly List<ConfigError> _errors = [];

    public bool Any => _errors.Count > 0;

    public void Add(string path, string message) => _errors.Add(new(path, message));

    /// <summary>Reads the JSON text; a fault of the text itself stands alone, because nothing else can be said about the document.</summary>
    /// <returns><see langword="null"/> where the text is no JSON object.</returns>
    public static JsonDocument? ReadText(ReadOnlyMemory<byte> utf8, out ConfigError? fault)
    {
        fault = FindTextFault(utf8.Span);
        if (fault is not null)
        {
            return null;
        }

        try
        {
            return JsonDocument.Parse(utf8, new() { MaxDepth = MaxDepth });
        }
        catch (JsonException malformed)
        {
            fault = new("", Describe(malformed));
            return null;
        }
    }

    /// <summary>The faults in the order of the document; what is missing comes last.</summary>
    public IReadOnlyList<ConfigError> InOrderOf(JsonElement root)
    {
        var order = new Dictionary<string, int>(StringComparer.Ordinal);
        Number(root, "", order);
        return [.. _errors.OrderBy(error => order.GetValueOrDefault(error.Path, int.MaxValue))];
    }

    public static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    /// <summary>The name of a member; <see langword="null"/> where its escapes are no text.</summary>
    public static string? NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static ConfigError? FindTextFault(ReadOnlySpan<byte> utf8)
    {
        if (utf8.StartsWith("\uFEFF"u8))
        {
            return new("", "line 1, byte 1: the document begins with a byte-order mark: leave it out");
        }

        return Utf8.IsValid(utf8) ? null : new("", "the document is not UTF-8");
    }

    private static string Describe(JsonException malformed)
    {
        var reason = ReaderAdvice().Replace(malformed.Message, "").Trim();
        return $"line {malformed.LineNumber + 1}, byte {malformed.BytePositionInLine + 1}: {reason}";
    }

    private static void Number(JsonElement element, string path, Dictionary<string, int> order)
    {
        order.TryAdd(path, order.Count);
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in element.EnumerateObject())
            {
                Number(member.Value, Join(path, NameOf(member) ?? ""), order);
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in element.EnumerateArray())
            {
                Number(item, $"{path}[{index++}]", order);
            }
        }
    }

    [GeneratedRegex(@" Change the reader options\.| LineNumber: .*$|, when isFinalBlock is true| in this mode", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ReaderAdvice();
}
