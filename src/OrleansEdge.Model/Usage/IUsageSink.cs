using System.Security.Cryptography;

namespace OrleansEdge.Model;

/// <summary>Takes usage from those who count it. One of the three ports between data plane and control plane. Thread safe.</summary>
public interface IUsageSink
{
    /// <summary>Stores reports. What is answered <see cref="UsageReplyKind.Stored"/> is durable. Repeating a report, in any order with
    /// others, changes nothing.</summary>
    /// <returns>One reply for each report, in their order. A ledger that is away is an answer
    /// (<see cref="UsageReplyKind.Unavailable"/>), not an exception.</returns>
    Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken);
}

/// <summary>One counting life: the random id of a spool file.</summary>
public readonly record struct UsageSourceId(UInt128 Value) : IComparable<UsageSourceId>
{
    /// <summary>Bytes of an id.</summary>
    public const int Bytes = 16;

    /// <summary>A new random id.</summary>
    public static UsageSourceId New()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        RandomNumberGenerator.Fill(bytes);
        return Read(bytes);
    }

    /// <summary>Reads the 16 bytes that <see cref="Write"/> wrote.</summary>
    public static UsageSourceId Read(ReadOnlySpan<byte> bytes) => new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes 16 bytes.</summary>
    public void Write(Span<byte> bytes) => System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <summary>The source under which a sealed source's remainder is reported. Always the same one, so that whoever finds the same
    /// counters, and however often, reports the same.</summary>
    public UsageSourceId Successor()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return Read(hash);
    }

    /// <inheritdoc/>
    public int CompareTo(UsageSourceId other) => Value.CompareTo(other.Value);

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x32", null);

    /// <summary>By value.</summary>
    public static bool operator <(UsageSourceId a, UsageSourceId b) => a.Value < b.Value;

    /// <summary>By value.</summary>
    public static bool operator >(UsageSourceId a, UsageSourceId b) => a.Value > b.Value;

    /// <summary>By value.</summary>
    public static bool operator <=(UsageSourceId a, UsageSourceId b) => a.Value <= b.Value;

    /// <summary>By value.</summary>
    public static bool operator >=(UsageSourceId a, UsageSourceId b) => a.Value >= b.Value;
}

/// <summary>The part of the ledger that one report is for: an owner and an hour. Parts are independent of each other.</summary>
/// <param name="Owner">Id of a tenant, or what <see cref="OwnerOfGateway"/> makes of a gateway's name.</param>
/// <param name="Hour">The hour of all buckets in it.</param>
public readonly record struct UsageShard(string Owner, UsageHour Hour)
{
    // No tenant's id holds a slash.
    private const string GatewayPrefix = "gateway/";

    /// <summary>Name of the gateway whose own sums these are; <see langword="null"/>: a tenant's usage.</summary>
    public string? Gateway => Owner.StartsWith(GatewayPrefix, StringComparison.Ordinal) ? Owner[GatewayPrefix.Length..] : null;

    /// <summary>Owner of a gateway's own sums, by kind and bucket under the domain "", which reconciliation compares with those of
    /// the tenants.</summary>
    public static string OwnerOfGateway(string name) => GatewayPrefix + name;
}

/// <summary>What one counter belongs to, within an owner.</summary>
/// <param name="Domain">Name of the domain's document.</param>
/// <param name="Kind">Kind of traffic.</param>
/// <param name="Bucket">When.</param>
public readonly record struct UsageKey(string Domain, UsageKind Kind, UsageBucket Bucket) : IComparable<UsageKey>
{
    /// <summary>By time, then domain (ordinal), then kind.</summary>
    public int CompareTo(UsageKey other)
    {
        var order = Bucket.CompareTo(other.Bucket);
        order = order != 0 ? order : string.CompareOrdinal(Domain, other.Domain);
        return order != 0 ? order : Kind.CompareTo(other.Kind);
    }

    /// <summary>In the order of <see cref="CompareTo"/>.</summary>
    public static bool operator <(UsageKey a, UsageKey b) => a.CompareTo(b) < 0;

    /// <summary>In the order of <see cref="CompareTo"/>.</summary>
    public static bool operator >(UsageKey a, UsageKey b) => a.CompareTo(b) > 0;

    /// <summary>In the order of <see cref="CompareTo"/>.</summary>
    public static bool operator <=(UsageKey a, UsageKey b) => a.CompareTo(b) <= 0;

    /// <summary>In the order of <see cref="CompareTo"/>.</summary>
    public static bool operator >=(UsageKey a, UsageKey b) => a.CompareTo(b) >= 0;
}

/// <summary>Counts under a key.</summary>
public readonly record struct UsageEntry(UsageKey Key, UsageCounts Counts);

/// <summary>What a source has counted so far, for one part of the ledger.</summary>
public sealed record UsageReport
{
    /// <summary>Who counted.</summary>
    public required UsageSourceId Source { get; init; }

    /// <summary>Where the source is the <see cref="UsageSourceId.Successor"/> of one: that one. Where the shard does not have it sealed
    /// like that, or folded, it has lost it, and answers <see cref="UsageReplyKind.Resend"/>.</summary>
    public UsagePredecessor? Predecessor { get; init; }

    /// <summary>Name of the gateway, a label.</summary>
    public required string Gateway { get; init; }

    /// <summary>Which part of the ledger this is for.</summary>
    public required UsageShard Shard { get; init; }

    /// <summary>Number of this report, from 1, rising for each source and shard.</summary>
    public required long Number { get; init; }

    /// <summary>Highest number of this source that the shard has acknowledged; 0: none, or the entries are all that the source has for
    /// the shard. Where the shard knows of less it has lost something and answers <see cref="UsageReplyKind.Resend"/>.</summary>
    public required long Acknowledged { get; init; }

    /// <summary>Whether the source has nothing more for this shard, now or later. It is sealed when this is stored.</summary>
    public bool Final { get; init; }

    /// <summary>Cumulative counts of the keys that changed since the acknowledged report, all within the shard's hour, each key once.
    /// None: the source only asks whether the shard still has what it acknowledged.</summary>
    public required IReadOnlyList<UsageEntry> Entries { get; init; }
}

/// <summary>A sealed source whose remainder goes under its successor.</summary>
/// <param name="Source">Its id.</param>
/// <param name="Checksum">Of the values that it is sealed with.</param>
public readonly record struct UsagePredecessor(UsageSourceId Source, uint Checksum)
{
    /// <summary>A source with the values that came with the answer <see cref="UsageReplyKind.Sealed"/>, in their order.</summary>
    public static UsagePredecessor Of(UsageSourceId source, IReadOnlyList<UsageEntry> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new(source, UsageCellFormat.ChecksumOf([.. values]));
    }
}

/// <summary>Answer to a report.</summary>
public enum UsageReplyKind
{
    /// <summary>It is durable.</summary>
    Stored,

    /// <summary>Nothing was stored: the ledger has lost what it acknowledged. Send everything for this shard again,
    /// as the first source of the chain.</summary>
    Resend,

    /// <summary>Nothing was stored: the source is sealed at the values that come with the answer. What it has beyond them goes
    /// under its <see cref="UsageSourceId.Successor"/>.</summary>
    Sealed,

    /// <summary>Nothing was stored, and nothing will be: the source was folded so long ago that it is no longer known what it had. What
    /// it may have beyond that is lost, rather than billed twice.</summary>
    Forgotten,

    /// <summary>Nothing is known to be stored. Try again.</summary>
    Unavailable,
}

/// <summary>Answer to a report.</summary>
/// <param name="Kind">What became of it.</param>
/// <param name="Folded">Where sealed: the values of the source's keys in this shard; keys that are missing have none.</param>
public sealed record UsageReply(UsageReplyKind Kind, IReadOnlyList<UsageEntry> Folded)
{
    /// <summary>Stored.</summary>
    public static readonly UsageReply Stored = new(UsageReplyKind.Stored, []);

    /// <summary>To be sent again as a whole.</summary>
    public static readonly UsageReply Resend = new(UsageReplyKind.Resend, []);

    /// <summary>From a source of long ago.</summary>
    public static readonly UsageReply Forgotten = new(UsageReplyKind.Forgotten, []);

    /// <summary>Not to be had now.</summary>
    public static readonly UsageReply Unavailable = new(UsageReplyKind.Unavailable, []);
}
