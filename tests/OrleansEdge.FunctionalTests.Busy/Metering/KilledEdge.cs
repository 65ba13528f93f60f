using System.Diagnostics;
using OrleansEdge.FunctionalTests.Scripted;
using Xunit.Abstractions;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>kill -9 in the midst of traffic, again and again, over one data directory.</summary>
public sealed class KilledEdge(ITestOutputHelper output)
{
    private const int Kills = 20;
    private const int SessionsPerWay = 2;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    /// <summary>What one edge passed until it was killed, for one domain: what its bill has to lie between.</summary>
    private sealed record Life(string Domain, Way Way, Tally Least, Tally Most)
    {
        public Tally Billed { get; set; }
    }

    [Fact]
    public async Task KilledInALoopAmidTraffic_BillsStayWithinTheirBoundsAndNeverGoDown()
    {
        var seed = MeteredEdge.NewSeed();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var directory = Directory.CreateTempSubdirectory("orleans-edge-killed-").FullName;
        var listeners = Enum.GetValues<Way>().ToDictionary(way => way, way => ScriptedOrigin.Start(tls: way == Way.Tls));
        var lives = new List<Life>();
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var edge = await StartAsync(directory);
            await edge.Admin.PutTenantAsync("killed");
            await AssertBilledAsync(edge, lives);

            // Every second time the edge is stopped first, wherever it is, and the kernel delivers what it has: then the peers have
            // exactly what the kernel took, and nothing but the edge's own state is between them and the bill.
            lives.AddRange(await LiveAndDieAsync(edge, listeners, random, isFrozenFirst: kill % 2 == 1));
        }

        await using (var last = await StartAsync(directory))
        {
            await AssertBilledAsync(last, lives);
            await AssertDeadFilesGoAsync(directory);
            await AssertBilledAsync(last, lives);
        }

        foreach (var listener in listeners.Values)
        {
            await listener.DisposeAsync();
        }

        Directory.Delete(directory, recursive: true);
    }

    private static Task<EdgeProcess> StartAsync(string directory)
        => EdgeProcess.StartAsync([MeteredEdge.Setting, "Edge:Metering:Retain=00:00:01", "Edge:Name=killed"], directory: directory);

    private static async Task<List<Life>> LiveAndDieAsync(
        EdgeProcess edge, Dictionary<Way, ScriptedOrigin> listeners, Random random, bool isFrozenFirst)
    {
        var sessions = new List<MeteredSession>();
        foreach (var (way, listener) in listeners)
        {
            var domain = await MeteredDomain.CreateAsync(edge, way, "killed", listener: listener);
            for (var i = 0; i < SessionsPerWay; i++)
            {
                sessions.Add(await domain.OpenAsync(new(random.Next())));
            }
        }

        foreach (var session in sessions)
        {
            _ = session.Client.FloodAsync(new(new(random.Next()), WsFrame.ClientKey), Pause);
            _ = session.Origin.FloodAsync(new(new(random.Next()), null), Pause);
        }

        // Any of them decides when it is time.
        await sessions[random.Next(sessions.Count)].Client.GotAsync(random.Next(1, 300_000), TimeSpan.FromSeconds(30));
        if (isFrozenFirst)
        {
            await edge.FreezeAsync();
            await DeliveredAsync(edge, listeners.Values);
        }

        edge.Kill();
        await edge.WaitForExitAsync();
        foreach (var session in sessions)
        {
            await Task.WhenAll(session.Client.EndedAsync(), session.Origin.EndedAsync());
            await session.DisposeAsync();
        }

        return [.. sessions.GroupBy(session => session.Domain).Select(group => Bounds(group.Key, [.. group], isFrozenFirst))];
    }

    private static Life Bounds(MeteredDomain domain, IReadOnlyList<MeteredSession> sessions, bool isFrozenFirst)
    {
        var slack = sessions.Count * Slack.Write;
        var lost = sessions.Count * (Slack.InProcess(domain.Way) + (isFrozenFirst ? 0 : KernelQueues.MaxSendBuffer + Slack.Write));
        var least = new Tally(
            sessions.Sum(session => session.Origin.Got) - slack, sessions.Sum(session => session.Client.Got) - slack, 0, 0, sessions.Count, 0);
        var most = new Tally(
            sessions.Sum(session => session.Client.Attempted),
            Math.Min(sessions.Sum(session => session.Client.Got) + lost, sessions.Sum(session => session.Origin.Attempted)),
            sessions.Sum(session => session.Client.AttemptedMessages),
            sessions.Sum(session => session.Origin.AttemptedMessages),
            sessions.Count,
            long.MaxValue);
        return new(domain.Name, domain.Way, least, most);
    }

    /// <summary>Waits until the kernel has delivered what the edge handed over, and the peers have read it.</summary>
    private static async Task DeliveredAsync(EdgeProcess edge, IEnumerable<ScriptedOrigin> listeners)
    {
        int[] edges = [edge.Edge.Port, edge.EdgeTls.Port];
        int[] origins = [.. listeners.Select(listener => listener.Port)];
        var deadline = new Deadline(Wire.Patience);
        while (KernelQueues.Unsent(local: edges, remote: origins) + KernelQueues.Unread(local: origins, remote: edges) > 0)
        {
            Assert.True(deadline.Left > TimeSpan.Zero, $"the kernel still holds bytes of the edge that stands still{deadline}");
            await Task.Delay(5);
        }
    }

    private async Task AssertBilledAsync(EdgeProcess edge, IReadOnlyList<Life> lives)
    {
        var deadline = new Deadline(MeteredEdge.Eventually);
        while (true)
        {
            var last = deadline.Left <= TimeSpan.Zero;
            var usage = await edge.Admin.UsageAsync("killed");
            var missing = lives.Where(life => !IsBilled(life, usage)).Select(life => $"{life}, billed now is {BilledFor(life, usage)}").ToList();
            if (missing.Count == 0)
            {
                return;
            }

            Assert.False(last, $"not billed{deadline}:\n{string.Join('\n', missing)}");
            await Task.Delay(25);
        }
    }

    /// <summary>Whether what is billed for a life has come up to its bounds; over them, and below what was billed before, it is never
    /// right.</summary>
    private bool IsBilled(Life life, IReadOnlyDictionary<(string Domain, string Kind), Tally> usage)
    {
        var billed = BilledFor(life, usage);
        Assert.True(life.Billed.IsWithin(billed), $"the bill went down to {billed}: {life}");
        Assert.True(billed.IsWithin(life.Most), $"{billed} is too much: {life}");
        if (!life.Least.IsWithin(billed))
        {
            return false;
        }

        if (life.Billed == default)
        {
            output.WriteLine($"{life.Domain} {life.Way}: {billed}, down {billed.BytesDown - life.Least.BytesDown} B over the least");
        }

        life.Billed = billed;
        return true;
    }

    private static Tally BilledFor(Life life, IReadOnlyDictionary<(string Domain, string Kind), Tally> usage)
        => usage.GetValueOrDefault((life.Domain, "websocket"));

    /// <summary>One file of the living process is open, and another where the next hour is near.</summary>
    private static async Task AssertDeadFilesGoAsync(string directory)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var files = Directory.GetFiles(Path.Combine(directory, "spool"));
            if (files.Length <= 2)
            {
                return;
            }

            Assert.True(Stopwatch.GetElapsedTime(start) < Wire.Patience, $"files of dead processes are still there: {string.Join(' ', files)}");
            await Task.Delay(50);
        }
    }
}
