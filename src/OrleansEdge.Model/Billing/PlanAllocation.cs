using System.Collections.Immutable;

namespace OrleansEdge.Model;

/// <summary>Lets plans pay for usage. Usage is brought bucket by bucket in the order of time, within a bucket by domain (ordinal): what
/// the plans pay depends on that order and on nothing else. Not thread safe.</summary>
public sealed class PlanAllocation
{
    private readonly PrepaidPlans _plans;
    private readonly long[] _used;

    /// <summary>Goes on from what is used already.</summary>
    public PlanAllocation(PrepaidPlans plans, PlanUse before)
    {
        ArgumentNullException.ThrowIfNull(plans);
        ArgumentNullException.ThrowIfNull(before);
        _plans = plans;
        _used = [.. Enumerable.Range(0, plans.All.Length).Select(plan => before[plan])];
    }

    /// <summary>What is used by now.</summary>
    public PlanUse Use => new(ImmutableArray.Create(_used));

    /// <summary>Takes bytes from the plans that cover a bucket.</summary>
    /// <param name="kind">Only plans of this kind pay.</param>
    /// <param name="bucket">The bucket of the usage.</param>
    /// <param name="bytes">How many are to be paid for, from 0.</param>
    /// <returns>How many of them the plans pay.</returns>
    public long Take(UsageKind kind, UsageBucket bucket, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        var rest = bytes;
        var start = bucket.Start;
        foreach (var index in _plans.OfKind(kind))
        {
            if (rest == 0)
            {
                break;
            }

            if (_plans.All[index].IsValidAt(start))
            {
                var taken = Math.Min(rest, _plans.All[index].Order.Bytes - _used[index]);
                _used[index] += taken;
                rest -= taken;
            }
        }

        return bytes - rest;
    }
}
