using Orleans.Concurrency;

namespace OrleansEdge.Contracts;

/// <summary>A shard of the feed: the newest revision of every name in it. The key is the shard's number, see <see cref="ConfigFeed"/>.</summary>
[Alias("OrleansEdge.IConfigFeedGrain")]
public interface IConfigFeedGrain : IGrainWithIntegerKey
{
    /// <summary>Notes, durably, that a name is about to be at a revision. Where <see cref="ConfirmAsync"/> never follows, the shard asks
    /// the name's grain what became of it.</summary>
    [Alias("Announce")]
    Task AnnounceAsync(string name, long revision);

    /// <summary>Notes, durably, what a name is at, and tells the gateways. An older revision than is known changes nothing.</summary>
    [Alias("Confirm")]
    Task ConfirmAsync(FeedChangeWire change);

    /// <summary>What changed since a cursor; and <paramref name="observer"/> gets changes as they come, for a minute from now.</summary>
    [Alias("Sync")]
    Task<FeedDeltaWire> SyncAsync(FeedCursorWire cursor, IConfigFeedObserver? observer);

    /// <summary>Names that exist, ordinal, after a name.</summary>
    /// <param name="prefix"><see cref="ConfigFeed.Domain"/> or <see cref="ConfigFeed.Tenant"/>.</param>
    /// <param name="after">A name with its prefix; <see langword="null"/>: from the beginning.</param>
    /// <param name="limit">Most names.</param>
    [Alias("ListNames")]
    Task<string[]> ListNamesAsync(string prefix, string? after, int limit);
}

/// <summary>Takes hints of a shard. One that is lost is made good by the next sync.</summary>
[Alias("OrleansEdge.IConfigFeedObserver")]
public interface IConfigFeedObserver : IGrainObserver
{
    /// <summary>Changes that follow on <see cref="FeedDeltaWire.After"/>.</summary>
    [Alias("Changed")]
    [OneWay]
    Task ChangedAsync(FeedDeltaWire delta);
}

/// <summary>How names are spread over shards.</summary>
public static class ConfigFeed
{
    /// <summary>Number of shards. Never changes: names would be looked for elsewhere.</summary>
    public const int Shards = 8;

    /// <summary>Prefix of names of domains.</summary>
    public const string Domain = "d/";

    /// <summary>Prefix of names of tenants.</summary>
    public const string Tenant = "t/";

    /// <summary>Shard of a name with its prefix.</summary>
    public static int ShardOf(string name) => (int)(Model.Crc32C.Of(System.Text.Encoding.UTF8.GetBytes(name)) % Shards);
}

/// <summary>What a name is at.</summary>
/// <param name="Name">With its prefix.</param>
/// <param name="Revision">Of a domain: the version of its document. Of a tenant: rises with its document and its flags.</param>
/// <param name="Deleted">Whether it is gone. Such entries are kept: nothing goes away by absence.</param>
/// <param name="Flags">Of a tenant.</param>
/// <param name="At">When the change was made, UTC.</param>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.FeedChangeWire")]
public sealed record FeedChangeWire(
    [property: Id(0)] string Name,
    [property: Id(1)] long Revision,
    [property: Id(2)] bool Deleted,
    [property: Id(3)] TenantFlags Flags,
    [property: Id(4)] DateTimeOffset At);

/// <summary>What gateways know of a tenant.</summary>
[Flags]
public enum TenantFlags
{
    /// <summary>Nothing out of the way.</summary>
    None = 0,

    /// <summary>It is blocked.</summary>
    Blocked = 1,

    /// <summary>Its prepaid WebSocket traffic is used up.</summary>
    WebsocketExhausted = 2,

    /// <summary>Its prepaid HTTP traffic is used up.</summary>
    HttpExhausted = 4,
}

/// <summary>Up to where somebody knows a shard.</summary>
/// <param name="Epoch">Which course of the shard.</param>
/// <param name="Sequence">Number of the last change; 0: none is known.</param>
/// <param name="Mark">Random mark of that change, by which a shard that went back is found out.</param>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.FeedCursorWire")]
public sealed record FeedCursorWire([property: Id(0)] Guid Epoch, [property: Id(1)] long Sequence, [property: Id(2)] long Mark)
{
    /// <summary>Knows nothing.</summary>
    public static readonly FeedCursorWire None = new(Guid.Empty, 0, 0);
}

/// <summary>Changes of a shard.</summary>
/// <param name="After">What they follow on. Where it is not what was asked for, this is the beginning of the whole set, of a new epoch.</param>
/// <param name="Changes">In the order of their numbers, each name once.</param>
/// <param name="Next">Up to where one knows the shard with them.</param>
/// <param name="HasMore">Whether there are more after these.</param>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.FeedDeltaWire")]
public sealed record FeedDeltaWire(
    [property: Id(0)] FeedCursorWire After, [property: Id(1)] FeedChangeWire[] Changes, [property: Id(2)] FeedCursorWire Next, [property: Id(3)] bool HasMore);
