using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Answers;

/// <summary>Statements as text, until the model writes them itself under this name.</summary>
internal static class StatementText
{
    private static readonly JsonSerializerOptions Options = new(EdgeJson.Options) { WriteIndented = true, NewLine = "\n", Converters = { new DecimalConverter() } };

    public static byte[] Json(Statement statement) => [.. JsonSerializer.SerializeToUtf8Bytes(statement, Options), (byte)'\n'];

    public static byte[] Csv(Statement statement)
    {
        var text = new StringBuilder("month,domain,kind,currency,pricePerGB,bytesUp,bytesDown,planBytes,billableBytes,amount\r\n");
        foreach (var line in statement.Lines)
        {
            text.Append(CultureInfo.InvariantCulture, $"{statement.Month},{line.Domain},{Word(line.Kind)},{line.Currency},{line.PricePerGB},");
            text.Append(CultureInfo.InvariantCulture, $"{line.BytesUp},{line.BytesDown},{line.PlanBytes},{line.BillableBytes},{line.Amount}\r\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Word(UsageKind kind) => JsonSerializer.SerializeToNode(kind, EdgeJson.Options)!.GetValue<string>();

    private sealed class DecimalConverter : JsonConverter<decimal>
    {
        public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => decimal.Parse(reader.GetString()!, CultureInfo.InvariantCulture);

        public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options)
            => writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
    }
}
