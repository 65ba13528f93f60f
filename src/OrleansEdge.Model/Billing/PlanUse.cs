using System.Collections.Immutable;

namespace OrleansEdge.Model;

/// <summary>How much of each plan is used up at a point of the walk through a tenant's buckets: all that must be carried from hour to
/// hour and from month to month to go on from there. Immutable.</summary>
public sealed class PlanUse
{
    /// <summary>Nothing is used.</summary>
    public static readonly PlanUse Nothing = new([]);

    private readonly ImmutableArray<long> _used;

    /// <summary>Bytes by index of the plan; plans beyond the end are unused.</summary>
    public PlanUse(ImmutableArray<long> used) => _used = used;

    /// <summary>Bytes that are used of a plan.</summary>
    /// <param name="plan">Index in <see cref="PrepaidPlans.All"/>.</param>
    public long this[int plan] => plan < _used.Length ? _used[plan] : 0;
}
