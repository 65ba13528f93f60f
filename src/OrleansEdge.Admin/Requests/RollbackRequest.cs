using System.Text.Json;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Requests;

/// <summary>The body <c>{ "version": 41 }</c>.</summary>
internal static class RollbackRequest
{
    private const string Member = "version";

    /// <returns>The fault, or <see langword="null"/>.</returns>
    public static ConfigError? TryParse(ReadOnlyMemory<byte> json, out long version)
    {
        version = 0;
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return TryRead(document.RootElement, out version);
        }
        catch (JsonException exception)
        {
            return new ConfigError("", $"not JSON: {exception.Message}");
        }
    }

    private static ConfigError? TryRead(JsonElement root, out long version)
    {
        version = 0;
        if (root.ValueKind != JsonValueKind.Object)
        {
            return new ConfigError("", "not an object");
        }

        var unknown = root.EnumerateObject().FirstOrDefault(member => !member.NameEquals(Member));
        if (unknown.Value.ValueKind != JsonValueKind.Undefined)
        {
            return new ConfigError(unknown.Name, "unknown member");
        }

        return root.TryGetProperty(Member, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out version) && version >= 1
            ? null
            : new ConfigError(Member, "not a whole number from 1");
    }
}
