using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Silo;
using OrleansEdge.Silo.Settings;
using OrleansEdge.Silo.Startup;

switch (args)
{
    case ["--help" or "-h" or "-?"]:
        Console.WriteLine(SiloSettings.Help);
        return 0;
    case ["--version"]:
        Console.WriteLine($"OrleansEdge {TelemetryService.Version}");
        return 0;
}

try
{
    await using var app = SiloApplication.Build(args);
    await ProcessRun.RunAsync(app, SiloReport.PrintAsync);
    return 0;
}
catch (Exception failure) when (StartFaults.Explain(failure) is { } fault)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return fault.ExitCode;
}
