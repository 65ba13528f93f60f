using System.Net;
using System.Net.Sockets;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Processes;

[Collection(ProcessTests.Name)]
public sealed class StartAndStopTests : IAsyncLifetime
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(10);

    private RedisServer _redis = null!;

    public async Task InitializeAsync() => _redis = await RedisServer.StartAsync();

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    [Fact]
    public async Task Silo_IsReadyAndLeavesTheClusterOnSigTerm()
    {
        await using var silo = SiloProcess.Start(_redis);
        await silo.WaitUntilReadyAsync();
        Assert.Equal(HttpStatusCode.OK, await silo.AskAsync("/healthz/live"));
        Assert.Equal(HttpStatusCode.OK, await silo.AskAsync("/metrics"));
        Assert.Equal("Active", await Membership.StatusAsync(_redis, silo));

        silo.Terminate();
        Assert.Equal(0, await silo.WaitForExitAsync(AtOnce));
        Assert.Equal("Dead", await Membership.StatusAsync(_redis, silo));
    }

    [Fact]
    public async Task GatewayWithoutASilo_LivesAndIsNotReady()
    {
        await using var gateway = GatewayProcess.Start(_redis);
        await gateway.WaitForAnswerAsync("/healthz/live", HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await gateway.AskAsync("/healthz/ready"));
        Assert.Equal(HttpStatusCode.OK, await gateway.AskAsync("/metrics"));

        gateway.Terminate();
        Assert.Equal(0, await gateway.WaitForExitAsync(AtOnce));
    }

    [Fact]
    public async Task GatewayWithoutRedis_LivesAndConnectsWhenRedisAndSiloCome()
    {
        await _redis.KillAsync();
        await using var gateway = GatewayProcess.Start(_redis);
        await gateway.WaitForAnswerAsync("/healthz/live", HttpStatusCode.OK);
        await gateway.Process.Errors.TakeAsync(
            static line => line.Contains("The cluster does not answer yet", StringComparison.Ordinal) ? line : null, "the warning about the cluster");

        await _redis.RunAsync();
        await using var silo = SiloProcess.Start(_redis);
        await gateway.Process.Errors.TakeAsync(
            static line => line.Contains("Connected to the cluster", StringComparison.Ordinal) ? line : null, "the connection to the cluster");
    }

    [Fact]
    public async Task SiloWithoutRedis_WaitsForItAndNothingFails()
    {
        await _redis.KillAsync();
        await using var silo = SiloProcess.Start(_redis);
        await TakeWaitAsync(silo);

        await _redis.RunAsync();
        await silo.WaitUntilReadyAsync();
        await silo.Admin.PutTenantAsync("acme");
        Assert.DoesNotContain(silo.Process.Errors.Snapshot(), static line => line.Contains(" error ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SiloIsStoppedWhileItWaitsForRedis_EndsInOrder()
    {
        await _redis.KillAsync();
        await using var silo = SiloProcess.Start(_redis);
        await TakeWaitAsync(silo);

        silo.Terminate();
        Assert.Equal(0, await silo.WaitForExitAsync(AtOnce));
        await _redis.RunAsync();
    }

    [Fact]
    public async Task GatewayIsStoppedAfterItsSiloWasKilled_EndsInOrder()
    {
        await using var silo = SiloProcess.Start(_redis);
        await using var gateway = GatewayProcess.Start(_redis, settings: new Dictionary<string, string> { ["Edge:Drain:Delay"] = "0" });
        await gateway.Process.Errors.TakeAsync(
            static line => line.Contains("Connected to the cluster", StringComparison.Ordinal) ? line : null, "the connection to the cluster");
        silo.Kill();
        await silo.WaitForExitAsync();

        gateway.Terminate();
        Assert.Equal(0, await gateway.WaitForExitAsync(AtOnce));
    }

    [Theory]
    [InlineData("src/OrleansEdge.Silo")]
    [InlineData("src/OrleansEdge.Gateway")]
    public async Task BadSettings_EachIsListed(string project)
    {
        await using var process = ChildProcess.Start(
            "bad", "dotnet", [RepositoryFiles.Built(project), "--ConnectionStrings:Redis=localhost,passwrd=x", "--Orleans:ServiceId=", "--Edge:Nam=x", "--Edge:Limits:MaxTimeoutSeconds=0"]);
        Assert.Equal(2, await process.WaitForExitAsync());
        var faults = process.Errors.Snapshot();
        Assert.Contains(faults, static fault => fault.StartsWith("ConnectionStrings:Redis is not understood", StringComparison.Ordinal));
        Assert.Contains(faults, static fault => fault.StartsWith("Orleans:ServiceId is empty", StringComparison.Ordinal));
        Assert.Contains(faults, static fault => fault.StartsWith("Edge:Nam is not a setting", StringComparison.Ordinal));
        Assert.Contains(faults, static fault => fault.StartsWith("Edge:Limits:MaxTimeoutSeconds is 0", StringComparison.Ordinal));
        Assert.Equal(4, faults.Count);
    }

    [Fact]
    public async Task BadEndpointsOfASilo_EachIsListed()
    {
        await using var process = ChildProcess.Start(
            "bad",
            "dotnet",
            [
                RepositoryFiles.Built("src/OrleansEdge.Silo"),
                "--Orleans:Endpoints:SiloPort=many",
                "--Orleans:Endpoints:GatewayPort=0",
                "--Orleans:Endpoints:AdvertisedIPAddress=0.0.0.0",
                "--Kestrel:Endpoints:Edge:Url=http://127.0.0.1:0",
                "--Kestrel:Endpoints:Admin:Url=nonsense",
            ]);
        Assert.Equal(2, await process.WaitForExitAsync());
        Assert.Equal(
            [
                "Kestrel:Endpoints:Admin:Url is 'nonsense'; it must be a URL of an address and port, such as http://127.0.0.1:8081.",
                "Kestrel:Endpoints:Edge is unknown; the endpoints are Admin, Health.",
                "Orleans:Endpoints:AdvertisedIPAddress is '0.0.0.0'; it must be an IP address of this machine that the other members reach.",
                "Orleans:Endpoints:SiloPort is 'many'; it must be 1 to 65535.",
                "Orleans:Endpoints:GatewayPort is '0'; it must be 1 to 65535.",
            ],
            process.Errors.Snapshot());
    }

    [Theory]
    [InlineData("SiloPort")]
    [InlineData("GatewayPort")]
    public async Task PortOfASiloIsTaken_OneSentenceNamesIt(string setting)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var silo = SiloProcess.Start(_redis, settings: new Dictionary<string, string> { [$"Orleans:Endpoints:{setting}"] = $"{port}" });
        Assert.Equal(1, await silo.WaitForExitAsync());
        Assert.Equal(
            [$"Cannot listen on 127.0.0.1:{port}: the port is already in use by another process. Choose another with --Orleans:Endpoints:{setting}=PORT."],
            silo.Process.Errors.Snapshot());
    }

    [Fact]
    public async Task AddressOfASiloIsNotOfThisMachine_OneSentenceSaysSo()
    {
        await using var silo = SiloProcess.Start(_redis, settings: new Dictionary<string, string> { ["Orleans:Endpoints:AdvertisedIPAddress"] = "192.0.2.7" });
        Assert.Equal(1, await silo.WaitForExitAsync());
        Assert.Equal(
            [$"Cannot listen on 192.0.2.7:{silo.SiloPort}: the address is not of this machine. Set Orleans:Endpoints:AdvertisedIPAddress."],
            silo.Process.Errors.Snapshot());
    }

    private static Task<string> TakeWaitAsync(SiloProcess silo)
        => silo.Process.Errors.TakeAsync(static line => line.Contains("does not answer; the silo starts when it does", StringComparison.Ordinal) ? line : null, "the wait for Redis");
}
