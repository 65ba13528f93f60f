using OrleansEdge.Relay.Admission;

namespace OrleansEdge.Relay.Origins;

/// <summary>What came of a handshake with an origin: a refusal of the edge, an answer of the origin, or (both <see langword="null"/>) an
/// upgrade. Immutable.</summary>
public sealed class OriginHandshakeResult
{
    private OriginHandshakeResult()
    {
    }

    /// <summary>The edge's own answer to the client.</summary>
    public Refusal? Refusal { get; private init; }

    /// <summary>Why the edge refuses, in words that name no address; empty where it does not.</summary>
    public string Detail { get; private init; } = string.Empty;

    /// <summary>The origin's 3xx, 4xx or 5xx, to be passed on and disposed by the caller.</summary>
    public OriginAnswer? Answer { get; private init; }

    /// <summary>End-to-end fields of the 101 for the client, in their order; without <c>Sec-WebSocket-Accept</c> and a body's length.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ResponseHeaders { get; private init; } = [];

    /// <summary>The subprotocol that the origin selected; <see langword="null"/>: none.</summary>
    public string? Subprotocol { get; private init; }

    /// <summary>The extensions that the origin selected, as it wrote them (several lines joined by commas); <see langword="null"/>: none.</summary>
    public string? Extensions { get; private init; }

    /// <summary>What the origin sent behind its 101 in the same read: the first bytes of the session.</summary>
    public ReadOnlyMemory<byte> Leftover { get; private init; }

    internal static OriginHandshakeResult Refused(Refusal refusal, string detail) => new() { Refusal = refusal, Detail = detail };

    internal static OriginHandshakeResult Answered(OriginAnswer answer) => new() { Answer = answer };

    internal static OriginHandshakeResult Upgraded(OriginResponseHead head, byte[] leftover)
    {
        var named = EndToEndFields.NamedBy(head.Values("Connection").ToArray());
        var extensions = head.Values("Sec-WebSocket-Extensions").ToArray();
        return new OriginHandshakeResult
        {
            ResponseHeaders = [.. head.Fields.Where(field => EndToEndFields.PassesDown(field.Key, named) && !IsOfTheUpgrade(field.Key))],
            Subprotocol = head.Values("Sec-WebSocket-Protocol").FirstOrDefault(),
            Extensions = extensions.Length == 0 ? null : string.Join(", ", extensions),
            Leftover = leftover,
        };
    }

    private static bool IsOfTheUpgrade(string name)
        => name.Equals("Sec-WebSocket-Accept", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase);
}
