using OrleansEdge.Standalone;
using OrleansEdge.Standalone.Settings;
using OrleansEdge.Standalone.Startup;
using OrleansEdge.Standalone.Telemetry;

switch (args)
{
    case ["--help" or "-h" or "-?"]:
        Console.WriteLine(CommandLine.Help);
        return 0;
    case ["--version"]:
        Console.WriteLine($"OrleansEdge {TelemetryService.Version}");
        return 0;
}

try
{
    await using var app = StandaloneApplication.Build(args);
    using var signals = ShutdownSignals.Watch(app.Services);
    await app.StartAsync();
    await StartReport.PrintAsync(app.Services);
    await app.WaitForShutdownAsync();
    return 0;
}
catch (Exception failure) when (StartFaults.Explain(failure) is { } fault)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return fault.ExitCode;
}
