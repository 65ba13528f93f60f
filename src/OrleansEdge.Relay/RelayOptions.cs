namespace OrleansEdge.Relay;

/// <summary>How the relay runs, section <c>Edge:Relay</c>.</summary>
public sealed class RelayOptions
{
    /// <summary>Worker threads that are there without hesitation. Default 0: as many as cores.</summary>
    public int Threads { get; set; }

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        if (Threads is < 0 or > short.MaxValue)
        {
            yield return $"Edge:Relay:Threads is {Threads}; it must be 0 (as many as cores) to {short.MaxValue}.";
        }
    }
}

/// <summary>How the edge knows its own requests, section <c>Edge</c>.</summary>
public sealed class LoopOptions
{
    /// <summary>What this edge adds to <c>CDN-Loop</c>; a token (RFC 9110 section 5.6.2). Default: the host's choice.</summary>
    public string? LoopToken { get; set; }

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        if (LoopToken is { Length: > 0 } && !IsToken(LoopToken))
        {
            yield return $"Edge:LoopToken is '{LoopToken}'; it must be letters, digits and - . _ only.";
        }
    }

    /// <summary>Whether a text may stand in <c>CDN-Loop</c>.</summary>
    public static bool IsToken(string text)
        => !string.IsNullOrEmpty(text) && text.All(static character => char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_');
}
