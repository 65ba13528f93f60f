using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>What was counted, by a peer or by the edge.</summary>
/// <param name="BytesUp">From clients to origins.</param>
/// <param name="BytesDown">From origins to clients.</param>
/// <param name="MessagesUp">Whole data messages; of HTTP, requests.</param>
/// <param name="MessagesDown">Whole data messages; of HTTP, answers.</param>
/// <param name="Sessions">Sessions that were opened.</param>
/// <param name="Milliseconds">Time during which they were open.</param>
public readonly record struct Tally(long BytesUp, long BytesDown, long MessagesUp, long MessagesDown, long Sessions, long Milliseconds)
{
    public static Tally operator +(Tally a, Tally b) => new(
        a.BytesUp + b.BytesUp,
        a.BytesDown + b.BytesDown,
        a.MessagesUp + b.MessagesUp,
        a.MessagesDown + b.MessagesDown,
        a.Sessions + b.Sessions,
        a.Milliseconds + b.Milliseconds);

    /// <summary>What the close line of one session says.</summary>
    public static Tally Of(LogLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return new(
            line.Number("bytesUp"),
            line.Number("bytesDown"),
            line.Number("messagesUp"),
            line.Number("messagesDown"),
            1,
            line.Number("durationMilliseconds"));
    }

    /// <summary>Whether no count is over that of another.</summary>
    public bool IsWithin(Tally other)
        => BytesUp <= other.BytesUp && BytesDown <= other.BytesDown && MessagesUp <= other.MessagesUp && MessagesDown <= other.MessagesDown
            && Sessions <= other.Sessions && Milliseconds <= other.Milliseconds;

    public override string ToString()
        => $"{BytesUp} B and {MessagesUp} messages up, {BytesDown} B and {MessagesDown} messages down, {Sessions} sessions of {Milliseconds} ms";
}
