namespace OrleansEdge.Relay.Draining;

/// <summary>How the edge goes out of service, section <c>Edge:Drain</c>.</summary>
public sealed class DrainOptions
{
    /// <summary>How long it goes on accepting after readiness turned false, so that load balancers notice. Default 5 s.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Over how long the Closes of the open sessions are spread. Default 20 s.</summary>
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long after the window a session may take to end before it is cut. Default 10 s.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        (string Name, TimeSpan Value)[] spans = [(nameof(Delay), Delay), (nameof(Window), Window), (nameof(Grace), Grace)];
        return from span in spans
               where span.Value < TimeSpan.Zero || span.Value > TimeSpan.FromHours(1)
               select $"Edge:Drain:{span.Name} is {span.Value}; it must be 0 to 1 hour.";
    }
}
