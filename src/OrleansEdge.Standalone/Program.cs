using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Standalone;
using OrleansEdge.Standalone.Settings;
using OrleansEdge.Standalone.Startup;

switch (args)
{
    case ["--help" or "-h" or "-?"]:
        Console.WriteLine(EdgeSettings.Help);
        return 0;
    case ["--version"]:
        Console.WriteLine($"OrleansEdge {TelemetryService.Version}");
        return 0;
}

try
{
    await using var app = StandaloneApplication.Build(args);
    await ProcessRun.RunAsync(app, StandaloneReport.PrintAsync, app.Services.GetRequiredService<DrainCoordinator>().SkipDelay);
    return 0;
}
catch (Exception failure) when (StartFaults.Explain(failure) is { } fault)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return fault.ExitCode;
}
