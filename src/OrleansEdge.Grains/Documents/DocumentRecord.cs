using OrleansEdge.Contracts;

namespace OrleansEdge.Grains.Documents;

/// <summary>A document as it is stored.</summary>
[GenerateSerializer]
[Alias("OrleansEdge.DocumentRecord")]
internal sealed record DocumentRecord
{
    /// <summary>Most versions that are kept.</summary>
    public const int Kept = 50;

    /// <summary>The kept versions, oldest first.</summary>
    [Id(0)]
    public IReadOnlyList<VersionRecord> Versions { get; init; } = [];

    /// <summary>Rises with every change that gateways must learn.</summary>
    [Id(1)]
    public long Revision { get; init; }

    /// <summary>Of a tenant.</summary>
    [Id(2)]
    public TenantFlags Flags { get; init; }

    /// <summary>When the revision was made, UTC.</summary>
    [Id(3)]
    public DateTimeOffset RevisedAt { get; init; }

    /// <summary>The newest version; <see langword="null"/>: there never was one.</summary>
    public VersionRecord? Newest() => Versions.Count == 0 ? null : Versions[^1];

    /// <summary>Number of the newest version.</summary>
    public long Version() => Newest()?.Version ?? 0;

    /// <summary>The record with one version more.</summary>
    public DocumentRecord With(VersionRecord version) => this with
    {
        Versions = [.. Versions.Skip(Math.Max(0, Versions.Count + 1 - Kept)), version],
        // A restored version is above all that are stored, and so is its revision.
        Revision = Math.Max(Revision + 1, version.Version),
        RevisedAt = version.At,
    };
}

/// <summary>One version of a document as it is stored.</summary>
/// <param name="Version">From 1, rising; without gaps but before one that was restored.</param>
/// <param name="At">When, UTC.</param>
/// <param name="By">Who.</param>
/// <param name="Action">The word of the audit.</param>
/// <param name="Json">The document as it is served; <see langword="null"/>: a deletion.</param>
[GenerateSerializer]
[Alias("OrleansEdge.VersionRecord")]
internal sealed record VersionRecord(
    [property: Id(0)] long Version, [property: Id(1)] DateTimeOffset At, [property: Id(2)] string By, [property: Id(3)] string Action, [property: Id(4)] string? Json)
{
    public DocumentWire ToWire(bool created = false) => new(System.Text.Encoding.UTF8.GetBytes(Json!), Version, created, At);

    public VersionWire ToVersionWire() => new(Version, At, By, Json is null ? null : System.Text.Encoding.UTF8.GetBytes(Json));
}
