using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>The ledger of one owner and hour; <see cref="UsageGrains"/> knows its key.</summary>
[Alias("OrleansEdge.IUsageGrain")]
public interface IUsageGrain : IGrainWithStringKey
{
    /// <summary>Stores reports for this shard. What is answered <see cref="UsageReplyKind.Stored"/> is in Redis. Repeating a report changes
    /// nothing, so a call that failed can be made again.</summary>
    /// <returns>A reply for each, in their order; where Redis is away, <see cref="UsageReplyKind.Unavailable"/>.</returns>
    /// <exception cref="ArgumentException">A report is malformed or for another shard: none is stored.</exception>
    [Alias("Report")]
    Task<UsageRepliesWire> ReportAsync(UsageReportsWire reports);

    /// <summary>Seals sources that were not heard for long, and folds those of a statement that has closed. Also done whenever a report
    /// comes; it changes no sum.</summary>
    /// <exception cref="TimeoutException">Redis is away: some other time.</exception>
    [Alias("Tend")]
    Task TendAsync();
}

/// <summary>Sees to it that hours whose corrections are over become small: tends their shards, hour by hour. The key is 0.</summary>
[Alias("OrleansEdge.IUsageUpkeepGrain")]
public interface IUsageUpkeepGrain : IGrainWithIntegerKey
{
    /// <summary>Wakes it; it goes on by itself while its silo lives.</summary>
    [Alias("Wake")]
    Task WakeAsync();
}

/// <summary>Where the ledger of a shard is.</summary>
public static class UsageGrains
{
    /// <summary>The grain of a shard.</summary>
    public static IUsageGrain GetUsageGrain(this IGrainFactory grains, UsageShard shard)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IUsageGrain>($"{shard.Hour.Number}/{shard.Owner}");
    }

    /// <summary>The shard of a grain's key.</summary>
    /// <exception cref="FormatException">No shard has this key.</exception>
    public static UsageShard ShardOf(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && slash < key.Length - 1 && int.TryParse(key.AsSpan(0, slash), System.Globalization.NumberStyles.None, null, out var hour)
            ? new(key[(slash + 1)..], new(hour))
            : throw new FormatException($"\"{key}\" is not the key of an owner's hour.");
    }
}
