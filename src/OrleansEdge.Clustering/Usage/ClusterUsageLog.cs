using Microsoft.Extensions.Logging;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Usage;

/// <summary>Events 6280–6299.</summary>
internal static partial class ClusterUsageLog
{
    [LoggerMessage(6280, LogLevel.Warning, "Usage of {Owner} in {Hour}, and maybe of others, was not taken; it is reported again")]
    public static partial void ShardNotReached(this ILogger logger, string owner, UsageHour hour);

    [LoggerMessage(6281, LogLevel.Debug, "Reporting usage of {Owner} in {Hour} failed")]
    public static partial void ShardFailed(this ILogger logger, Exception failure, string owner, UsageHour hour);
}
