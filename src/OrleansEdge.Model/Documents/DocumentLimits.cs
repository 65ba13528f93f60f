namespace OrleansEdge.Model;

/// <summary>Bounds of documents that an operator of the edge can set. Immutable.</summary>
public sealed record DocumentLimits
{
    /// <summary>Most that <see cref="MaxTimeoutSeconds"/> can be: one day.</summary>
    public const int HighestTimeoutSeconds = 86_400;

    /// <summary>The widest bounds: every document that was ever accepted is inside them.</summary>
    public static readonly DocumentLimits Widest = new() { MaxTimeoutSeconds = HighestTimeoutSeconds };

    /// <summary>Highest <c>webSocket.timeoutSeconds</c> of a domain, 1 to <see cref="HighestTimeoutSeconds"/>. Default 300.</summary>
    public int MaxTimeoutSeconds { get; init; } = 300;
}
