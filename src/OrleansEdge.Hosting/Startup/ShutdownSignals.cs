using System.Runtime.InteropServices;

namespace OrleansEdge.Hosting.Startup;

/// <summary>What SIGTERM and SIGINT mean beside the host's own orderly stop: a second signal of either kind ends the process at once.</summary>
public sealed class ShutdownSignals : IDisposable
{
    private const int SignalExitCode = 128;
    private const int SigInt = 2;
    private const int SigTerm = 15;

    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    private ShutdownSignals(Action atTerminal) => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Handle(context, SigInt, atTerminal)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Handle(context, SigTerm, () => { })),
    ];

    /// <summary>Watches until disposed.</summary>
    /// <param name="atTerminal">Called before the stop where the first signal is Ctrl+C: somebody waits there, and no load balancer.</param>
    public static ShutdownSignals Watch(Action? atTerminal = null) => new(atTerminal ?? (() => { }));

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
