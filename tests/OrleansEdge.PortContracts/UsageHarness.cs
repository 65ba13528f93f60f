using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>One usage ledger under test, started empty, with a clock that stands still unless it is moved. Disposing ends it and removes
/// what it stored.</summary>
public abstract class UsageHarness : IAsyncDisposable
{
    /// <summary>Takes reports.</summary>
    public abstract IUsageSink Sink { get; }

    /// <summary>Reads what was taken.</summary>
    public abstract IUsageReader Reader { get; }

    /// <summary>The time of the ledger's clock.</summary>
    public abstract DateTimeOffset Now { get; }

    /// <summary>How long a source may be unheard before it is declared dead.</summary>
    public abstract TimeSpan DeadAfter { get; }

    /// <summary>Moves the clock and lets the ledger do what is due.</summary>
    public abstract Task AdvanceAsync(TimeSpan by);

    /// <summary>Stops the ledger and starts it again on what it stored.</summary>
    public abstract Task RestartAsync();

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
