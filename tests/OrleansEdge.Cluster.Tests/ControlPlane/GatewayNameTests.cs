namespace OrleansEdge.Cluster.Tests.ControlPlane;

public sealed class GatewayNameTests
{
    [Fact]
    public async Task SecondLivingProcessOfAName_TakesASuffix_AndOneThatComesAfterTheFirstHasLeftDoesNot()
    {
        await using var harness = await ClusterHarness.StartAsync();
        var second = new ClusterHarness.FakeGateway();
        using var beat = harness.BeatOf(second);

        await beat.BeatAsync();

        Assert.Matches("^gw-1-[0-9a-f]{4}$", second.Name);
        var names = (await harness.Control.ListGatewaysAsync(default, default)).Value.Items.Select(static gateway => gateway.Name);
        Assert.Equal(["gw-1", second.Name], names);

        await beat.StopAsync(default);
        var third = new ClusterHarness.FakeGateway();
        third.Rename(second.Name);
        using var after = harness.BeatOf(third);
        await after.BeatAsync();
        Assert.Equal(second.Name, third.Name);
    }
}
