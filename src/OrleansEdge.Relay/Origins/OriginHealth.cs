using System.Collections.Concurrent;

namespace OrleansEdge.Relay.Origins;

/// <summary>Which origins failed lately. Passive: nothing is probed. Thread safe; bounded.</summary>
internal sealed class OriginHealth(TimeProvider time)
{
    /// <summary>How long an origin that failed is tried last.</summary>
    public static readonly TimeSpan Penalty = TimeSpan.FromSeconds(10);

    private const int MostEntries = 10_000;

    private readonly ConcurrentDictionary<(string Address, int Port), long> _failedAt = new();

    /// <summary>Whether the origin failed within <see cref="Penalty"/>.</summary>
    public bool IsFailing(OriginTarget target)
        => _failedAt.TryGetValue((target.Address, target.Port), out var failedAt) && !IsOver(failedAt);

    /// <summary>Notes a failure.</summary>
    /// <returns>Whether the origin was not failing before.</returns>
    public bool MarkFailed(OriginTarget target)
    {
        var wasFailing = IsFailing(target);
        if (_failedAt.Count >= MostEntries)
        {
            Forget();
        }
        _failedAt[(target.Address, target.Port)] = time.GetTimestamp();
        return !wasFailing;
    }

    // Where too many origins fail at once the memory of all is dropped: they are tried in their turn again.
    private void Forget()
    {
        foreach (var entry in _failedAt)
        {
            if (IsOver(entry.Value))
            {
                _failedAt.TryRemove(entry);
            }
        }
        if (_failedAt.Count >= MostEntries)
        {
            _failedAt.Clear();
        }
    }

    private bool IsOver(long failedAt) => time.GetElapsedTime(failedAt) >= Penalty;
}
