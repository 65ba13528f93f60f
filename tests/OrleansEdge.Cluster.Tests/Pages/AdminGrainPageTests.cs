using System.Net.WebSockets;
using OrleansEdge.Cluster.Tests.Failures;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Cluster.Tests.Processes;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Pages;

[Collection(ProcessTests.Name)]
public sealed class AdminGrainPageTests
{
    private const string Domain = "live.example.com";

    [Fact]
    public void ProgramOfThePage_IsTheSample()
    {
        var page = File.ReadAllLines(Path.Combine(RepositoryFiles.Root, "docs", "admin-grain.md"));
        var sample = File.ReadAllLines(Path.Combine(RepositoryFiles.Root, "tests", "OrleansEdge.Cluster.Tests", "Pages", "AdminGrainSample.cs"));
        var usings = sample.TakeWhile(static line => line.Length > 0);
        var body = sample.SkipWhile(static line => line != "    {").Skip(1).TakeWhile(static line => line != "    }");
        Assert.Equal(
            [.. usings, "", "const string redis = \"127.0.0.1:6379\";", .. body.Select(static line => line.Length == 0 ? line : line[8..])],
            page.SkipWhile(static line => line != "```csharp").Skip(1).TakeWhile(static line => line != "```"));
    }

    [Fact]
    public async Task Sample_PutsDocumentsAndListsGatewaysWithTheirSessions()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var silo = SiloProcess.Start(redis);
        await using var gateway = GatewayProcess.Start(redis);
        await using var origin = await EchoOrigin.StartAsync();
        await silo.WaitUntilReadyAsync();
        await gateway.WaitUntilReadyAsync();
        await silo.Admin.PutTenantAsync("acme");
        await silo.Admin.PutDomainAsync(Domain, origin.Port, "acme");
        using var session = await OpenAsync(silo, gateway);

        var output = await RunSampleAsync(redis.Address);
        Assert.Contains("chat.example.com has version 1", output);
        Assert.Contains("gateway is Ready, sessions of acme: 1", output);
    }

    // Until the gateway knows the domain it refuses; until it has been heard of its sessions are not listed.
    private static async Task<ClientWebSocket> OpenAsync(SiloProcess silo, GatewayProcess gateway)
    {
        using var deadline = new CancellationTokenSource(OutputLines.DefaultDeadline);
        ClientWebSocket? session;
        while ((session = await TryOpenAsync(gateway, deadline.Token)) is null)
        {
            await Task.Delay(50, deadline.Token);
        }

        while ((await silo.Admin.ListSessionsAsync(Domain)).Count == 0)
        {
            await Task.Delay(50, deadline.Token);
        }

        return session;
    }

    private static async Task<ClientWebSocket?> TryOpenAsync(GatewayProcess gateway, CancellationToken deadline)
    {
        var session = new ClientWebSocket();
        session.Options.SetRequestHeader("Host", Domain);
        try
        {
            await session.ConnectAsync(new UriBuilder(gateway.Edge) { Scheme = "ws" }.Uri, deadline);
            return session;
        }
        catch (WebSocketException)
        {
            session.Dispose();
            return null;
        }
    }

    // Tests of processes run alone, so the output of this process is the sample's and its host's.
    private static async Task<string[]> RunSampleAsync(string redis)
    {
        var before = Console.Out;
        await using var output = new StringWriter();
        Console.SetOut(output);
        try
        {
            await AdminGrainSample.RunAsync(redis);
        }
        finally
        {
            Console.SetOut(before);
        }

        return output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
