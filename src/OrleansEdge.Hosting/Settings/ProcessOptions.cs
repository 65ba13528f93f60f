namespace OrleansEdge.Hosting.Settings;

/// <summary>Settings of every process, section <c>Edge</c>.</summary>
public sealed class ProcessOptions
{
    /// <summary>Name of the section.</summary>
    public const string Section = "Edge";

    /// <summary>Name of this process in lists, logs and telemetry. Default: machine name, <c>-</c>, port of its first endpoint.</summary>
    public string? Name { get; set; }
}
