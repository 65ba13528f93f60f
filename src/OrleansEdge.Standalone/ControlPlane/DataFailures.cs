using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The failure of the data directory.</summary>
internal static class DataFailures
{
    public static ControlFailure Unavailable(string reason)
        => ControlFailures.Unavailable($"The data directory cannot be read or written now: {reason}");
}
