using System.Collections.Immutable;

namespace OrleansEdge.Model;

/// <summary>All plans that a tenant ever bought. Plans are only ever added, so the index of a plan stays. Immutable.</summary>
public sealed class PrepaidPlans
{
    /// <summary>No plans.</summary>
    public static readonly PrepaidPlans None = new([]);

    private readonly ImmutableArray<int> _websocket;
    private readonly ImmutableArray<int> _http;

    /// <summary>Plans in the order in which they were bought.</summary>
    public PrepaidPlans(ImmutableArray<PrepaidPlan> all)
    {
        All = all;
        _websocket = InOrderOfUse(UsageKind.Websocket);
        _http = InOrderOfUse(UsageKind.Http);
    }

    /// <summary>In the order in which they were bought.</summary>
    public ImmutableArray<PrepaidPlan> All { get; }

    /// <summary>The month of the first bucket that a plan covers; <see langword="null"/>: there is no plan.</summary>
    public UsageMonth? FirstMonth => All.IsEmpty ? null : UsageMonth.At(All.Min(static plan => plan.Order.ValidFrom));

    /// <summary>Indexes of the plans of a kind that are valid at an instant, in the order in which they pay.</summary>
    public ImmutableArray<int> ValidAt(UsageKind kind, DateTimeOffset time) => [.. OfKind(kind).Where(index => All[index].IsValidAt(time))];

    /// <summary>Whether a plan covers buckets that start in [from, to).</summary>
    public bool AnyWithin(DateTimeOffset from, DateTimeOffset to) => All.Any(plan => plan.IsValidWithin(from, to));

    /// <summary>Indexes of the plans of a kind in the order in which they pay: soonest to expire first, of those the one that was
    /// bought earlier.</summary>
    internal ImmutableArray<int> OfKind(UsageKind kind) => kind == UsageKind.Websocket ? _websocket : _http;

    // Within one instant the index tells what came first.
    private ImmutableArray<int> InOrderOfUse(UsageKind kind)
        => [.. Enumerable.Range(0, All.Length)
            .Where(index => All[index].Order.Kind == kind)
            .OrderBy(index => All[index].Order.ValidTo)
            .ThenBy(index => All[index].BoughtAt)
            .ThenBy(static index => index)];
}
