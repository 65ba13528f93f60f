using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using OrleansEdge.Cluster.Tests.Processes;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>How long changes take from a silo to eight gateways that have open sessions.</summary>
[Collection(ProcessTests.Name)]
public sealed class PropagationTests(PropagationTests.Mesh mesh, ITestOutputHelper output) : IClassFixture<PropagationTests.Mesh>
{
    private const int Changes = 100;
    private const string Tenant = "acme";

    private static readonly TimeSpan InForceWithin = TimeSpan.FromSeconds(1);

    // A subscription lasts for a minute: what changes after that is not sent to a gateway that hangs.
    private static readonly TimeSpan PausedFor = TimeSpan.FromSeconds(65);
    private static readonly TimeSpan PausedCatchesUpWithin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BetweenChanges = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task HundredChanges_AreInForceEverywhereWithinASecond()
    {
        const string Domain = "changes.example.com";
        using var sessions = await OpenAsync(Domain);
        var before = await PropagationHistogram.ReadAsync(mesh.Processes.Gateways);
        for (var change = 0; change < Changes; change++)
        {
            await PutAsync(change % mesh.Processes.Silos.Count, Domain, new() { ["timeoutSeconds"] = 200 + change });
            await Task.Delay(BetweenChanges);
        }

        var answered = await SwitchOffAsync(Domain);
        var ends = await Task.WhenAll(sessions.All.Select(static session => session.Ended.WaitAsync(TimeSpan.FromSeconds(30))));
        var took = ends.Select(end => Stopwatch.GetElapsedTime(answered, end.At)).ToList();
        var durations = (await PropagationHistogram.ReadAsync(mesh.Processes.Gateways)).Since(before);
        output.WriteLine($"{Changes} changes and the end on {sessions.All.Count} gateways: {durations.Count} measured; p50 within {durations.Quantile(0.5)} s, p99 within {durations.Quantile(0.99)} s, longest within {durations.Quantile(1)} s");
        output.WriteLine($"sessions end after the answer by gateway: {string.Join(", ", took.Select(static end => $"{end.TotalMilliseconds:0} ms"))}");

        Assert.All(ends, static end => Assert.Equal((1008, "domain disabled"), (end.Code, end.Reason)));
        Assert.All(took, static end => Assert.InRange(end, -InForceWithin, InForceWithin));
        // A change that the next one overtakes on its way is not measured.
        Assert.InRange(durations.Count, Changes * sessions.All.Count * 9 / 10, (Changes + 1) * sessions.All.Count);
        Assert.InRange(durations.Quantile(0.99), 0, InForceWithin.TotalSeconds);
    }

    [Fact]
    public async Task GatewayHangsForLongerThanItIsSubscribed_ItHasTheChangeSoonAfter()
    {
        const string Domain = "hang.example.com";
        using var sessions = await OpenAsync(Domain);
        mesh.Processes.Gateways[0].Pause();
        await Task.Delay(PausedFor);
        await SwitchOffAsync(Domain);
        await Task.WhenAll(sessions.All.Skip(1).Select(static session => session.Ended.WaitAsync(TimeSpan.FromSeconds(30))));
        Assert.False(sessions.All[0].Ended.IsCompleted, "the gateway did not hang");

        mesh.Processes.Gateways[0].Resume();
        var resumed = Stopwatch.GetTimestamp();
        var end = await sessions.All[0].Ended.WaitAsync(TimeSpan.FromSeconds(30));
        var took = Stopwatch.GetElapsedTime(resumed, end.At);
        output.WriteLine($"in force {took.TotalSeconds:0.00} s after the gateway goes on");
        Assert.Equal((1008, "domain disabled"), (end.Code, end.Reason));
        Assert.InRange(took, TimeSpan.Zero, PausedCatchesUpWithin);
    }

    /// <summary>One open session on every gateway, that does not time out meanwhile.</summary>
    private async Task<SessionsEverywhere> OpenAsync(string domain)
    {
        await mesh.Processes.Silos[0].Admin.PutTenantAsync(Tenant);
        await PutAsync(0, domain, new() { ["timeoutSeconds"] = 0 });
        await Task.WhenAll(mesh.Processes.Gateways.Select(
            gateway => ObservedSession.UntilAnsweredAsync(gateway, domain, HttpStatusCode.SwitchingProtocols)));
        return new(await Task.WhenAll(mesh.Processes.Gateways.Select(gateway => ObservedSession.OpenAsync(gateway, domain))));
    }

    private Task PutAsync(int silo, string domain, JsonObject webSocket)
        => mesh.Processes.Silos[silo].Admin.PutDomainAsync(domain, mesh.Origin.Port, Tenant, webSocket);

    /// <summary>Switches WebSocket off.</summary>
    /// <returns>When that was answered, as <see cref="Stopwatch.GetTimestamp"/> counts.</returns>
    private async Task<long> SwitchOffAsync(string domain)
    {
        await PutAsync(1, domain, new() { ["enabled"] = false });
        return Stopwatch.GetTimestamp();
    }

    private sealed record SessionsEverywhere(IReadOnlyList<ObservedSession> All) : IDisposable
    {
        public void Dispose()
        {
            foreach (var session in All)
            {
                session.Dispose();
            }
        }
    }

    /// <summary>One mesh for both cases.</summary>
    public sealed class Mesh : IAsyncLifetime
    {
        public MeshProcesses Processes { get; private set; } = null!;

        public EchoOrigin Origin { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Origin = await EchoOrigin.StartAsync();
            Processes = await MeshProcesses.StartAsync(new() { Silos = 2, Gateways = 8 });
        }

        public async Task DisposeAsync()
        {
            await Processes.DisposeAsync();
            await Origin.DisposeAsync();
        }
    }
}
