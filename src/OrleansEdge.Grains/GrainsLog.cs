using Microsoft.Extensions.Logging;

namespace OrleansEdge.Grains;

/// <summary>Events 4000–4099.</summary>
internal static partial class GrainsLog
{
    [LoggerMessage(4000, LogLevel.Warning, "Shard {Shard} of the feed went back: a gateway knows number {Known}, the store {Stored}. A new epoch begins")]
    public static partial void FeedWentBack(this ILogger logger, long shard, long known, long stored);

    [LoggerMessage(4001, LogLevel.Warning, "Shard {Shard} of the feed cannot be read now: {Reason}")]
    public static partial void FeedNotRead(this ILogger logger, long shard, string reason);

    [LoggerMessage(4002, LogLevel.Warning, "{Kind} {Name}: what follows on version {Version} is not finished yet, and is tried again: {Reason}")]
    public static partial void ChangeNotFinished(this ILogger logger, string kind, string name, long version, string reason);

    [LoggerMessage(4003, LogLevel.Warning, "{Kind} {Name} was changed by another activation: read again and decided again")]
    public static partial void ChangedElsewhere(this ILogger logger, string kind, string name);

    [LoggerMessage(4004, LogLevel.Information, "{Kind} {Name}: {Action} by {By}, version {Version}")]
    public static partial void DocumentChanged(this ILogger logger, string kind, string name, string action, string by, long version);

    [LoggerMessage(4005, LogLevel.Warning, "Gateway {Gateway} was asked and did not answer: {Reason}")]
    public static partial void GatewaySilent(this ILogger logger, string gateway, string reason);

    [LoggerMessage(4006, LogLevel.Warning, "Redis at {Servers} does not answer; the silo takes calls when it does. {Reason}")]
    public static partial void RedisAway(this ILogger logger, string servers, string reason);
}
