using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace OrleansEdge.Hosting.Startup;

/// <summary>The life of a process from its start to its stop.</summary>
public static class ProcessRun
{
    /// <summary>Starts the application, reports that it has started, and waits until it has stopped.</summary>
    /// <param name="app">The application.</param>
    /// <param name="report">Prints what a start prints.</param>
    /// <param name="atTerminal">Called before the stop where it is Ctrl+C that stops it.</param>
    public static async Task RunAsync(WebApplication app, Func<IServiceProvider, Task> report, Action? atTerminal = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(report);
        using var signals = ShutdownSignals.Watch(atTerminal);
        try
        {
            await app.StartAsync();
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop while it waited for something: as orderly an end as any.
            return;
        }

        await report(app.Services);
        await app.WaitForShutdownAsync();
    }
}
