namespace OrleansEdge.Hosting.Settings;

/// <summary>Where a process keeps what outlives it, section <c>Edge</c>.</summary>
public sealed class DataOptions
{
    /// <summary>Where everything lies that outlives the process. Default: <c>orleans-edge</c> under <c>$XDG_DATA_HOME</c> or <c>~/.local/share</c>.</summary>
    public string? DataDirectory { get; set; }

    /// <summary>Absolute path of the data directory.</summary>
    public string DataPath => string.IsNullOrWhiteSpace(DataDirectory) ? DefaultDataPath : Path.GetFullPath(DataDirectory);

    private static string DefaultDataPath => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "orleans-edge");
}
