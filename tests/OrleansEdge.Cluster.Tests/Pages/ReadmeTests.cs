using System.Text.Json.Nodes;
using OrleansEdge.Cluster.Tests.Processes;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Pages;

/// <summary>Does what README.md says of the cluster, command by command.</summary>
[Collection(ProcessTests.Name)]
public sealed class ReadmeTests : IAsyncLifetime
{
    private readonly Queue<string> _blocks = new(ReadmePage.Blocks(static section => section == ReadmePage.Cluster));
    private readonly ReadmeTerminals _terminals = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _terminals.DisposeAsync();

    [Fact]
    public async Task EveryCommandOfTheCluster_DoesWhatItSays()
    {
        await _terminals.StartRedisAsync(Next("mkdir -p ~/edge-redis && redis-server --appendonly yes"));
        await _terminals.StartSiloAsync(Next("dotnet run --project src/OrleansEdge.Silo"));
        await _terminals.StartGatewayAsync(Next("dotnet run --project src/OrleansEdge.Gateway"));
        await PutDocumentsAsync();
        await ConnectAsync();
        Assert.Empty(_blocks);
    }

    private async Task PutDocumentsAsync()
    {
        var answers = await _terminals.RunAsync(Next("curl -X PUT http://localhost:8081/api/v1/tenants/acme"));
        var (tenant, domain) = (answers[..answers.IndexOf("\n{", StringComparison.Ordinal)], answers[answers.IndexOf("\n{", StringComparison.Ordinal)..]);
        Assert.Equal("Acme Ltd", (string)JsonNode.Parse(tenant)!["name"]!);
        Assert.Equal("acme", (string)JsonNode.Parse(domain)!["tenant"]!);
    }

    // Nothing listens on the origin's port; that the gateway has tried it shows that it knows the domain, which takes it up to a second.
    private async Task ConnectAsync()
    {
        var command = Next("curl -i -H 'Host: chat.example.com'");
        using var deadline = new CancellationTokenSource(OutputLines.DefaultDeadline);
        string answer;
        while (!(answer = await _terminals.RunAsync(command)).Contains("origin_refused", StringComparison.Ordinal))
        {
            Assert.False(deadline.IsCancellationRequested, $"the gateway does not serve the domain: {answer}");
            await Task.Delay(100);
        }

        Assert.StartsWith("HTTP/1.1 502 ", answer, StringComparison.Ordinal);
    }

    private string Next(string start)
    {
        var block = _blocks.Dequeue();
        Assert.StartsWith(start, block, StringComparison.Ordinal);
        return block;
    }
}
