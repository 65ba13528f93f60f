using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Metering;

/// <summary>Events 1400–1499.</summary>
internal static partial class MeteringLog
{
    [LoggerMessage(1400, LogLevel.Error, "The spool file {File} has no room, so usage is counted in memory alone and would be lost if the process were killed: {Reason}")]
    public static partial void SpoolFailed(this ILogger logger, string file, string reason);

    [LoggerMessage(1401, LogLevel.Information, "The spool file {File} has room again; all usage is counted in it.")]
    public static partial void SpoolRecovered(this ILogger logger, string file);

    [LoggerMessage(1402, LogLevel.Information, "Usage of a process that has ended was found and is reported: {File}, counted by {Gateway}.")]
    public static partial void DeadSourceFound(this ILogger logger, string file, string gateway);

    [LoggerMessage(1403, LogLevel.Error, "The spool file {File} cannot be read and is left alone: {Reason}")]
    public static partial void SpoolFileDamaged(this ILogger logger, string file, string reason);

    [LoggerMessage(1404, LogLevel.Warning, "The ledger takes no usage now; it is kept and tried again.")]
    public static partial void LedgerAway(this ILogger logger, Exception? failure);

    [LoggerMessage(1405, LogLevel.Information, "The ledger takes usage again.")]
    public static partial void LedgerBack(this ILogger logger);

    [LoggerMessage(1406, LogLevel.Warning, "The ledger has lost usage of {Owner} that it had acknowledged; it is sent again.")]
    public static partial void UsageSentAgain(this ILogger logger, string owner);

    [LoggerMessage(1407, LogLevel.Error, "Reporting usage failed by a fault of the edge; it is tried again.")]
    public static partial void ReportingFaulted(this ILogger logger, Exception fault);

    [LoggerMessage(1408, LogLevel.Error, "The spool file {File} may not be opened, so its usage is not reported until it may: {Reason}")]
    public static partial void SpoolFileBarred(this ILogger logger, string file, string reason);
}
