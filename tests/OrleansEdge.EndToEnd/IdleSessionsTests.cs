using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;
using Xunit.Abstractions;

namespace OrleansEdge.EndToEnd;

/// <summary>Many sessions that say nothing: client, edge and origin in processes of their own.</summary>
public sealed class IdleSessionsTests(ITestOutputHelper output)
{
    private const int Half = 2_500;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    // Resident memory is to follow what is held, not what a collector with plenty of room has not collected yet.
    private static readonly Dictionary<string, string?> EagerCollector = new()
    {
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_GCgen0size"] = "0x400000",
        ["DOTNET_GCConserveMemory"] = "9",
    };

    [DescriptorFact(4 * Half)]
    public async Task FiveThousandIdleSessions_OnlyThoseOfAChangedDomainEnd()
    {
        await using var edge = await EdgeProcess.StartAsync(new() { Environment = EagerCollector });
        await using var origin = StartLoad("origin");
        await using var clients = StartLoad("clients");
        await clients.WaitForAsync("started");
        var port = (await origin.WaitForAsync("listening")).GetProperty("port").GetInt32();
        await edge.Admin.PutTenantAsync("acme");
        await PutAndWarmUpAsync(edge, clients, port);
        var empty = Resident(edge, "empty");

        await ConnectAsync(edge, clients, "left", Half);
        await ConnectAsync(edge, clients, "right", Half);
        var held = Resident(edge, "5,000 idle sessions");
        output.WriteLine($"{(held - empty) / (2.0 * Half) / 1024:0.0} KiB per session");
        await AssertOriginHoldsAsync(origin, 2 * Half);

        await edge.Admin.ChangeDomainAsync("left.test", document => document["webSocket"]!["enabled"] = false);
        await AssertClosedAsync(clients, "left", "1008 domain disabled");
        await AssertOpenAsync(clients, "right", Half);
        await AssertOriginHoldsAsync(origin, Half);
        Resident(edge, "half of them left");

        await SetTimeoutAsync(edge, "right", 1);
        await AssertClosedAsync(clients, "right", "1001 idle timeout");
        await AssertOriginHoldsAsync(origin, 0);
        await AssertNoneListedAsync(edge, "right.test");
        Resident(edge, "none left");

        // What 5,000 sessions had is there for the next 5,000: a leak of their state would show as growth.
        await SetTimeoutAsync(edge, "right", 0);
        await ConnectAsync(edge, clients, "right", 2 * Half);
        await AssertOpenAsync(clients, "right", 2 * Half);
        Assert.InRange(Resident(edge, "5,000 idle sessions again"), 0, held + ((held - empty) / 4) + (8 << 20));
        await SetTimeoutAsync(edge, "right", 1);
        await AssertClosedAsync(clients, "right", "1001 idle timeout");
        await AssertMemoryComesBackAsync(edge, clients, empty + ((held - empty) * 6 / 10));
    }

    private static ProcessPeer StartLoad(string side)
        => ProcessPeer.Start($"load {side}", "dotnet", [RepositoryFiles.Built("tests/OrleansEdge.Load"), side]);

    /// <summary>Adds the two domains, and lets a few sessions through so that what is measured later is not first use.</summary>
    private static async Task PutAndWarmUpAsync(EdgeProcess edge, ProcessPeer clients, int port)
    {
        foreach (var name in (string[])["left", "right"])
        {
            await edge.Admin.PutDomainAsync($"{name}.test", port, "acme", new JsonObject { ["timeoutSeconds"] = 1 });
            await ConnectAsync(edge, clients, name, 50);
            await AssertClosedAsync(clients, name, "1001 idle timeout");
            await SetTimeoutAsync(edge, name, 0);
        }
    }

    private static Task SetTimeoutAsync(EdgeProcess edge, string group, int seconds)
        => edge.Admin.ChangeDomainAsync($"{group}.test", document => document["webSocket"]!["timeoutSeconds"] = seconds);

    private static async Task ConnectAsync(EdgeProcess edge, ProcessPeer clients, string group, int count)
    {
        await clients.SendAsync(new()
        {
            ["do"] = "connect",
            ["group"] = group,
            ["url"] = $"ws://{group}.test:{edge.Edge.Port}/",
            ["count"] = count,
        });
        var connected = await clients.WaitForAsync("connected", deadline: Patience);
        Assert.Equal("{}", connected.GetProperty("failures").GetRawText());
        Assert.Equal(count, connected.GetProperty("open").GetInt32());
    }

    private static async Task AssertClosedAsync(ProcessPeer clients, string group, string end)
    {
        var closed = await clients.WaitForAsync("closed", details => details.GetProperty("group").GetString() == group, Patience);
        var ends = closed.GetProperty("ends").EnumerateObject().Select(entry => entry.Name);
        Assert.Equal([end], ends);
    }

    private static async Task AssertOpenAsync(ProcessPeer clients, string group, int count)
    {
        await clients.SendAsync(new() { ["do"] = "report", ["group"] = group });
        var report = await clients.WaitForAsync("report");
        Assert.Equal((count, "{}"), (report.GetProperty("open").GetInt32(), report.GetProperty("ends").GetRawText()));
        await clients.SendAsync(new() { ["do"] = "echo", ["group"] = group });
        Assert.Equal(count, (await clients.WaitForAsync("echoed", deadline: Patience)).GetProperty("count").GetInt32());
    }

    /// <summary>The origin comes to hold so many: a Close that has reached the client may still be on its way to the origin.</summary>
    private static async Task AssertOriginHoldsAsync(ProcessPeer origin, int expected)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (true)
        {
            await origin.SendAsync(new() { ["do"] = "count" });
            var open = (await origin.WaitForAsync("count")).GetProperty("open").GetInt32();
            if (open == expected)
            {
                return;
            }

            Assert.False(timeout.IsCancellationRequested, $"the origin holds {open} WebSockets instead of {expected}");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    /// <summary>The edge comes to list none: a session is over when both connections are closed, which follows the last Close.</summary>
    private static async Task AssertNoneListedAsync(EdgeProcess edge, string domain)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (await edge.Admin.ListSessionsAsync(domain) is { Count: > 0 } sessions)
        {
            Assert.False(timeout.IsCancellationRequested, $"{sessions.Count} sessions are listed still, one of them: {sessions[0]}");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    /// <summary>A collector gives memory back while it works, so there is some traffic until it has.</summary>
    private async Task AssertMemoryComesBackAsync(EdgeProcess edge, ProcessPeer clients, long limit)
    {
        using var timeout = new CancellationTokenSource(Patience);
        while (Resident(edge, "after some more traffic") > limit)
        {
            Assert.False(timeout.IsCancellationRequested, $"more than {limit / 1024 / 1024} MiB are resident without sessions");
            await SetTimeoutAsync(edge, "right", 0);
            await ConnectAsync(edge, clients, "right", 500);
            await SetTimeoutAsync(edge, "right", 1);
            await AssertClosedAsync(clients, "right", "1001 idle timeout");
        }
    }

    private long Resident(EdgeProcess edge, string when)
    {
        var bytes = edge.Process.ResidentBytes;
        output.WriteLine($"{when}: {bytes / 1024.0 / 1024:0.0} MiB");
        return bytes;
    }
}

/// <summary>A test that needs so many descriptors in one process, and is skipped by name where the system allows fewer.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DescriptorFactAttribute : FactAttribute
{
    // What a .NET process has open beside its connections.
    private const int Spare = 500;

    public DescriptorFactAttribute(int descriptors)
    {
        var line = File.ReadLines("/proc/self/limits").First(limit => limit.StartsWith("Max open files", StringComparison.Ordinal));
        var hard = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4];
        if (long.TryParse(hard, out var limit) && limit < descriptors + Spare)
        {
            Skip = $"{descriptors + Spare} descriptors are needed, the system allows {limit}";
        }
    }
}
