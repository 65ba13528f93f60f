namespace OrleansEdge.Standalone.Settings;

/// <summary>Settings of the process itself, section <c>Edge</c>.</summary>
internal sealed class EdgeOptions
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Edge";

    /// <summary>Name of this edge in lists, logs and telemetry. Default: machine name, <c>-</c>, port of the endpoint <c>Edge</c>.</summary>
    public string? Name { get; set; }

    /// <summary>Where everything lies that outlives the process. Default: <c>orleans-edge</c> under <c>$XDG_DATA_HOME</c> or <c>~/.local/share</c>.</summary>
    public string? DataDirectory { get; set; }

    /// <summary>What this edge adds to <c>CDN-Loop</c>; a token (RFC 9110 section 5.6.2). Default: an id kept in the data directory.</summary>
    public string? LoopToken { get; set; }

    /// <summary>How the relay runs.</summary>
    public RelayOptions Relay { get; set; } = new();

    /// <summary>Absolute path of the data directory.</summary>
    public string DataPath => string.IsNullOrWhiteSpace(DataDirectory) ? DefaultDataPath : Path.GetFullPath(DataDirectory);

    private static string DefaultDataPath => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "orleans-edge");

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        if (Relay.Threads is < 0 or > short.MaxValue)
        {
            yield return $"Edge:Relay:Threads is {Relay.Threads}; it must be 0 (as many as cores) to {short.MaxValue}.";
        }

        if (LoopToken is { Length: > 0 } && !LoopToken.All(IsTokenCharacter))
        {
            yield return $"Edge:LoopToken is '{LoopToken}'; it must be letters, digits and - . _ only.";
        }
    }

    private static bool IsTokenCharacter(char character) => char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_';
}

/// <summary>Section <c>Edge:Relay</c>.</summary>
internal sealed class RelayOptions
{
    /// <summary>Worker threads that are there without hesitation. Default 0: as many as cores.</summary>
    public int Threads { get; set; }
}
