namespace OrleansEdge.Standalone.Demo;

/// <summary>Settings of the demo, section <c>Edge:Demo</c>.</summary>
internal sealed class DemoOptions
{
    /// <summary>Whether the first start with an empty data directory sets the demo up, and later starts run it. Default on.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Loopback port that the demo prefers when it is set up, 1–65535; where it is taken a free one is chosen. Default 8090.</summary>
    public ushort Port { get; set; } = 8090;
}
