using OrleansEdge.Model;

namespace OrleansEdge.Relay.Telemetry;

/// <summary>The words of the log and the metric tags for enumerations of the model.</summary>
internal static class Words
{
    public static string Of(EndedBy by) => by switch
    {
        EndedBy.Client => "client",
        EndedBy.Origin => "origin",
        EndedBy.Edge => "edge",
        EndedBy.Operator => "operator",
        _ => throw new ArgumentOutOfRangeException(nameof(by), by, null),
    };

    public static string Of(SessionPhase phase) => phase switch
    {
        SessionPhase.Handshake => "handshake",
        SessionPhase.Relaying => "relaying",
        SessionPhase.Draining => "draining",
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, null),
    };
}
