using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>The ledger's files are put back to an earlier copy while the spool stays: the bill comes back by itself.</summary>
public sealed class RestoredLedger
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LedgerIsPutBackToAnEarlierCopy_TotalsComeBack(bool isKilled)
    {
        var directory = Directory.CreateTempSubdirectory("orleans-edge-restored-").FullName;
        var ledger = Path.Combine(directory, "usage");
        var copy = Path.Combine(directory, "usage.copy");
        await using var listener = ScriptedOrigin.Start();
        var (domain, first) = await LiveAsync(directory, listener, null, default, isKilled);
        Copy(ledger, copy);
        var (_, second) = await LiveAsync(directory, listener, domain, first, isKilled);
        var (_, third) = await LiveAsync(directory, listener, domain, second, isKilled);

        Directory.Delete(ledger, recursive: true);
        Copy(copy, ledger);
        await using (var edge = await StartAsync(directory))
        {
            await edge.Admin.WaitForExactUsageAsync("restored", domain, third, Wire.Patience);
        }

        // Nothing at all is left of the ledger, and there is still traffic.
        Directory.Delete(ledger, recursive: true);
        var (_, fourth) = await LiveAsync(directory, listener, domain, third, isKilled);
        Assert.NotEqual(third, fourth);
        Directory.Delete(directory, recursive: true);
    }

    private static Task<EdgeProcess> StartAsync(string directory)
        => EdgeProcess.StartAsync([MeteredEdge.Setting, "Edge:Name=restored", "Edge:Drain:Delay=0"], directory: directory);

    /// <summary>Starts an edge, passes something, waits until it is on the bill beside what was there, and ends the edge.</summary>
    private static async Task<(string Domain, Tally Billed)> LiveAsync(
        string directory, ScriptedOrigin listener, string? domain, Tally before, bool isKilled)
    {
        await using var edge = await StartAsync(directory);
        await edge.Admin.PutTenantAsync("restored");
        var metered = await MeteredDomain.CreateAsync(edge, Way.Http1, "restored", listener: listener, name: domain);
        await using var session = await metered.OpenAsync(new Random(1));
        await session.Client.PlayAsync(new TrafficScript(new(2), WsFrame.ClientKey).Messages(50));
        await session.GreetAsync();
        await session.CloseAsync();
        var billed = before + Tally.Of(await session.CloseLineAsync());
        await edge.Admin.WaitForExactUsageAsync("restored", metered.Name, billed, Wire.Patience);
        if (isKilled)
        {
            edge.Kill();
            await edge.WaitForExitAsync();
        }
        else
        {
            edge.Terminate();
            Assert.Equal(0, await edge.WaitForExitAsync());
        }

        return (metered.Name, billed);
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        Directory.CreateDirectory(to);
    }
}
