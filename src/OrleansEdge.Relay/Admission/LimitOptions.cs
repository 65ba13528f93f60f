namespace OrleansEdge.Relay.Admission;

/// <summary>Limits of the process, section <c>Edge:Limits</c>.</summary>
public sealed class LimitOptions
{
    /// <summary>Most sessions at once. Default 0: what the limit of open descriptors allows.</summary>
    public int MaxSessions { get; set; }

    /// <summary>Upper bound of a domain's <c>timeoutSeconds</c>: 1–86400. Default 300.</summary>
    public int MaxTimeoutSeconds { get; set; } = 300;

    /// <summary>All faults, as sentences that name the setting.</summary>
    public IEnumerable<string> Validate()
    {
        if (MaxSessions < 0)
        {
            yield return $"Edge:Limits:MaxSessions is {MaxSessions}; it must be 0 (what descriptors allow) or more.";
        }

        if (MaxTimeoutSeconds is < 1 or > 86400)
        {
            yield return $"Edge:Limits:MaxTimeoutSeconds is {MaxTimeoutSeconds}; it must be 1 to 86400.";
        }
    }
}
