using Microsoft.Extensions.Logging;
using OrleansEdge.Relay.Metering;

namespace OrleansEdge.Relay.Sessions;

/// <summary>What every session uses.</summary>
internal sealed record SessionServices(TimeProvider Time, SessionClock Clock, UsageSpool Spool, ILogger Log);

internal static partial class SessionLog
{
    [LoggerMessage(1100, LogLevel.Error, "Session {Id} of {Domain} ended by a fault of the edge.")]
    public static partial void SessionFaulted(this ILogger log, string id, string domain, Exception fault);

    [LoggerMessage(1101, LogLevel.Error, "A request for {Host} failed by a fault of the edge.")]
    public static partial void RequestFaulted(this ILogger log, string host, Exception fault);
}
