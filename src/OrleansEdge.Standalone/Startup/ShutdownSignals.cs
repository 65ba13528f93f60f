using System.Runtime.InteropServices;
using OrleansEdge.Relay.Draining;

namespace OrleansEdge.Standalone.Startup;

/// <summary>What SIGTERM and SIGINT mean beside the host's own orderly stop: Ctrl+C leaves the drain's delay out, because no load
/// balancer waits there, and a second signal of either kind ends the process at once.</summary>
internal sealed class ShutdownSignals : IDisposable
{
    private const int SignalExitCode = 128;
    private const int SigInt = 2;
    private const int SigTerm = 15;

    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    private ShutdownSignals(DrainCoordinator drain) => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Handle(context, SigInt, drain.SkipDelay)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Handle(context, SigTerm, () => { })),
    ];

    /// <summary>Watches until disposed.</summary>
    public static ShutdownSignals Watch(IServiceProvider services) => new(services.GetRequiredService<DrainCoordinator>());

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private void Handle(PosixSignalContext context, int number, Action first)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) == 1)
        {
            first();
            return;
        }

        Environment.Exit(SignalExitCode + number);
    }
}
