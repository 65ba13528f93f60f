using Microsoft.Extensions.Logging;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>Events 6200–6279.</summary>
internal static partial class UsageGrainLog
{
    [LoggerMessage(6200, LogLevel.Error, "Usage of {Owner}, and maybe others, could not be stored; its sources send it again: {Reason}")]
    public static partial void UsageNotStored(this ILogger logger, string owner, string reason);

    [LoggerMessage(6201, LogLevel.Error, "Usage waits in the gateways' spools: {Damage}")]
    public static partial void UsageDamaged(this ILogger logger, string damage);

    [LoggerMessage(6202, LogLevel.Error, "Storing usage of {Owner} failed; its sources send it again")]
    public static partial void UsageFailed(this ILogger logger, Exception failure, string owner);

    [LoggerMessage(6203, LogLevel.Information, "Usage of {Hour}, {Owners} owners, was folded")]
    public static partial void UsageFolded(this ILogger logger, UsageHour hour, int owners);

    [LoggerMessage(6204, LogLevel.Error, "Usage was not folded, which is tried again")]
    public static partial void UsageNotFolded(this ILogger logger, Exception failure);
}
