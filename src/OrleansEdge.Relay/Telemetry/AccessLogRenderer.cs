using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Telemetry;

internal enum AccessLogEvent
{
    Open,
    Close,
    Refused,
}

internal sealed record RefusedHandshake(string Id, string? Domain, string? Tenant, string Client, string? Origin, int Status, string Code, EndedBy By);

/// <summary>What a line tells; <see cref="Session"/> and <see cref="End"/>, or <see cref="Refusal"/>.</summary>
internal readonly record struct AccessLogEntry
{
    public required AccessLogEvent Event { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required string Path { get; init; }

    public SessionInfo? Session { get; init; }

    public SessionEnd End { get; init; }

    public TimeSpan Duration { get; init; }

    public RefusedHandshake? Refusal { get; init; }
}

/// <summary>Writes entries as JSON lines into one reused buffer. Control characters come out escaped, so that no value can
/// forge a line or reach a terminal. Not thread safe.</summary>
internal sealed class AccessLogRenderer(IBufferWriter<byte> lines) : IDisposable
{
    /// <summary>Longest path in a line; the rest is cut, so that queued lines have a bound.</summary>
    public const int MaxPathLength = 2048;

    private readonly IBufferWriter<byte> _lines = lines;
    private readonly Utf8JsonWriter _json = new(lines, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public void Render(in AccessLogEntry entry)
    {
        _json.Reset(_lines);
        _json.WriteStartObject();
        if (entry.Session is { } session)
        {
            WriteSession(entry, session);
        }
        else
        {
            WriteRefusal(entry, entry.Refusal!);
        }

        _json.WriteEndObject();
        _json.Flush();
        _lines.Write("\n"u8);
    }

    public void Dispose() => _json.Dispose();

    private void WriteSession(in AccessLogEntry entry, SessionInfo session)
    {
        WriteStart(entry.Event == AccessLogEvent.Open ? "open"u8 : "close"u8, session.Id, entry.Time);
        WriteEnds(session.Domain, session.Tenant, session.Client, session.Origin, entry.Path);
        _json.WriteString("protocol"u8, session.Protocol);
        _json.WriteString("subprotocol"u8, session.Subprotocol);
        if (entry.Event == AccessLogEvent.Close)
        {
            WriteEnd(entry, session);
        }
    }

    private void WriteEnd(in AccessLogEntry entry, SessionInfo session)
    {
        WriteAuthor(entry.End.Rule.By, entry.End.Phase, entry.End.Rule.Word);
        _json.WriteNumber("clientCode"u8, entry.End.ClientCode);
        _json.WriteNumber("originCode"u8, entry.End.OriginCode);
        _json.WriteNumber("bytesUp"u8, session.BytesUp);
        _json.WriteNumber("bytesDown"u8, session.BytesDown);
        _json.WriteNumber("messagesUp"u8, session.MessagesUp);
        _json.WriteNumber("messagesDown"u8, session.MessagesDown);
        _json.WriteNumber("durationMilliseconds"u8, (long)entry.Duration.TotalMilliseconds);
    }

    private void WriteRefusal(in AccessLogEntry entry, RefusedHandshake refusal)
    {
        WriteStart("refused"u8, refusal.Id, entry.Time);
        WriteEnds(refusal.Domain, refusal.Tenant, refusal.Client, refusal.Origin, entry.Path);
        _json.WriteNumber("status"u8, refusal.Status);
        WriteAuthor(refusal.By, SessionPhase.Handshake, refusal.Code);
    }

    private void WriteStart(ReadOnlySpan<byte> name, string id, DateTimeOffset time)
    {
        _json.WriteString("event"u8, name);
        _json.WriteString("id"u8, id);
        Span<byte> text = stackalloc byte[32];
        time.UtcDateTime.TryFormat(text, out var written, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        _json.WriteString("time"u8, text[..written]);
    }

    private void WriteEnds(string? domain, string? tenant, string client, string? origin, string path)
    {
        _json.WriteString("domain"u8, domain);
        _json.WriteString("tenant"u8, tenant);
        _json.WriteString("client"u8, client);
        _json.WriteString("origin"u8, origin);
        _json.WriteString("path"u8, WithoutQuery(path));
    }

    private void WriteAuthor(EndedBy by, SessionPhase phase, string cause)
    {
        _json.WriteString("by"u8, Words.Of(by));
        _json.WriteString("phase"u8, Words.Of(phase));
        _json.WriteString("cause"u8, cause);
    }

    private static ReadOnlySpan<char> WithoutQuery(string path)
    {
        var query = path.IndexOf('?', StringComparison.Ordinal);
        var end = Math.Min(query < 0 ? path.Length : query, MaxPathLength);
        return path.AsSpan(0, end);
    }
}
