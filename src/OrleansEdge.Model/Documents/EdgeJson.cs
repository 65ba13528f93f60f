using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace OrleansEdge.Model;

/// <summary>JSON as the admin API, the files and the logs write it. Thread safe.</summary>
public static class EdgeJson
{
    /// <summary>Camel case, enumerations as words (<c>ready</c>, <c>client_close</c>), times in UTC as ISO 8601 with milliseconds
    /// and <c>Z</c>, documents exactly as <see cref="DomainDocument.Write"/> and <see cref="TenantDocument.Write"/>
    /// write them. Read only.</summary>
    public static JsonSerializerOptions Options { get; } = CreateOptions();

    /// <summary>A time as all JSON of the edge has it: UTC, milliseconds, <c>Z</c>.</summary>
    public static string FormatTime(DateTimeOffset time)
        => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    internal static byte[] WriteDocument(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            write(writer);
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    internal static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.Strict,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            Converters =
            {
                new DomainConverter(),
                new TenantConverter(),
                new TimeConverter(),
                new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false),
            },
        };
        options.MakeReadOnly();
        return options;
    }

    private static T Accepted<T>(ConfigResult<T> result)
        where T : class
        => result.Value ?? throw new JsonException(string.Join("; ", result.Errors.Select(error => $"{error.Path} {error.Message}".Trim())));

    private sealed class DomainConverter : JsonConverter<DomainConfig>
    {
        public override DomainConfig Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var json = JsonDocument.ParseValue(ref reader);
            return Accepted(DomainDocument.Read(json.RootElement, DocumentLimits.Widest, null, null));
        }

        public override void Write(Utf8JsonWriter writer, DomainConfig value, JsonSerializerOptions options) => DomainDocument.WriteTo(writer, value);
    }

    private sealed class TenantConverter : JsonConverter<TenantConfig>
    {
        public override TenantConfig Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var json = JsonDocument.ParseValue(ref reader);
            return Accepted(TenantDocument.Read(json.RootElement, null));
        }

        public override void Write(Utf8JsonWriter writer, TenantConfig value, JsonSerializerOptions options) => TenantDocument.WriteTo(writer, value);
    }

    private sealed class TimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => reader.GetDateTimeOffset().ToUniversalTime();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
            => writer.WriteStringValue(FormatTime(value));
    }
}
