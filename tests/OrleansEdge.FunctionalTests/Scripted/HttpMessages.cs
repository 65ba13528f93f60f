using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>Fields of a head, in order, names as they came.</summary>
public sealed class HeaderList : List<(string Name, string Value)>
{
    /// <summary>The field's values joined with <c>, </c>; <see langword="null"/> where it is absent.</summary>
    public string? this[string name]
    {
        get
        {
            var values = All(name);
            return values.Count == 0 ? null : string.Join(", ", values);
        }
    }

    public IReadOnlyList<string> All(string name)
        => [.. this.Where(field => string.Equals(field.Name, name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value)];

    internal static HeaderList Parse(string[] lines)
    {
        var fields = new HeaderList();
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            fields.Add((line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return fields;
    }
}

/// <summary>An answer of the edge.</summary>
public sealed record ScriptedResponse(int Status, HeaderList Headers, byte[] Body)
{
    /// <summary>The head as it came; empty under HTTP/2.</summary>
    public string RawHead { get; init; } = "";

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>Member <c>code</c> of the problem document; the whole body where it is none.</summary>
    public string? Code => Problem?.GetProperty("code").GetString();

    public JsonElement? Problem
        => Headers["content-type"]?.StartsWith("application/problem+json", StringComparison.Ordinal) == true
            ? JsonDocument.Parse(Body).RootElement
            : null;

    public override string ToString()
        => $"{Status} {string.Join("; ", Headers.Select(field => $"{field.Name}: {field.Value}"))} body {Text}";
}

/// <summary>The head that an origin received.</summary>
public sealed record OriginRequest(string Raw)
{
    private readonly string[] _lines = Raw[..^4].Split("\r\n");

    public string RequestLine => _lines[0];

    public HeaderList Headers { get; } = HeaderList.Parse(Raw[..^4].Split("\r\n")[1..]);
}

/// <summary>A WebSocket opening handshake, by default a right one; each member can be bent.</summary>
public sealed record Handshake(string Host)
{
    public const string SampleKey = "dGhlIHNhbXBsZSBub25jZQ==";

    public string Method { get; init; } = "GET";
    public string Target { get; init; } = "/chat?room=1";
    public string HttpVersion { get; init; } = "HTTP/1.1";
    public string? Upgrade { get; init; } = "websocket";
    public string? Connection { get; init; } = "Upgrade";
    public string? Key { get; init; } = SampleKey;
    public string? Version { get; init; } = "13";

    /// <summary><c>:protocol</c> under HTTP/2.</summary>
    public string Protocol { get; init; } = "websocket";

    /// <summary>Further fields, in order.</summary>
    public IReadOnlyList<(string Name, string Value)> Fields { get; init; } = [];

    public Handshake With(string name, string value) => this with { Fields = [.. Fields, (name, value)] };

    public string ToHttp1()
    {
        var head = new StringBuilder($"{Method} {Target} {HttpVersion}\r\nHost: {Host}\r\n");
        Add(head, "Upgrade", Upgrade);
        Add(head, "Connection", Connection);
        Add(head, "Sec-WebSocket-Key", Key);
        Add(head, "Sec-WebSocket-Version", Version);
        foreach (var (name, value) in Fields)
        {
            Add(head, name, value);
        }

        return head.Append("\r\n").ToString();
    }

    public IReadOnlyList<(string Name, string Value)> ToHttp2()
    {
        List<(string, string)> fields =
        [
            (":method", "CONNECT"), (":protocol", Protocol), (":scheme", "https"), (":path", Target), (":authority", Host),
        ];
        if (Version is not null)
        {
            fields.Add(("sec-websocket-version", Version));
        }

        fields.AddRange(Fields.Select(field => (field.Name.ToLower(CultureInfo.InvariantCulture), field.Value)));
        return fields;
    }

    /// <summary>The value that proves that a server read the key (RFC 6455 section 4.2.2).</summary>
    public static string Accept(string key)
#pragma warning disable CA5350 // RFC 6455 demands SHA-1 here; nothing is secured by it.
        => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350

    private static void Add(StringBuilder head, string name, string? value)
    {
        if (value is not null)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }
    }
}

/// <summary>Reads HTTP/1.1 answers off a wire.</summary>
public static class Http1
{
    /// <summary>The next answer with its body; of a 101 the head alone.</summary>
    public static async Task<ScriptedResponse> ReadResponseAsync(this Wire wire, bool bodyless = false, TimeSpan? within = null)
    {
        ArgumentNullException.ThrowIfNull(wire);
        var raw = await wire.ReadHeadAsync("an HTTP answer", within);
        var lines = raw[..^4].Split("\r\n");
        var status = int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture);
        var headers = HeaderList.Parse(lines[1..]);
        var body = bodyless || status is < 200 or 204 or 304 ? [] : await ReadBodyAsync(wire, headers, within);
        return new ScriptedResponse(status, headers, body) { RawHead = raw };
    }

    /// <summary>Reads a body by its framing.</summary>
    public static async Task<byte[]> ReadBodyAsync(this Wire wire, HeaderList headers, TimeSpan? within = null)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(headers);
        if (headers["transfer-encoding"] is { } coding && coding.EndsWith("chunked", StringComparison.OrdinalIgnoreCase))
        {
            return await ReadChunksAsync(wire);
        }

        return headers["content-length"] is { } length
            ? await wire.ReadAsync(int.Parse(length, CultureInfo.InvariantCulture), within)
            : await wire.ReadToEndAsync(within);
    }

    private static async Task<byte[]> ReadChunksAsync(Wire wire)
    {
        var body = new List<byte>();
        while (true)
        {
            var line = await ReadLineAsync(wire);
            var size = int.Parse(line.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0)
            {
                while (await ReadLineAsync(wire) != "")
                {
                    // Trailers are of no interest here.
                }

                return [.. body];
            }

            body.AddRange(await wire.ReadAsync(size));
            await wire.ExpectAsync("\r\n");
        }
    }

    private static async Task<string> ReadLineAsync(Wire wire)
    {
        var line = new StringBuilder();
        while (!line.ToString().EndsWith("\r\n", StringComparison.Ordinal))
        {
            line.Append((char)(await wire.ReadAsync(1))[0]);
        }

        return line.ToString()[..^2];
    }
}
