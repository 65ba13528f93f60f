using Microsoft.Extensions.Logging;

namespace OrleansEdge.Clustering;

/// <summary>Events 4100–4199.</summary>
internal static partial class ClusteringLog
{
    [LoggerMessage(4100, LogLevel.Warning, "Domain {Domain} cannot be fetched now: {Reason}")]
    public static partial void DomainNotFetched(this ILogger logger, string domain, string reason);

    [LoggerMessage(4101, LogLevel.Warning, "Shard {Shard} of the feed cannot be read now, the last good config stays in force: {Reason}")]
    public static partial void FeedAway(this ILogger logger, int shard, string reason);

    [LoggerMessage(4102, LogLevel.Information, "Shard {Shard} of the feed answers again")]
    public static partial void FeedBack(this ILogger logger, int shard);

    [LoggerMessage(4103, LogLevel.Warning, "The cluster does not know domain {Domain} any more, which was never deleted; its last good config stays in force and is offered back")]
    public static partial void DomainOrphaned(this ILogger logger, string domain);

    [LoggerMessage(4104, LogLevel.Information, "Every shard of the feed has answered: {Domains} domains")]
    public static partial void FeedComplete(this ILogger logger, int domains);

    [LoggerMessage(4105, LogLevel.Error, "Observer failed on a change of {Domain}")]
    public static partial void ObserverFailed(this ILogger logger, string domain, Exception failure);

    [LoggerMessage(4106, LogLevel.Warning, "Another process has the name {Name}; this gateway is called {Other} now")]
    public static partial void NameTaken(this ILogger logger, string name, string other);

    [LoggerMessage(4107, LogLevel.Debug, "The beat did not reach the cluster: {Reason}")]
    public static partial void BeatLost(this ILogger logger, string reason);

    [LoggerMessage(4108, LogLevel.Warning, "The last good config {Path} is damaged and taken as far as it can be read: {Reason}")]
    public static partial void LastGoodDamaged(this ILogger logger, string path, string reason);

    [LoggerMessage(4109, LogLevel.Warning, "The last good config {Path} cannot be written, so a restart without a silo would know less: {Reason}")]
    public static partial void LastGoodNotWritten(this ILogger logger, string path, string reason);

    [LoggerMessage(4110, LogLevel.Debug, "The share of the limits of {Domain} is not renewed: {Reason}")]
    public static partial void ShareNotRenewed(this ILogger logger, string domain, string reason);

    [LoggerMessage(4111, LogLevel.Warning, "The cluster cannot take domain {Domain} back now and is asked again; its last good config stays in force: {Reason}")]
    public static partial void OfferRefused(this ILogger logger, string domain, string reason);

    [LoggerMessage(4112, LogLevel.Debug, "The offer of domain {Domain} was not answered: {Reason}")]
    public static partial void OfferLost(this ILogger logger, string domain, string reason);

    [LoggerMessage(4113, LogLevel.Information, "The cluster knows domain {Domain} again, at version {Version}")]
    public static partial void DomainKnownAgain(this ILogger logger, string domain, long version);
}
