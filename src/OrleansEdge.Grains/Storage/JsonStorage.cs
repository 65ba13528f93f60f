using System.Text.Json;
using System.Text.Json.Serialization;
using Orleans.Storage;

namespace OrleansEdge.Grains.Storage;

/// <summary>Grain states as JSON that a person can read, without names of types. Thread safe.</summary>
internal sealed class JsonStorage : IGrainStorageSerializer
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <inheritdoc/>
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input, Options));

    /// <inheritdoc/>
    public T Deserialize<T>(BinaryData input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return JsonSerializer.Deserialize<T>(input, Options)!;
    }
}
