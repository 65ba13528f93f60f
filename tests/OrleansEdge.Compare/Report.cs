using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using OrleansEdge.Compare.Proxies;

namespace OrleansEdge.Compare;

/// <summary>The page that a comparison makes: ratios first, then figures of everybody, then on what.</summary>
internal sealed class Report(Comparison comparison, IReadOnlyList<Scenario> scenarios, IReadOnlyList<Proxy> proxies, Proxy edge, int runs, DateOnly day)
{
    /// <summary>The page, Markdown.</summary>
    public string Text()
    {
        var page = new StringBuilder();
        page.Append($"""
            # Benchmarks

            What a WebSocket costs through the edge beside what it costs through others, measured in one run by `./bench.sh`: plain TCP over
            loopback, access log on at all, the others with one worker or thread, the edge with `Edge:Relay:Threads=1`. The edge does everything
            that it always does: strict policing, idle time-outs, metering. Less is better; a tenth is noise. Medians of {runs} interleaved runs,
            {day:yyyy-MM-dd}.


            """);
        AppendTable(page, "| per | edge : best other |", "|---|---|", RatioOf);
        page.AppendLine();
        var names = string.Join(" | ", proxies.Select(static proxy => proxy.Name));
        AppendTable(page, $"| per | unit | {names} |", $"|---|---|{string.Concat(proxies.Select(static _ => "---|"))}", ValuesOf);
        page.AppendLine();
        page.AppendLine("Processor time of the proxy's process tree as the scheduler counts it; memory as PSS. 99 of 100 echoes came within (µs):");
        page.AppendLine();
        AppendTable(page, $"| | {names} |", $"|---|{string.Concat(proxies.Select(static _ => "---|"))}", LatenciesOf);
        page.AppendLine();
        foreach (var proxy in proxies)
        {
            page.AppendLine(CultureInfo.InvariantCulture, $"- {proxy.Name}: {proxy.Version}");
        }

        page.AppendLine(CultureInfo.InvariantCulture, $"- {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores ({ProcessorName()})");
        return page.ToString();
    }

    private static string ProcessorName()
        => File.ReadLines("/proc/cpuinfo").FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";

    private void AppendTable(StringBuilder page, string head, string rule, Func<Scenario, string?> row)
    {
        page.AppendLine(head).AppendLine(rule);
        foreach (var line in scenarios.Select(row).OfType<string>())
        {
            page.AppendLine(line);
        }
    }

    private string? RatioOf(Scenario scenario)
    {
        var best = proxies.Where(proxy => proxy != edge).Select(proxy => MedianOf(scenario, proxy, static figure => figure.Value)).DefaultIfEmpty(0).Min();
        return best <= 0 ? null : string.Create(CultureInfo.InvariantCulture, $"| {scenario.Name} | {MedianOf(scenario, edge, static figure => figure.Value) / best:0.00} |");
    }

    private string ValuesOf(Scenario scenario)
        => $"| {scenario.Name} | {scenario.Unit} | {string.Join(" | ", proxies.Select(proxy => Short(MedianOf(scenario, proxy, static figure => figure.Value))))} |";

    private string? LatenciesOf(Scenario scenario)
        => MedianOf(scenario, edge, static figure => figure.P99) <= 0 ? null
            : $"| {scenario.Name} | {string.Join(" | ", proxies.Select(proxy => Short(MedianOf(scenario, proxy, static figure => figure.P99))))} |";

    private double MedianOf(Scenario scenario, Proxy proxy, Func<Figure, double> value)
    {
        var values = comparison.Figures[(scenario, proxy)].Select(value).Order().ToList();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }

    private static string Short(double value) => value.ToString(value < 10 ? "0.00" : value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture);
}
