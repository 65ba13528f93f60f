using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>The ledger of this process: takes usage, and lets bills be made of it. Thread safe.</summary>
public interface IUsageStore : IUsageSink, IUsageReader, IDisposable
{
    /// <summary>Called after reports became durable, with what they were for; must not block. What was stored is seen by who reads from
    /// then on. Set before the first report.</summary>
    Action<IReadOnlyCollection<UsageShard>> Stored { get; set; }

    /// <summary>The last month of which statements may have been made; <see langword="null"/>: none.</summary>
    UsageMonth? ClosedThrough { get; }

    /// <summary>Says that statements of a month are about to be made. When this returns, all usage of the month that was stored can be seen
    /// by who reads, and what is stored from then on is late, also where the clock is set back.</summary>
    /// <exception cref="IOException">The disk refuses it.</exception>
    void CloseThrough(UsageMonth month);
}
