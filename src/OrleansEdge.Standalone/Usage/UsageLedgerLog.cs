namespace OrleansEdge.Standalone.Usage;

/// <summary>Events 3200–3299.</summary>
internal static partial class UsageLedgerLog
{
    [LoggerMessage(3200, LogLevel.Information, "Usage ledger opened on {Folder}: {Hours} hours, {Batches} batches of reports from the journal")]
    public static partial void LedgerOpened(this ILogger logger, string folder, int hours, int batches);

    [LoggerMessage(3201, LogLevel.Critical, "Usage ledger not opened: {Reason}")]
    public static partial void LedgerDamaged(this ILogger logger, string reason);

    [LoggerMessage(3202, LogLevel.Warning, "The last write to {Path} was interrupted; its {Bytes} bytes, which nobody was told to be stored, were cut off")]
    public static partial void JournalCut(this ILogger logger, string path, long bytes);

    [LoggerMessage(3203, LogLevel.Error, "{Count} usage reports could not be stored, their senders keep them: {Reason}")]
    public static partial void ReportsNotStored(this ILogger logger, int count, string reason);

    [LoggerMessage(3204, LogLevel.Error, "The end of {Path} could not be cut off after a failed write, which is tried again: {Reason}")]
    public static partial void JournalNotCut(this ILogger logger, string path, string reason);

    [LoggerMessage(3205, LogLevel.Warning, "The old journal {Path} could not be deleted: {Reason}")]
    public static partial void JournalNotDeleted(this ILogger logger, string path, string reason);

    [LoggerMessage(3206, LogLevel.Error, "The journal could not be moved into the files of the hours, which is tried again; it has {Bytes} bytes: {Reason}")]
    public static partial void CheckpointFailed(this ILogger logger, long bytes, string reason);

    [LoggerMessage(3207, LogLevel.Error, "A usage file cannot be read, so reports for its hour are not taken: {Reason}")]
    public static partial void HourNotReadable(this ILogger logger, string reason);

    [LoggerMessage(3208, LogLevel.Information, "Usage of {Hour}: sources that were not heard for long were sealed, or closed ones folded")]
    public static partial void HourMaintained(this ILogger logger, string hour);

    [LoggerMessage(3209, LogLevel.Error, "Sealing and folding sources of {Hour} failed, which is tried again: {Reason}")]
    public static partial void HourNotMaintained(this ILogger logger, string hour, string reason);

    [LoggerMessage(3210, LogLevel.Error, "An observer of the usage ledger failed")]
    public static partial void ObserverFailed(this ILogger logger, Exception failure);

    [LoggerMessage(3211, LogLevel.Critical, "The usage ledger failed")]
    public static partial void LedgerFailed(this ILogger logger, Exception failure);
}
