using System.Runtime.InteropServices;

namespace OrleansEdge.Model;

/// <summary>What is counted under one key. All counts only ever grow. A byte is one of WebSocket framing and payload on the client leg,
/// after TLS and after the handshake; of HTTP, one of a body. The origin leg stands beside it for reconciliation and is not billed.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct UsageCounts
{
    /// <summary>How many counts there are, each 64 bits, in the order of their declaration.</summary>
    public const int Words = 10;

    /// <summary>Bytes that came from clients and passed.</summary>
    public long BytesUp { get; init; }

    /// <summary>Bytes that clients' sockets took.</summary>
    public long BytesDown { get; init; }

    /// <summary>Data messages from clients that passed whole; of HTTP, requests.</summary>
    public long MessagesUp { get; init; }

    /// <summary>Data messages to clients that passed whole; of HTTP, answers.</summary>
    public long MessagesDown { get; init; }

    /// <summary>Sessions that were opened.</summary>
    public long Sessions { get; init; }

    /// <summary>Time during which sessions were open, summed over them, in milliseconds.</summary>
    public long SessionMilliseconds { get; init; }

    /// <summary>Bytes of clients that origins' sockets took. Not billed.</summary>
    public long OriginBytesUp { get; init; }

    /// <summary>Bytes that came from origins and passed. Not billed.</summary>
    public long OriginBytesDown { get; init; }

    /// <summary>Bytes from clients that answer frames of the edge. Not billed.</summary>
    public long EdgeBytesUp { get; init; }

    /// <summary>Bytes of the edge's own frames to clients. Not billed.</summary>
    public long EdgeBytesDown { get; init; }

    /// <summary>Bytes that are paid for.</summary>
    public long BillableBytes => BytesUp + BytesDown;

    /// <summary>The higher of each count: how cumulative reports are merged.</summary>
    public static UsageCounts Max(in UsageCounts a, in UsageCounts b) => new()
    {
        BytesUp = Math.Max(a.BytesUp, b.BytesUp),
        BytesDown = Math.Max(a.BytesDown, b.BytesDown),
        MessagesUp = Math.Max(a.MessagesUp, b.MessagesUp),
        MessagesDown = Math.Max(a.MessagesDown, b.MessagesDown),
        Sessions = Math.Max(a.Sessions, b.Sessions),
        SessionMilliseconds = Math.Max(a.SessionMilliseconds, b.SessionMilliseconds),
        OriginBytesUp = Math.Max(a.OriginBytesUp, b.OriginBytesUp),
        OriginBytesDown = Math.Max(a.OriginBytesDown, b.OriginBytesDown),
        EdgeBytesUp = Math.Max(a.EdgeBytesUp, b.EdgeBytesUp),
        EdgeBytesDown = Math.Max(a.EdgeBytesDown, b.EdgeBytesDown),
    };

    /// <summary>Count by count.</summary>
    public static UsageCounts operator +(UsageCounts a, UsageCounts b) => new()
    {
        BytesUp = a.BytesUp + b.BytesUp,
        BytesDown = a.BytesDown + b.BytesDown,
        MessagesUp = a.MessagesUp + b.MessagesUp,
        MessagesDown = a.MessagesDown + b.MessagesDown,
        Sessions = a.Sessions + b.Sessions,
        SessionMilliseconds = a.SessionMilliseconds + b.SessionMilliseconds,
        OriginBytesUp = a.OriginBytesUp + b.OriginBytesUp,
        OriginBytesDown = a.OriginBytesDown + b.OriginBytesDown,
        EdgeBytesUp = a.EdgeBytesUp + b.EdgeBytesUp,
        EdgeBytesDown = a.EdgeBytesDown + b.EdgeBytesDown,
    };

    /// <summary>Count by count.</summary>
    public static UsageCounts operator -(UsageCounts a, UsageCounts b) => new()
    {
        BytesUp = a.BytesUp - b.BytesUp,
        BytesDown = a.BytesDown - b.BytesDown,
        MessagesUp = a.MessagesUp - b.MessagesUp,
        MessagesDown = a.MessagesDown - b.MessagesDown,
        Sessions = a.Sessions - b.Sessions,
        SessionMilliseconds = a.SessionMilliseconds - b.SessionMilliseconds,
        OriginBytesUp = a.OriginBytesUp - b.OriginBytesUp,
        OriginBytesDown = a.OriginBytesDown - b.OriginBytesDown,
        EdgeBytesUp = a.EdgeBytesUp - b.EdgeBytesUp,
        EdgeBytesDown = a.EdgeBytesDown - b.EdgeBytesDown,
    };
}
