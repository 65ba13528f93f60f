using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using OrleansEdge.Cluster.Tests.Processes;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>What of a mesh of three silos and three gateways dies, hangs or goes back while clients use it. Each case leaves it whole.</summary>
[Collection(ProcessTests.Name)]
public sealed class FailureTests(FailureTests.Mesh mesh, ITestOutputHelper output) : IClassFixture<FailureTests.Mesh>
{
    private static readonly TimeSpan AdminWithin = TimeSpan.FromSeconds(10);

    private MeshProcesses Processes => mesh.Processes;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task SiloIsKilled(int silo)
    {
        await using var load = await LoadAsync();

        Processes.Silos[silo].Kill();
        var took = await load.UntilAdministeredAsync(Processes.Silos.Where((_, index) => index != silo));
        output.WriteLine($"admin calls work again after {took.TotalSeconds:0.0} s");
        Assert.InRange(took, TimeSpan.Zero, AdminWithin);
        await RestartAsync(Processes.Silos[silo]);

        await load.StopAsync();
        await load.UntilBilledAsync();
    }

    [Fact]
    public async Task AllSilosAreKilled()
    {
        await using var load = await LoadAsync();

        foreach (var silo in Processes.Silos)
        {
            silo.Kill();
        }

        await PassTimeAsync(10);
        await RestartAsync([.. Processes.Silos]);
        var took = await load.UntilAdministeredAsync(Processes.Silos);
        output.WriteLine($"admin calls work {took.TotalSeconds:0.0} s after the silos are ready");

        await load.StopAsync();
        await load.UntilBilledAsync();
    }

    [Fact]
    public async Task SiloHangsForHalfAMinute()
    {
        await using var load = await LoadAsync();
        var silo = Processes.Silos[1];

        silo.Pause();
        var took = await load.UntilAdministeredAsync([Processes.Silos[0], Processes.Silos[2]]);
        output.WriteLine($"admin calls work again after {took.TotalSeconds:0.0} s");
        Assert.InRange(took, TimeSpan.Zero, AdminWithin);
        await PassTimeAsync(30 - took.TotalSeconds);
        silo.Resume();

        // It was declared dead meanwhile and ends itself when it learns that.
        await silo.WaitForExitAsync(TimeSpan.FromSeconds(30));
        await RestartAsync(silo);
        await load.StopAsync();
        await load.UntilBilledAsync();
    }

    [Fact]
    public async Task GatewayIsKilled()
    {
        await using var load = await LoadAsync();

        load.TakeAway(1);
        Processes.Gateways[1].Kill();
        await PassTimeAsync(5);
        await RestartAsync(Processes.Gateways[1]);
        load.BringBack(1);
        await PassTimeAsync(2);

        await load.StopAsync(sessionsMayEnd: true);
        Assert.All(load.Clients.SelectMany(static client => client.Ends), static end => Assert.StartsWith("gateway-2: ", end, StringComparison.Ordinal));
        await load.UntilBilledAsync(unanswered: true);
    }

    [Fact]
    public async Task GatewayIsToldToEnd()
    {
        await using var load = await LoadAsync();

        load.TakeAway(1);
        Processes.Gateways[1].Terminate();
        Assert.Equal(0, await Processes.Gateways[1].WaitForExitAsync(TimeSpan.FromSeconds(30)));
        await RestartAsync(Processes.Gateways[1]);
        load.BringBack(1);
        await PassTimeAsync(2);

        await load.StopAsync(sessionsMayEnd: true);
        var ends = load.Clients.SelectMany(static client => client.Ends).Where(static end => !end.Contains("connect", StringComparison.OrdinalIgnoreCase)).ToList();
        Assert.NotEmpty(ends);
        Assert.All(ends, static end => Assert.True(end is "gateway-2: 1012" || end.Contains("503", StringComparison.Ordinal), end));
        await load.UntilBilledAsync(unanswered: true);
    }

    [Fact]
    public async Task RedisIsKilledAndStartedOnItsFile()
    {
        await using var load = await LoadAsync();

        await Processes.Redis.KillAsync();
        await PassTimeAsync(3);
        await Processes.Redis.RunAsync();
        var took = await load.UntilAdministeredAsync(Processes.Silos);
        output.WriteLine($"admin calls work {took.TotalSeconds:0.0} s after Redis is back");

        await load.StopAsync();
        await load.UntilBilledAsync();
    }

    [Fact]
    public async Task RedisIsAwayForTwentySeconds()
    {
        await using var load = await LoadAsync();

        await Processes.Redis.PauseAsync();
        await PassTimeAsync(20);
        await Processes.Redis.ResumeAsync();
        var took = await load.UntilAdministeredAsync(Processes.Silos);
        output.WriteLine($"admin calls work {took.TotalSeconds:0.0} s after Redis is back");

        await load.StopAsync();
        await load.UntilBilledAsync();
    }

    [Fact]
    public async Task RedisIsReplacedByAnOlderCopy()
    {
        await using var load = await LoadAsync();
        var copy = Processes.Redis.Copy();
        var lost = await load.AddDomainAsync("lost", Processes.Silos[0]);
        await load.UntilServedAsync(lost);
        await PassTimeAsync(10);

        await Processes.Redis.ReplaceAsync(copy);
        var since = Stopwatch.StartNew();
        await load.UntilAdministeredAsync(Processes.Silos);
        while (!await IsRestoredAsync(lost))
        {
            Assert.True(await load.IsServedAsync(0, lost), "the domain that the store lost is not served");
            Assert.True(since.Elapsed < TimeSpan.FromSeconds(60), $"{lost} was not restored within 60 s\n{Processes.Transcript()}");
        }

        output.WriteLine($"a domain that the store lost is there again after {since.Elapsed.TotalSeconds:0.0} s");

        await load.StopAsync();
        await load.UntilBilledAsync();
    }

    [Fact]
    public async Task SilosAreKilledWhileDomainsAreWritten_AcknowledgedOnesAreFound()
    {
        await using var load = await LoadAsync();
        var acknowledged = new List<string>();
        for (var round = 0; round < 3; round++)
        {
            var victim = Processes.Silos[round];
            var writer = Processes.Silos[(round + 1) % 3];
            using var over = new CancellationTokenSource();
            var writing = WriteDomainsAsync(writer, $"r{round}", load, acknowledged, over.Token);
            await PassTimeAsync(1 + Random.Shared.NextDouble());
            victim.Kill();
            await PassTimeAsync(4);
            await over.CancelAsync();
            await writing;
            await RestartAsync(victim);
            await load.UntilAdministeredAsync(Processes.Silos);
        }

        output.WriteLine($"{acknowledged.Count} domains were acknowledged");
        Assert.InRange(acknowledged.Count, 10, int.MaxValue);
        foreach (var domain in acknowledged)
        {
            await load.UntilServedAsync(domain);
        }

        await load.StopAsync();
        await load.UntilBilledAsync();
    }

    [Fact]
    public async Task EverySiloAndGatewayIsRestartedInTurn()
    {
        await using var load = await LoadAsync();
        foreach (var silo in Processes.Silos)
        {
            silo.Terminate();
            await RestartAsync(silo);
        }

        for (var gateway = 0; gateway < Processes.Gateways.Count; gateway++)
        {
            load.TakeAway(gateway);
            Processes.Gateways[gateway].Terminate();
            await RestartAsync(Processes.Gateways[gateway]);
            load.BringBack(gateway);
        }

        await PassTimeAsync(2);
        await load.StopAsync(sessionsMayEnd: true);
        await load.UntilBilledAsync(unanswered: true);
    }

    private static Task PassTimeAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(Math.Max(0, seconds)));

    private static async Task RestartAsync(params MeshProcess[] processes)
    {
        await Task.WhenAll(processes.Select(static process => process.StartAgainAsync()));
        await Task.WhenAll(processes.Select(static process => process.WaitUntilReadyAsync()));
    }

    private static async Task WriteDomainsAsync(SiloProcess writer, string prefix, MeshUnderLoad load, List<string> acknowledged, CancellationToken over)
    {
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            var name = $"{prefix}-{i}.{load.Domain}";
            try
            {
                await writer.Admin.PutDomainAsync(name, load.OriginPort, load.Domain.Split('.')[0]);
                acknowledged.Add(name);
            }
            catch (HttpRequestException)
            {
                // Not acknowledged.
            }
        }
    }

    private async Task<bool> IsRestoredAsync(string domain)
    {
        var after = "";
        while (true)
        {
            var page = await Processes.Silos[1].Admin.Http.GetFromJsonAsync<JsonElement>($"audit?limit=1000{after}");
            if (page.GetProperty("items").EnumerateArray().Any(
                line => line.GetProperty("name").GetString() == domain && line.GetProperty("action").GetString() == "restored"))
            {
                return true;
            }

            if (page.GetProperty("next").GetString() is not { } next)
            {
                return false;
            }

            after = $"&after={next}";
        }
    }

    private Task<MeshUnderLoad> LoadAsync() => MeshUnderLoad.StartAsync(Processes, mesh.Origin, output);

    /// <summary>One mesh for all cases.</summary>
    public sealed class Mesh : IAsyncLifetime
    {
        public MeshProcesses Processes { get; private set; } = null!;

        public EchoOrigin Origin { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Origin = await EchoOrigin.StartAsync();
            Processes = await MeshProcesses.StartAsync(new()
            {
                GatewaySettings = new Dictionary<string, string>
                {
                    ["Edge:Drain:Delay"] = "00:00:01",
                    ["Edge:Drain:Window"] = "00:00:02",
                    ["Edge:Drain:Grace"] = "00:00:02",
                },
            });
        }

        public async Task DisposeAsync()
        {
            await Processes.DisposeAsync();
            await Origin.DisposeAsync();
        }
    }
}
