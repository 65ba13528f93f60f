using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Telemetry;

namespace OrleansEdge.Relay.Draining;

/// <summary>Takes the edge out of service without losing what an origin acknowledged. Runs when the host begins to stop, before
/// Kestrel does. Thread safe.</summary>
public sealed partial class DrainCoordinator : IHostedLifecycleService
{
    private const int FewSessions = 10;

    private readonly SessionRegistry _sessions;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly DrainOptions _options;
    private readonly RelayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private volatile bool _draining;
    private volatile bool _refusesNew;
    private volatile bool _skipsDelay;

    /// <summary>Creates the coordinator.</summary>
    public DrainCoordinator(
        SessionRegistry sessions,
        IHostApplicationLifetime lifetime,
        IOptions<DrainOptions> options,
        RelayMetrics metrics,
        TimeProvider time,
        ILogger<DrainCoordinator> log)
    {
        ArgumentNullException.ThrowIfNull(lifetime);
        ArgumentNullException.ThrowIfNull(options);
        _sessions = sessions;
        _lifetime = lifetime;
        _options = options.Value;
        _metrics = metrics;
        _time = time;
        _log = log;
        lifetime.ApplicationStopping.Register(() => _draining = true);
    }

    /// <summary>What readiness and the admin API show.</summary>
    public GatewayState State => _draining ? GatewayState.Draining : GatewayState.Ready;

    /// <summary>Whether new requests are refused.</summary>
    public bool RefusesNew => _refusesNew;

    /// <summary>Begins to drain; the process exits when it is done.</summary>
    public void Begin()
    {
        _draining = true;
        _lifetime.StopApplication();
    }

    /// <summary>Leaves out <see cref="DrainOptions.Delay"/>: somebody at a terminal waits, no balancer.</summary>
    public void SkipDelay() => _skipsDelay = true;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        return DrainAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        DrainBegan(_sessions.Count);
        if (!_skipsDelay && _options.Delay > TimeSpan.Zero)
        {
            await Task.Delay(_options.Delay, _time, cancellationToken);
        }

        _refusesNew = true;
        var began = _time.GetTimestamp();
        var sessions = _sessions.Snapshot();
        await SpreadClosesAsync(sessions, began, cancellationToken);
        await WaitForEndsAsync(began, cancellationToken);
        var left = _sessions.Snapshot();
        foreach (var session in left)
        {
            session.Cut();
        }

        var clean = Math.Max(0, sessions.Count - left.Count);
        _metrics.Drained(clean, left.Count);
        DrainEnded(clean, left.Count);
    }

    private async Task SpreadClosesAsync(IReadOnlyCollection<RelaySession> sessions, long began, CancellationToken cancellationToken)
    {
        var window = sessions.Count > FewSessions ? _options.Window : TimeSpan.Zero;
        var number = 0;
        foreach (var session in sessions)
        {
            var wait = (window * number++ / sessions.Count) - _time.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, _time, cancellationToken);
            }

            session.TryEnd(EndCause.EdgeDraining);
        }
    }

    private async Task WaitForEndsAsync(long began, CancellationToken cancellationToken)
    {
        while (_sessions.Count > 0 && _time.GetElapsedTime(began) < _options.Window + _options.Grace)
        {
            await Task.Delay(SessionClock.Tick / 4, _time, cancellationToken);
        }
    }

    [LoggerMessage(1110, LogLevel.Information, "Draining: {Sessions} sessions are open.")]
    private partial void DrainBegan(int sessions);

    [LoggerMessage(1111, LogLevel.Information, "Drained: {Clean} sessions ended cleanly, {Cut} were cut.")]
    private partial void DrainEnded(int clean, int cut);
}
