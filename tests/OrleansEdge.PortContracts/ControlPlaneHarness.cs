using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>One control plane under test with one gateway, started empty at noon of the last day of a month. Disposing ends it and
/// removes what it stored.</summary>
public abstract class ControlPlaneHarness : IAsyncDisposable
{
    /// <summary>The control plane.</summary>
    public abstract IControlPlane Control { get; }

    /// <summary>The source of domains of the gateway.</summary>
    public abstract IDomainSource Source { get; }

    /// <summary>Name of the gateway.</summary>
    public abstract string GatewayName { get; }

    /// <summary>How long after the answer to a change the gateway may learn of it; zero: it has learnt of it before.</summary>
    public abstract TimeSpan ChangeDelay { get; }

    /// <summary>Whether the gateway was told to drain.</summary>
    public abstract bool IsDraining { get; }

    /// <summary>Takes what the gateway counts.</summary>
    public abstract IUsageSink Usage { get; }

    /// <summary>The time of the control plane, which stands still unless it is moved.</summary>
    public abstract DateTimeOffset Now { get; }

    /// <summary>Moves the time forward and lets happen what is due.</summary>
    public abstract Task MoveToAsync(DateTimeOffset time);

    /// <summary>Lets the gateway have an open session.</summary>
    public abstract Task OpenSessionAsync(SessionInfo session);

    /// <summary>Stops the control plane and starts it again on what it stored.</summary>
    public abstract Task RestartAsync();

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
