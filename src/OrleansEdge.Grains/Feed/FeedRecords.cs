using System.Text.Json.Serialization;
using OrleansEdge.Contracts;

namespace OrleansEdge.Grains.Feed;

/// <summary>One step of a shard as it is stored: an announcement, or a change.</summary>
/// <param name="Name">With its prefix.</param>
/// <param name="Revision">That it is about to be at, or is at.</param>
/// <param name="At">When.</param>
/// <param name="Sequence">Number of the change; 0: an announcement.</param>
/// <param name="Mark">Random mark of the change.</param>
/// <param name="Deleted">Whether the name is gone.</param>
/// <param name="Flags">Of a tenant.</param>
internal sealed record FeedStepRecord(
    string Name, long Revision, DateTimeOffset At, long Sequence = 0, long Mark = 0, bool Deleted = false, TenantFlags Flags = TenantFlags.None)
{
    [JsonIgnore]
    public bool IsChange => Sequence > 0;

    public FeedChangeWire ToWire() => new(Name, Revision, Deleted, Flags, At);
}

/// <summary>A whole shard as it is stored.</summary>
/// <param name="Epoch">Which course of the shard.</param>
/// <param name="Names">Newest change of each name.</param>
/// <param name="Announced">What was announced and never confirmed.</param>
/// <param name="Marks">Numbers and marks of the last changes.</param>
internal sealed record FeedBaseRecord(Guid Epoch, IReadOnlyList<FeedStepRecord> Names, IReadOnlyList<FeedStepRecord> Announced, IReadOnlyList<FeedMarkRecord> Marks);

/// <summary>Number and mark of a change.</summary>
internal sealed record FeedMarkRecord(long Sequence, long Mark);

/// <summary>How the records are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FeedBaseRecord))]
[JsonSerializable(typeof(FeedStepRecord))]
internal sealed partial class FeedJson : JsonSerializerContext;
