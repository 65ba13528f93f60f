using System.Diagnostics;
using OrleansEdge.Cluster.Tests.Processes;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>The network between one gateway and the silos and Redis goes, and comes back.</summary>
[Collection(ProcessTests.Name)]
public sealed class LinkTests(ITestOutputHelper output)
{
    private const int BehindTheLink = 2;

    private static readonly TimeSpan CutFor = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ChangeWithin = TimeSpan.FromSeconds(15);

    [CuttableLinkFact]
    public async Task OneGatewayIsCutOff_ItsSessionsGoOnAndItCatchesUp()
    {
        await using var link = CuttableLink.Create();
        await using var origin = await EchoOrigin.StartAsync(link.OriginAddress);
        await using var mesh = await MeshProcesses.StartAsync(new() { Link = link });
        await using var load = await MeshUnderLoad.StartAsync(mesh, origin, output);
        var since = Stopwatch.StartNew();

        link.Cut();
        var missed = await load.AddDomainAsync("missed", mesh.Silos[0]);
        await Task.Delay(CutFor - since.Elapsed);
        Assert.True(await load.IsServedAsync(0, missed));
        Assert.False(await load.IsServedAsync(BehindTheLink, missed), "the link was not cut");
        link.Heal();

        var caughtUp = await load.UntilServedAsync(missed);
        var served = await load.UntilServedAsync(await load.AddDomainAsync("later", mesh.Silos[1]));
        output.WriteLine($"a change made meanwhile is in force {caughtUp.TotalSeconds:0.0} s after the link healed, one made then after {served.TotalSeconds:0.0} s");
        Assert.InRange(caughtUp + served, TimeSpan.Zero, ChangeWithin);

        await load.StopAsync();
        await load.UntilBilledAsync();
    }
}
