using System.CommandLine;
using System.Diagnostics;
using OrleansEdge.Compare;
using OrleansEdge.Compare.Load;
using OrleansEdge.Compare.Proxies;

const int OriginPort = 9700;

if (args is ["origin", var port])
{
    await Origin.RunAsync(Origin.PortOf(port));
    return 0;
}

var edgeOption = new Option<FileInfo>("--edge") { Description = "OrleansEdge.Standalone.dll", Required = true };
var runsOption = new Option<int>("--runs") { Description = "How often each figure is taken", DefaultValueFactory = static _ => 5 };
var onlyOption = new Option<string[]>("--only") { Description = "Beginnings of the names of scenarios", AllowMultipleArgumentsPerToken = true };
var outOption = new Option<FileInfo?>("--out") { Description = "Where the page goes; default: standard output" };
var command = new RootCommand("Measures WebSocket proxies side by side.") { edgeOption, runsOption, onlyOption, outOption };
command.SetAction(async (parsed, cancellationToken) =>
{
    var edge = new Edge(parsed.GetRequiredValue(edgeOption).FullName, OriginPort + 50);
    Proxy[] known = [edge, new Nginx(hasLargeBuffers: false), new Nginx(hasLargeBuffers: true), new HAProxy()];
    foreach (var missing in known.Where(static proxy => proxy.Version is null))
    {
        await Console.Error.WriteLineAsync($"{missing.Name} is not installed, and left out.");
    }

    var proxies = known.Where(static proxy => proxy.Version is not null).ToList();
    var only = parsed.GetValue(onlyOption) ?? [];
    var scenarios = Scenario.All.Where(scenario => only.Length == 0 || only.Any(start => scenario.Name.StartsWith(start, StringComparison.Ordinal))).ToList();
    var runs = parsed.GetValue(runsOption);
    using var origin = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [typeof(Origin).Assembly.Location, "origin", $"{OriginPort}"]))!;
    try
    {
        var comparison = new Comparison(proxies, OriginPort, Console.Error);
        await comparison.RunAsync(scenarios, runs);
        var page = new Report(comparison, scenarios, proxies, edge, runs, DateOnly.FromDateTime(DateTime.UtcNow)).Text();
        await (parsed.GetValue(outOption) is { } file ? File.WriteAllTextAsync(file.FullName, page, cancellationToken) : Console.Out.WriteAsync(page));
    }
    finally
    {
        origin.Kill();
    }
});
return await command.Parse(args).InvokeAsync();
