using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansEdge.Model;

/// <summary>A statement as text. The same statement gives the same bytes, and nothing says when they were made. Thread safe.</summary>
public static class StatementText
{
    /// <summary>Columns of the CSV form. <c>record</c> says what a row is: <c>usage</c> (a line), <c>adjustment</c>, <c>plan</c> or
    /// <c>total</c>; columns that a record does not have are empty.</summary>
    private static readonly string[] Columns =
    [
        "record", "tenant", "month", "state", "closesAt", "usageMonth", "domain", "kind", "currency", "pricePerGB", "bytesUp", "bytesDown",
        "messagesUp", "messagesDown", "sessions", "planBytes", "billableBytes", "amount", "plan", "planSize", "validFrom", "validTo", "usedBefore",
        "used",
    ];

    private static readonly JsonSerializerOptions Options = CreateOptions();

    /// <summary>JSON: camel case, prices and amounts as decimal strings, times in UTC with <c>Z</c>, indented, ending with a line feed.</summary>
    public static byte[] Json(Statement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        return [.. JsonSerializer.SerializeToUtf8Bytes(statement, Options), (byte)'\n'];
    }

    /// <summary>Reads what <see cref="Json"/> wrote: the statement that gives the same text again.</summary>
    /// <exception cref="JsonException">It is not the text of a statement.</exception>
    public static Statement Parse(ReadOnlySpan<byte> json)
        => JsonSerializer.Deserialize<Statement>(json, Options) ?? throw new JsonException("A statement is not null.");

    /// <summary>CSV (RFC 4180): a header row, one row for each line, adjustment, plan and total, ended by CR LF, in UTF-8. No cell begins
    /// with what a spreadsheet takes for a formula.</summary>
    public static byte[] Csv(Statement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var text = new StringBuilder();
        AppendRow(text, Columns);
        foreach (var row in statement.Lines.Select(Cells).Concat(statement.Adjustments.Select(Cells)).Concat(statement.Plans.Select(Cells)).Concat(statement.Totals.Select(Cells)))
        {
            row["tenant"] = statement.Tenant;
            row["month"] = statement.Month;
            row["state"] = statement.State;
            row["closesAt"] = EdgeJson.FormatTime(statement.ClosesAt);
            AppendRow(text, Columns.Select(column => row.GetValueOrDefault(column, "")));
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static Dictionary<string, string> Cells(StatementLine line) => new(StringComparer.Ordinal)
    {
        ["record"] = "usage",
        ["domain"] = line.Domain,
        ["kind"] = ObjectReader.WordOf(line.Kind),
        ["currency"] = line.Currency,
        ["pricePerGB"] = line.PricePerGB is { } price ? Text(price) : "",
        ["bytesUp"] = Text(line.BytesUp),
        ["bytesDown"] = Text(line.BytesDown),
        ["messagesUp"] = Text(line.MessagesUp),
        ["messagesDown"] = Text(line.MessagesDown),
        ["sessions"] = Text(line.Sessions),
        ["planBytes"] = Text(line.PlanBytes),
        ["billableBytes"] = Text(line.BillableBytes),
        ["amount"] = Text(line.Amount),
    };

    private static Dictionary<string, string> Cells(StatementAdjustment line) => new(StringComparer.Ordinal)
    {
        ["record"] = "adjustment",
        ["usageMonth"] = line.Month,
        ["domain"] = line.Domain,
        ["kind"] = ObjectReader.WordOf(line.Kind),
        ["currency"] = line.Currency,
        ["pricePerGB"] = line.PricePerGB is { } price ? Text(price) : "",
        ["bytesUp"] = Text(line.BytesUp),
        ["bytesDown"] = Text(line.BytesDown),
        ["planBytes"] = Text(line.PlanBytes),
        ["billableBytes"] = Text(line.BillableBytes),
        ["amount"] = Text(line.Amount),
    };

    private static Dictionary<string, string> Cells(StatementPlan plan) => new(StringComparer.Ordinal)
    {
        ["record"] = "plan",
        ["kind"] = ObjectReader.WordOf(plan.Kind),
        ["plan"] = plan.Id,
        ["planSize"] = Text(plan.Bytes),
        ["validFrom"] = EdgeJson.FormatTime(plan.ValidFrom),
        ["validTo"] = EdgeJson.FormatTime(plan.ValidTo),
        ["usedBefore"] = Text(plan.UsedBefore),
        ["used"] = Text(plan.Used),
    };

    private static Dictionary<string, string> Cells(StatementTotal total) => new(StringComparer.Ordinal)
    {
        ["record"] = "total",
        ["currency"] = total.Currency,
        ["amount"] = Text(total.Amount),
    };

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(decimal number) => number.ToString(CultureInfo.InvariantCulture);

    private static void AppendRow(StringBuilder text, IEnumerable<string> cells) => text.AppendJoin(',', cells.Select(Escape)).Append("\r\n");

    private static string Escape(string cell)
    {
        var harmless = cell.Length > 0 && cell[0] is '=' or '+' or '-' or '@' or '\t' or '\r' ? $"'{cell}" : cell;
        return harmless.AsSpan().IndexOfAny(",\"\r\n") < 0 ? harmless : $"\"{harmless.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions(EdgeJson.Options)
        {
            WriteIndented = true,
            NewLine = "\n",
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            Converters = { new DecimalTextConverter() },
        };
        options.MakeReadOnly();
        return options;
    }

    /// <summary>Decimals as strings with all their digits: a number of JSON is a floating-point number to most who read it.</summary>
    private sealed class DecimalTextConverter : JsonConverter<decimal>
    {
        public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => reader.TokenType == JsonTokenType.String
                && decimal.TryParse(reader.GetString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new JsonException("A decimal is a string of digits with at most one point.");

        public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) => writer.WriteStringValue(Text(value));
    }
}
