using OrleansEdge.Compare.Proxies;

namespace OrleansEdge.Compare;

/// <summary>Measures proxies side by side: every scenario with each of them in turn, a few times, and nobody is always first.</summary>
internal sealed class Comparison(IReadOnlyList<Proxy> proxies, int originPort, TextWriter progress)
{
    private readonly Dictionary<Proxy, RunningProxy> _running = [];

    /// <summary>Figures of each scenario and proxy, one for each run.</summary>
    public Dictionary<(Scenario Scenario, Proxy Proxy), List<Figure>> Figures { get; } = [];

    /// <summary>Runs scenarios.</summary>
    public async Task RunAsync(IReadOnlyList<Scenario> scenarios, int runs)
    {
        try
        {
            for (var run = 0; run < runs; run++)
            {
                foreach (var scenario in scenarios)
                {
                    foreach (var proxy in Enumerable.Range(run, proxies.Count).Select(index => proxies[index % proxies.Count]))
                    {
                        await RunAsync(scenario, proxy, run);
                    }
                }

                await StopAllAsync();
            }
        }
        finally
        {
            await StopAllAsync();
        }
    }

    private async Task RunAsync(Scenario scenario, Proxy proxy, int run)
    {
        if (scenario.IsFresh)
        {
            await StopAsync(proxy);
        }

        if (!_running.TryGetValue(proxy, out var running))
        {
            _running[proxy] = running = await proxy.StartAsync(originPort + 1 + Index(proxy), originPort);
        }

        var figure = await scenario.RunAsync(running);
        (Figures.TryGetValue((scenario, proxy), out var figures) ? figures : Figures[(scenario, proxy)] = []).Add(figure);
        await progress.WriteLineAsync($"run {run + 1}, {scenario.Name}, {proxy.Name}: {figure.Value:0.##} {scenario.Unit}");
        if (scenario.IsFresh)
        {
            await StopAsync(proxy);
        }
    }

    private int Index(Proxy proxy) => proxies.TakeWhile(other => other != proxy).Count();

    private async Task StopAsync(Proxy proxy)
    {
        if (_running.Remove(proxy, out var running))
        {
            await running.DisposeAsync();
        }
    }

    private async Task StopAllAsync()
    {
        foreach (var proxy in _running.Keys.ToList())
        {
            await StopAsync(proxy);
        }
    }
}
