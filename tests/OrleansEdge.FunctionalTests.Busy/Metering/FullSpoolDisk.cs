using OrleansEdge.FunctionalTests.Scripted;
using SmallDisk = OrleansEdge.Testing.SmallDisk;
using SmallDiskFactAttribute = OrleansEdge.Testing.SmallDiskFactAttribute;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>The spool's disk has no room.</summary>
public sealed class FullSpoolDisk
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(3);

    [SmallDiskFact]
    public async Task SpoolDiskIsFull_TrafficPassesAndIsBilled_AndWithRoomAKillLosesNothingAgain()
    {
        await using var disk = SmallDisk.Mount("64k");
        var directory = Directory.CreateTempSubdirectory("orleans-edge-full-").FullName;
        Tally passed;
        string domain;
        await using (var edge = await StartAsync(directory, disk))
        {
            await edge.Admin.PutTenantAsync("full");
            await using var metered = await MeteredDomain.CreateAsync(edge, Way.Http1, "full");
            await using var session = await metered.OpenAsync(new Random(1));
            await session.GreetAsync();
            await BilledAsync(edge, metered.Name, session.Sent);
            Assert.Contains("has no room", edge.Errors(), StringComparison.Ordinal);
            Assert.True(await CountersInMemoryAsync(edge) > 0, "no metric says that counters are in memory alone");

            disk.GiveRoom("32m");
            await WaitAsync("that counters are in the file again", async () => await CountersInMemoryAsync(edge) == 0);
            Assert.Contains("has room again", edge.Errors(), StringComparison.Ordinal);
            domain = metered.Name;
            await WaitAsync("traffic that only the file knows of", () => PassUnreportedAsync(edge, session));
            passed = session.Sent;
            edge.Kill();
            await edge.WaitForExitAsync();
        }

        await using (var edge = await StartAsync(directory, disk))
        {
            await BilledAsync(edge, domain, passed);
        }

        Directory.Delete(directory, recursive: true);
    }

    private static Task<EdgeProcess> StartAsync(string directory, SmallDisk disk)
        => EdgeProcess.StartAsync(
            [$"Edge:Metering:ReportInterval={ReportInterval}", $"Edge:Metering:SpoolDirectory={disk.Path}", "Edge:Name=full"], directory: directory);

    private static Task<Tally> BilledAsync(EdgeProcess edge, string domain, Tally expected)
        => edge.Admin.WaitForUsageAsync("full", domain, $"{expected}", usage => usage with { Milliseconds = 0 } == expected, (2 * ReportInterval) + Metronome.Lateness);

    /// <summary>Passes something right after a report, so that the next one is seconds away.</summary>
    /// <returns>Whether it was not reported all the same.</returns>
    private static async Task<bool> PassUnreportedAsync(EdgeProcess edge, MeteredSession session)
    {
        await session.GreetAsync();
        var reported = session.Sent;
        await BilledAsync(edge, session.Domain.Name, reported);
        await session.GreetAsync();
        await WaitAsync("the list of sessions to show it", async () => IsShown(await edge.OnlySessionAsync(session.Domain.Name), session.Sent));
        return reported == (await edge.Admin.UsageAsync("full", session.Domain.Name) with { Milliseconds = 0 });
    }

    private static bool IsShown(System.Text.Json.JsonElement listed, Tally passed)
        => listed.GetProperty("bytesUp").GetInt64() == passed.BytesUp && listed.GetProperty("bytesDown").GetInt64() == passed.BytesDown;

    private static async Task<long> CountersInMemoryAsync(EdgeProcess edge)
    {
        const string Name = "orleansedge_metering_counters_in_memory";
        var metrics = await edge.Admin.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        var line = metrics.Split('\n').FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
        return line is null ? throw new WireException($"no metric {Name}") : (long)double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task WaitAsync(string what, Func<Task<bool>> isSo)
    {
        var deadline = new Deadline(Wire.Patience);
        while (!await isSo())
        {
            Assert.True(deadline.Left > TimeSpan.Zero, $"waited for {what}{deadline}");
            await Task.Delay(20);
        }
    }
}
