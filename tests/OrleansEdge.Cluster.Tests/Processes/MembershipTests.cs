using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansEdge.Clustering.Hosting;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Processes;

[Collection(ProcessTests.Name)]
public sealed class MembershipTests(ITestOutputHelper output)
{
    // Three to six seconds are what is set; the rest is for a machine that has other things to do.
    private static readonly TimeSpan DeadBy = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task SiloIsKilled_TheOthersDeclareItDead()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 3, Gateways = 0 });
        mesh.Silos[1].Kill();
        var passed = await Membership.WaitForAsync(mesh.Redis, mesh.Silos[1], "Dead", DeadBy);
        output.WriteLine($"declared dead after {passed.TotalSeconds:0.0} s");
    }

    [Fact]
    public async Task SiloHangs_TheOthersDeclareItDeadAndItEndsItselfWhenItGoesOn()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 3, Gateways = 0 });
        mesh.Silos[1].Pause();
        var passed = await Membership.WaitForAsync(mesh.Redis, mesh.Silos[1], "Dead", DeadBy);
        output.WriteLine($"declared dead after {passed.TotalSeconds:0.0} s");

        mesh.Silos[1].Resume();
        Assert.NotEqual(0, await mesh.Silos[1].WaitForExitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task OneOfTwoIsKilledAndStartedAgain_ItIsAMemberAtOnce()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 2, Gateways = 0 });
        mesh.Silos[0].Kill();
        await mesh.Silos[0].StartAgainAsync();
        await mesh.Silos[0].WaitUntilReadyAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("Active", await Membership.StatusAsync(mesh.Redis, mesh.Silos[0]));
    }

    [Fact]
    public async Task AllAreKilledAndOneComesOnOtherPorts_ItServesWithoutThem()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 2, Gateways = 0 });
        mesh.Silos[0].Kill();
        mesh.Silos[1].Kill();
        var newcomer = mesh.AddSilo();
        await newcomer.WaitUntilReadyAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task RedisIsAwayForLongerThanHeartbeatsLast_NobodyIsDeclaredDead()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 3, Gateways = 0 });
        await mesh.Redis.KillAsync();
        using var away = new CancellationTokenSource(TimeSpan.FromSeconds(12));
        while (!away.IsCancellationRequested)
        {
            Assert.All(mesh.Silos, silo => Assert.False(silo.Process.HasExited, silo.Process.Transcript()));
            await Task.Delay(200);
        }

        await mesh.Redis.RunAsync();
        await mesh.AddSilo().WaitUntilReadyAsync();
        foreach (var silo in mesh.Silos)
        {
            Assert.Equal("Active", await Membership.StatusAsync(mesh.Redis, silo));
        }
    }

    [Fact]
    public async Task OneOfThreeLeaves_ItIsGoneAtOnceAndTheOthersStay()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 3, Gateways = 0 });
        mesh.Silos[2].Terminate();
        Assert.Equal(0, await mesh.Silos[2].WaitForExitAsync(DeadBy));
        Assert.Equal("Dead", await Membership.StatusAsync(mesh.Redis, mesh.Silos[2]));
        Assert.Equal("Active", await Membership.StatusAsync(mesh.Redis, mesh.Silos[0]));
        Assert.Equal("Active", await Membership.StatusAsync(mesh.Redis, mesh.Silos[1]));
    }

    [Fact]
    public async Task AllSilosAreAwayForAWhile_TheClientFindsThoseThatCome()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 1, Gateways = 0 });
        using var host = await StartClientAsync(mesh);
        var connection = host.Services.GetRequiredService<ClusterConnection>();
        await connection.WaitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        Assert.Single(await MembersAsync(host));

        mesh.Silos[0].Kill();
        await mesh.Silos[0].WaitForExitAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => MembersAsync(host));
        await mesh.AddSilo().WaitUntilReadyAsync();
        await UntilAsync(async () => (await MembersAsync(host)).Count > 0, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task NoSiloIsThere_TheHostOfAClientStartsAndStopsAllTheSame()
    {
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 0, Gateways = 0 });
        using var host = await StartClientAsync(mesh);
        var connection = host.Services.GetRequiredService<ClusterConnection>();
        Assert.False(connection.IsMade);
        var waiting = connection.WaitAsync(default);

        await host.StopAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private static async Task<IHost> StartClientAsync(MeshProcesses mesh)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(ClusterSettings.ClientDefaults);
        builder.Configuration[ClusterSettings.Redis] = mesh.Redis.Address;
        builder.Services.AddClusterClient(builder.Configuration);
        var host = builder.Build();
        await host.StartAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        return host;
    }

    private static async Task<ICollection<Orleans.Runtime.SiloAddress>> MembersAsync(IHost host)
        => (await host.Services.GetRequiredService<IGrainFactory>().GetGrain<Orleans.Runtime.IManagementGrain>(0).GetHosts(onlyActive: true)).Keys;

    private static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan deadline)
    {
        using var late = new CancellationTokenSource(deadline);
        while (!await SucceedsAsync(condition))
        {
            late.Token.ThrowIfCancellationRequested();
        }
    }

    private static async Task<bool> SucceedsAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (Exception failure) when (failure is Orleans.Runtime.OrleansException or TimeoutException)
        {
            await Task.Delay(100);
            return false;
        }
    }
}
