using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>The ledger of this process: takes usage, and lets bills be made of it. Thread safe.</summary>
public interface IUsageStore : IUsageSink, IUsageReader, IDisposable
{
    /// <summary>Called after reports became durable, with what they were for; must not block. What was stored is seen by who reads from
    /// then on. Set before the first report.</summary>
    Action<IReadOnlyCollection<UsageShard>> Stored { get; set; }
}
