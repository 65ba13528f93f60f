using OrleansEdge.Gateway;
using OrleansEdge.Gateway.Settings;
using OrleansEdge.Gateway.Startup;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Hosting.Telemetry;
using OrleansEdge.Relay.Draining;

switch (args)
{
    case ["--help" or "-h" or "-?"]:
        Console.WriteLine(GatewaySettings.Help);
        return 0;
    case ["--version"]:
        Console.WriteLine($"OrleansEdge {TelemetryService.Version}");
        return 0;
}

try
{
    await using var app = GatewayApplication.Build(args);
    await ProcessRun.RunAsync(app, GatewayReport.PrintAsync, app.Services.GetRequiredService<DrainCoordinator>().SkipDelay);
    return 0;
}
catch (Exception failure) when (StartFaults.Explain(failure) is { } fault)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return fault.ExitCode;
}
