using System.Globalization;
using System.Text.Json;

namespace OrleansEdge.Model;

/// <summary>The JSON document of a tenant. Thread safe.</summary>
public static class TenantDocument
{
    /// <summary>Most characters of a tenant's id.</summary>
    public const int MaxIdLength = 64;

    private const int MaxNameLength = 200;
    private const int MaxWebhookLength = 2_048;
    private const int MaxPriceDigits = 9;

    /// <summary>Says what is wrong with the id of a tenant.</summary>
    /// <returns><see langword="null"/> where it is one.</returns>
    public static string? ValidateId(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (id.Length is 0 or > MaxIdLength)
        {
            return id.Length == 0 ? "is empty" : $"has {id.Length} characters, {MaxIdLength} is the most";
        }

        var isPlain = id.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');
        return isPlain && char.IsAsciiLetterOrDigit(id[0])
            ? null
            : $"{DomainName.Quote(id)} is not an id: a-z, 0-9, - and _, beginning with a letter or a digit";
    }

    /// <summary>Reads and checks a document. What is left out has its default.</summary>
    /// <param name="utf8">JSON text (RFC 8259) in UTF-8.</param>
    /// <param name="limits">Bounds that the operator set.</param>
    /// <returns>The document, or all its faults.</returns>
    public static ConfigResult<TenantConfig> Parse(ReadOnlyMemory<byte> utf8, DocumentLimits limits) => Parse(utf8, limits, null);

    /// <summary>Reads and checks a document that stands under a name.</summary>
    /// <param name="utf8">JSON text (RFC 8259) in UTF-8.</param>
    /// <param name="limits">Bounds that the operator set.</param>
    /// <param name="name">The id under which the document stands, which must be its own; <see langword="null"/>: any.</param>
    public static ConfigResult<TenantConfig> Parse(ReadOnlyMemory<byte> utf8, DocumentLimits limits, string? name)
    {
        ArgumentNullException.ThrowIfNull(limits);
        using var json = DocumentFaults.ReadText(utf8, out var malformed);
        return json is null ? new ConfigResult<TenantConfig>([malformed!]) : Read(json.RootElement, name);
    }

    /// <summary>Writes a document with every member, indented, ending with a line feed: what <c>Parse</c> reads as an equal document.</summary>
    public static byte[] Write(TenantConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return EdgeJson.WriteDocument(writer => WriteTo(writer, config));
    }

    internal static ConfigResult<TenantConfig> Read(JsonElement root, string? name)
    {
        var faults = new DocumentFaults();
        var reader = new ObjectReader(root, "", faults);
        var id = reader.RequiredText("tenant");
        if (id is not null && (ValidateId(id) ?? ObjectReader.Mismatch(id, name, static id => id)) is { } fault)
        {
            reader.Fault("tenant", fault);
        }

        var config = new TenantConfig
        {
            Tenant = id ?? "",
            Name = ReadName(reader) ?? id ?? "",
            Blocked = reader.Flag("blocked") ?? false,
            PayAsYouGo = ReadPayAsYouGo(reader.Object("payAsYouGo")),
            Alerts = ReadAlerts(reader.Object("alerts")),
        };
        reader.End();
        return faults.Any ? new(faults.InOrderOf(root)) : new(config);
    }

    internal static void WriteTo(Utf8JsonWriter writer, TenantConfig config)
    {
        writer.WriteStartObject();
        writer.WriteString("tenant", config.Tenant);
        writer.WriteString("name", config.Name);
        writer.WriteBoolean("blocked", config.Blocked);
        writer.WriteStartObject("payAsYouGo");
        writer.WriteBoolean("enabled", config.PayAsYouGo.Enabled);
        writer.WriteString("currency", config.PayAsYouGo.Currency);
        writer.WriteStartObject("pricePerGB");
        writer.WriteString("websocket", config.PayAsYouGo.PricePerGB.Websocket.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("http", config.PayAsYouGo.PricePerGB.Http.ToString(CultureInfo.InvariantCulture));
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartObject("alerts");
        writer.WriteStartArray("thresholds");
        foreach (var threshold in config.Alerts.Thresholds)
        {
            writer.WriteNumberValue(threshold);
        }

        writer.WriteEndArray();
        writer.WriteString("webhook", config.Alerts.Webhook);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string? ReadName(ObjectReader reader)
    {
        var name = reader.Text("name");
        var fault = name switch
        {
            null => null,
            "" => "is empty",
            { Length: > MaxNameLength } => $"has {name.Length} characters, {MaxNameLength} is the most",
            _ when name.Any(char.IsControl) => "holds a control character",
            _ => null,
        };
        if (fault is not null)
        {
            reader.Fault("name", fault);
        }

        return name;
    }

    private static PayAsYouGoConfig ReadPayAsYouGo(ObjectReader reader)
    {
        var prices = reader.Object("pricePerGB");
        var config = new PayAsYouGoConfig
        {
            Enabled = reader.Flag("enabled") ?? true,
            Currency = ReadCurrency(reader),
            PricePerGB = new() { Websocket = ReadPrice(prices, "websocket"), Http = ReadPrice(prices, "http") },
        };
        prices.End();
        reader.End();
        return config;
    }

    private static string ReadCurrency(ObjectReader reader)
    {
        var currency = reader.Text("currency") ?? "USD";
        if (currency.Length != 3 || !currency.All(char.IsAsciiLetter))
        {
            reader.Fault("currency", $"{DomainName.Quote(currency)} is not an ISO 4217 code of three letters");
        }

        return currency.ToUpperInvariant();
    }

    private static decimal ReadPrice(ObjectReader reader, string name)
    {
        if (reader.Text(name) is not { } text)
        {
            return 0;
        }

        var point = text.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? text : text[..point];
        var fraction = point < 0 ? "0" : text[(point + 1)..];
        if (!IsDigits(whole) || !IsDigits(fraction))
        {
            reader.Fault(name, $"{DomainName.Quote(text)} is not a price: a decimal from 0, at most {MaxPriceDigits} digits before and after the point");
            return 0;
        }

        return decimal.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
    }

    private static bool IsDigits(string text) => text.Length is > 0 and <= MaxPriceDigits && text.All(char.IsAsciiDigit);

    private static AlertsConfig ReadAlerts(ObjectReader reader)
    {
        var before = 0L;
        var thresholds = reader.Items("thresholds", 100, (item, path) =>
        {
            var threshold = reader.ReadWhole(item, path, 1, 100);
            if (threshold <= before)
            {
                reader.FaultAt(path, $"{threshold} is not over {before}: thresholds rise");
            }

            before = threshold ?? before;
            return (int)(threshold ?? 0);
        });
        var webhook = reader.OptionalText("webhook");
        if (webhook is not null && !IsWebAddress(webhook))
        {
            reader.Fault("webhook", $"{DomainName.Quote(webhook)} is not an absolute http or https URL of at most {MaxWebhookLength} characters");
        }

        reader.End();
        return new() { Thresholds = [.. thresholds], Webhook = webhook };
    }

    private static bool IsWebAddress(string text)
        => text.Length <= MaxWebhookLength
            && !text.Any(char.IsWhiteSpace)
            && Uri.TryCreate(text, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
            && url.Host.Length > 0;
}
