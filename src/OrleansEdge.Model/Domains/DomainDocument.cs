using System.Globalization;
using System.Text.Json;

namespace OrleansEdge.Model;

/// <summary>The JSON document of a domain. Thread safe.</summary>
public static class DomainDocument
{
    private const int MaxOrigins = 100;
    private const int MaxAllowedOrigins = 1_000;
    private const int MaxAddresses = 10_000;
    private const int MaxPingSeconds = 86_400;
    private const int MaxMaxSessionSeconds = 30 * 86_400;
    private const int MaxMaxConnections = 100_000_000;
    private const int MaxHandshakesPerSecond = 10_000_000;
    private const int MaxWeight = 1_000;
    private const int MaxPort = 65_535;

    // The greatest whole number that every JSON library reads exactly (RFC 8259 section 6).
    private const long MaxMaxMessageBytes = (1L << 53) - 1;

    /// <summary>Reads and checks a document. Names come back normalised, what is left out has its default.</summary>
    /// <param name="utf8">JSON text (RFC 8259) in UTF-8.</param>
    /// <param name="limits">Bounds that the operator set.</param>
    /// <returns>The document, or all its faults. That the tenant exists is not checked here.</returns>
    public static ConfigResult<DomainConfig> Parse(ReadOnlyMemory<byte> utf8, DocumentLimits limits) => Parse(utf8, limits, null, null);

    /// <summary>Reads and checks a document and what it says of things outside it, all faults at once.</summary>
    /// <param name="utf8">JSON text (RFC 8259) in UTF-8.</param>
    /// <param name="limits">Bounds that the operator set.</param>
    /// <param name="name">The name under which the document stands, which must be its own; <see langword="null"/>: any.</param>
    /// <param name="tenantExists">Whether there is a tenant with an id; <see langword="null"/>: not checked.</param>
    public static ConfigResult<DomainConfig> Parse(ReadOnlyMemory<byte> utf8, DocumentLimits limits, string? name, Func<string, bool>? tenantExists)
    {
        ArgumentNullException.ThrowIfNull(limits);
        using var json = DocumentFaults.ReadText(utf8, out var malformed);
        return json is null ? new ConfigResult<DomainConfig>([malformed!]) : Read(json.RootElement, limits, name, tenantExists);
    }

    /// <summary>Writes a document with every member, indented, ending with a line feed: what <c>Parse</c> reads as an equal document.</summary>
    public static byte[] Write(DomainConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return EdgeJson.WriteDocument(writer => WriteTo(writer, config));
    }

    internal static ConfigResult<DomainConfig> Read(JsonElement root, DocumentLimits limits, string? name, Func<string, bool>? tenantExists)
    {
        var faults = new DocumentFaults();
        var reader = new ObjectReader(root, "", faults);
        var acceleration = reader.Word("acceleration", Acceleration.Dynamic);
        var config = new DomainConfig
        {
            Domain = ReadDomain(reader, name),
            Tenant = ReadTenant(reader, tenantExists),
            Acceleration = acceleration,
            WebSocket = ReadWebSocket(reader.Object("webSocket"), acceleration, limits),
            Origins = [.. reader.RequiredItems("origins", MaxOrigins, (item, path) => ReadOrigin(new(item, path, faults)))],
            HostHeader = ReadHostHeader(reader),
            OriginTls = ReadOriginTls(reader.Object("originTls")),
            Access = ReadAccess(reader.Object("access")),
        };
        reader.End();
        return faults.Any ? new(faults.InOrderOf(root)) : new(config);
    }

    internal static void WriteTo(Utf8JsonWriter writer, DomainConfig config)
    {
        writer.WriteStartObject();
        writer.WriteString("domain", config.Domain);
        writer.WriteString("tenant", config.Tenant);
        writer.WriteString("acceleration", ObjectReader.WordOf(config.Acceleration));
        WriteWebSocket(writer, config.WebSocket);
        WriteOrigins(writer, config);
        writer.WriteString("hostHeader", config.HostHeader);
        writer.WriteStartObject("originTls");
        writer.WriteString("serverName", config.OriginTls.ServerName);
        writer.WriteBoolean("verify", config.OriginTls.Verify);
        writer.WriteEndObject();
        WriteAccess(writer, config.Access);
        writer.WriteEndObject();
    }

    private static string ReadDomain(ObjectReader reader, string? expected)
    {
        var written = reader.RequiredText("domain");
        var name = DomainName.Normalize(written ?? "");
        if (written is not null && (DomainName.Validate(written) ?? ObjectReader.Mismatch(name, expected, DomainName.Normalize)) is { } fault)
        {
            reader.Fault("domain", fault);
        }

        return name;
    }

    private static string ReadTenant(ObjectReader reader, Func<string, bool>? exists)
    {
        var id = reader.RequiredText("tenant");
        if (id is not null && (TenantDocument.ValidateId(id) ?? ValidateTenantExists(id, exists)) is { } fault)
        {
            reader.Fault("tenant", fault);
        }

        return id ?? "";
    }

    private static string? ValidateTenantExists(string id, Func<string, bool>? exists)
        => exists is null || exists(id) ? null : $"there is no tenant {DomainName.Quote(id)}";

    private static WebSocketConfig ReadWebSocket(ObjectReader reader, Acceleration acceleration, DocumentLimits limits)
    {
        var byDefault = new WebSocketConfig();
        var enabled = reader.Flag("enabled");
        if (enabled is true && acceleration == Acceleration.Static)
        {
            reader.Fault("enabled", "WebSocket can be on only where acceleration is dynamic or full");
        }

        var config = new WebSocketConfig
        {
            Enabled = enabled ?? (acceleration != Acceleration.Static),
            TimeoutSeconds = reader.Whole("timeoutSeconds", byDefault.TimeoutSeconds, 0, limits.MaxTimeoutSeconds),
            OriginProtocol = reader.Word("originProtocol", byDefault.OriginProtocol),
            IdleCounts = reader.Word("idleCounts", byDefault.IdleCounts),
            PingSeconds = reader.Whole("pingSeconds", 0, 0, MaxPingSeconds),
            MaxSessionSeconds = reader.Whole("maxSessionSeconds", 0, 0, MaxMaxSessionSeconds),
            MaxConnections = reader.Whole("maxConnections", 0, 0, MaxMaxConnections),
            HandshakesPerSecond = reader.Whole("handshakesPerSecond", 0, 0, MaxHandshakesPerSecond),
            MaxMessageBytes = reader.Whole("maxMessageBytes", 0L, 0, MaxMaxMessageBytes),
            Protocol = reader.Word("protocol", byDefault.Protocol),
            OriginLostCode = ReadOriginLostCode(reader, byDefault.OriginLostCode),
        };
        reader.End();
        return config;
    }

    private static int ReadOriginLostCode(ObjectReader reader, int byDefault)
    {
        var code = reader.Whole("originLostCode", byDefault, int.MinValue, int.MaxValue);
        if (code is not (1014 or 1011))
        {
            reader.Fault("originLostCode", $"{code} is neither 1014 nor 1011");
        }

        return code;
    }

    private static OriginConfig ReadOrigin(ObjectReader reader)
    {
        var address = reader.RequiredText("address");
        if (address is not null && ValidateAddress(address) is { } fault)
        {
            reader.Fault("address", fault);
        }

        var origin = new OriginConfig
        {
            Address = NormalizeAddress(address ?? ""),
            HttpPort = reader.Whole("httpPort", 80, 1, MaxPort),
            HttpsPort = reader.Whole("httpsPort", 443, 1, MaxPort),
            Weight = reader.Whole("weight", 1, 1, MaxWeight),
        };
        reader.End();
        return origin;
    }

    // An IP literal stays as it was written, with or without brackets.
    private static string NormalizeAddress(string address)
        => DomainName.TryParseAddress(address, out _) ? address : DomainName.Normalize(address);

    private static string? ValidateAddress(string address)
    {
        var fault = DomainName.ValidateHost(address);
        if (fault is null)
        {
            return null;
        }

        if (address.Contains("://", StringComparison.Ordinal))
        {
            return $"{DomainName.Quote(address)} has a scheme: write the name or IP address alone, and choose the protocol by webSocket.originProtocol";
        }

        return fault.EndsWith("leave out the port", StringComparison.Ordinal) ? $"{fault} and write it as httpPort or httpsPort" : fault;
    }

    private static string? ReadHostHeader(ObjectReader reader)
    {
        if (reader.OptionalText("hostHeader") is not { } written)
        {
            return null;
        }

        var portColon = written.LastIndexOf(':');
        var hasPort = portColon > written.LastIndexOf(']') && (written.StartsWith('[') || written.IndexOf(':') == portColon);
        var host = hasPort ? written[..portColon] : written;
        if (ValidateHostHeader(written, host, hasPort ? written[(portColon + 1)..] : null) is { } fault)
        {
            reader.Fault("hostHeader", fault);
            return null;
        }

        return host.StartsWith('[') ? written : DomainName.Normalize(host) + written[host.Length..];
    }

    private static string? ValidateHostHeader(string written, string host, string? port)
    {
        if (written.Length == 0)
        {
            return "is empty: write null to send the host that the client asked for";
        }

        if (written.Contains('/'))
        {
            return DomainName.ValidateHost(written);
        }

        if (port is not null && !(ushort.TryParse(port, NumberStyles.None, null, out var number) && number > 0))
        {
            return $"{DomainName.Quote(written)}: the port is a whole number from 1 to {MaxPort}";
        }

        return host.Contains(':') && !host.StartsWith('[')
            ? $"{DomainName.Quote(written)}: an IPv6 address stands in brackets here"
            : DomainName.ValidateHost(host);
    }

    private static OriginTlsConfig ReadOriginTls(ObjectReader reader)
    {
        var name = reader.OptionalText("serverName");
        if (name is not null && ValidateServerName(name) is { } fault)
        {
            reader.Fault("serverName", fault);
        }

        var config = new OriginTlsConfig
        {
            ServerName = name is null ? null : DomainName.Normalize(name),
            Verify = reader.Flag("verify") ?? true,
        };
        reader.End();
        return config;
    }

    private static string? ValidateServerName(string name)
    {
        if (name.Length == 0)
        {
            return "is empty: write null for the Host sent to the origin";
        }

        return DomainName.TryParseAddress(name, out _)
            ? $"{DomainName.Quote(name)} is an IP address, and SNI carries only DNS names (RFC 6066 section 3)"
            : DomainName.ValidateDnsName(name);
    }

    private static AccessConfig ReadAccess(ObjectReader reader)
    {
        var config = new AccessConfig
        {
            AllowedOrigins = [.. reader.Texts("allowedOrigins", MaxAllowedOrigins, OriginPattern.Validate)],
            AllowedAddresses = [.. reader.Texts("allowedAddresses", MaxAddresses, AddressSet.Validate)],
            DeniedAddresses = [.. reader.Texts("deniedAddresses", MaxAddresses, AddressSet.Validate)],
        };
        reader.End();
        return config;
    }

    private static void WriteWebSocket(Utf8JsonWriter writer, WebSocketConfig config)
    {
        writer.WriteStartObject("webSocket");
        writer.WriteBoolean("enabled", config.Enabled);
        writer.WriteNumber("timeoutSeconds", config.TimeoutSeconds);
        writer.WriteString("originProtocol", ObjectReader.WordOf(config.OriginProtocol));
        writer.WriteString("idleCounts", ObjectReader.WordOf(config.IdleCounts));
        writer.WriteNumber("pingSeconds", config.PingSeconds);
        writer.WriteNumber("maxSessionSeconds", config.MaxSessionSeconds);
        writer.WriteNumber("maxConnections", config.MaxConnections);
        writer.WriteNumber("handshakesPerSecond", config.HandshakesPerSecond);
        writer.WriteNumber("maxMessageBytes", config.MaxMessageBytes);
        writer.WriteString("protocol", ObjectReader.WordOf(config.Protocol));
        writer.WriteNumber("originLostCode", config.OriginLostCode);
        writer.WriteEndObject();
    }

    private static void WriteOrigins(Utf8JsonWriter writer, DomainConfig config)
    {
        writer.WriteStartArray("origins");
        foreach (var origin in config.Origins)
        {
            writer.WriteStartObject();
            writer.WriteString("address", origin.Address);
            writer.WriteNumber("httpPort", origin.HttpPort);
            writer.WriteNumber("httpsPort", origin.HttpsPort);
            writer.WriteNumber("weight", origin.Weight);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteAccess(Utf8JsonWriter writer, AccessConfig access)
    {
        writer.WriteStartObject("access");
        EdgeJson.WriteTexts(writer, "allowedOrigins", access.AllowedOrigins);
        EdgeJson.WriteTexts(writer, "allowedAddresses", access.AllowedAddresses);
        EdgeJson.WriteTexts(writer, "deniedAddresses", access.DeniedAddresses);
        writer.WriteEndObject();
    }
}
