namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Events 3000–3099.</summary>
internal static partial class ControlPlaneLog
{
    [LoggerMessage(3000, LogLevel.Information, "Control plane opened on {Folder}: {Domains} domains, {Tenants} tenants, {Broken} broken documents")]
    public static partial void ControlPlaneOpened(this ILogger logger, string folder, int domains, int tenants, int broken);

    [LoggerMessage(3001, LogLevel.Information, "{Kind} {Name}: {Action} by {By}, version {Version}")]
    public static partial void DocumentChanged(this ILogger logger, string kind, string name, string action, string by, long version);

    [LoggerMessage(3002, LogLevel.Warning, "{Kind} {Name} is broken on disk, {InForce} stays in force: {Faults}")]
    public static partial void DocumentBroken(this ILogger logger, string kind, string name, string inForce, string faults);

    [LoggerMessage(3003, LogLevel.Information, "{Kind} {Name} is no longer broken")]
    public static partial void DocumentMended(this ILogger logger, string kind, string name);

    [LoggerMessage(3004, LogLevel.Error, "{Kind} {Name}: version {Version} is in force but its file could not be written, which is tried again: {Reason}")]
    public static partial void DocumentNotApplied(this ILogger logger, string kind, string name, long version, string reason);

    [LoggerMessage(3005, LogLevel.Error, "{Kind} {Name}: the change of its file could not be recorded, so it is not in force and is tried again: {Reason}")]
    public static partial void DocumentNotAdopted(this ILogger logger, string kind, string name, string reason);

    [LoggerMessage(3006, LogLevel.Warning, "The folder {Folder} is gone; its documents stay in force")]
    public static partial void FolderGone(this ILogger logger, string folder);

    [LoggerMessage(3007, LogLevel.Warning, "The folder {Folder} was missing at the start; {Count} documents were written again from their history")]
    public static partial void FolderRestored(this ILogger logger, string folder, int count);

    [LoggerMessage(3008, LogLevel.Warning, "The version {Path} is damaged: {Reason}")]
    public static partial void VersionDamaged(this ILogger logger, string path, string reason);

    [LoggerMessage(3009, LogLevel.Warning, "The old version {Path} could not be deleted: {Reason}")]
    public static partial void VersionNotPruned(this ILogger logger, string path, string reason);

    [LoggerMessage(3010, LogLevel.Error, "{Count} lines of the audit could not be written and wait in memory: {Reason}")]
    public static partial void AuditNotWritten(this ILogger logger, int count, string reason);

    [LoggerMessage(3011, LogLevel.Information, "{Count} lines of the audit that a crash prevented were added")]
    public static partial void AuditCompleted(this ILogger logger, int count);

    [LoggerMessage(3012, LogLevel.Error, "{Kind} {Name}: the change was refused by the disk: {Reason}")]
    public static partial void ChangeRefusedByDisk(this ILogger logger, string kind, string name, string reason);

    [LoggerMessage(3013, LogLevel.Error, "An observer of domain {Domain} failed")]
    public static partial void ObserverFailed(this ILogger logger, string domain, Exception failure);

    [LoggerMessage(3014, LogLevel.Information, "Files are not watched, only looked through every {Seconds} s: {Reason}")]
    public static partial void FilesNotWatched(this ILogger logger, double seconds, string reason);

    [LoggerMessage(3015, LogLevel.Error, "Looking through the documents failed, which is tried again")]
    public static partial void ScanFailed(this ILogger logger, Exception failure);
}
