using System.Net.WebSockets;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>Does what README.md says, command by command: every block that is marked <c>sh</c>, in its order, but for the cluster, which
/// has a test of its own. Ports, home and data directory are others than a reader's, by environment alone.</summary>
[SupportedOSPlatform("linux")]
public sealed class ReadmeTests : IAsyncLifetime
{
    private readonly Queue<string> _blocks = new(ReadmePage.Blocks(static section => section != ReadmePage.Cluster));
    private readonly ReadmeTerminal _terminal = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _terminal.DisposeAsync();

    [PeerFact("bash", "curl", "openssl", "dotnet")]
    public async Task EveryCommandOfTheReadme_DoesWhatItSays()
    {
        await _terminal.StartEdgeAsync(Next("dotnet run --project src/OrleansEdge.Standalone"));
        CheckTestScript(Next("./test.sh"));
        await AddDomainAsync();
        await WatchAndEndSessionAsync();
        await SeeUsageAsync();
        await LookAtDataAsync();
        await DrainAsync();
        await UseTlsAsync();
        await StandBehindBalancerAsync();
        Assert.Empty(_blocks);
    }

    private static void CheckTestScript(string block)
    {
        Assert.Equal("./test.sh", block);
        var mode = File.GetUnixFileMode(Path.Combine(RepositoryFiles.Root, "test.sh"));
        Assert.True(mode.HasFlag(UnixFileMode.UserExecute), "test.sh cannot be run");
        Assert.Contains("test.sh", File.ReadAllText(Path.Combine(RepositoryFiles.Root, ".ci", "run")), StringComparison.Ordinal);
    }

    private async Task AddDomainAsync()
    {
        var document = JsonNode.Parse(await _terminal.RunAsync(Next("curl -X PUT")))!;
        Assert.Equal("chat.example.com", (string)document["domain"]!);
        Assert.Equal(60, (int)document["webSocket"]!["timeoutSeconds"]!);

        var answer = await _terminal.RunAsync(Next("curl -i -H 'Host: chat.example.com'"));
        Assert.StartsWith("HTTP/1.1 502 ", answer, StringComparison.Ordinal);
        Assert.Contains("origin_refused", answer, StringComparison.Ordinal);
    }

    private async Task WatchAndEndSessionAsync()
    {
        using var page = new ClientWebSocket();
        await page.ConnectAsync(new UriBuilder(_terminal.Url("edge")) { Scheme = "ws", Host = "localhost", Path = "/comments" }.Uri, default);

        var sessions = JsonNode.Parse(await _terminal.RunAsync(Next("curl http://localhost:8081/api/v1/sessions")))!["items"]!.AsArray();
        Assert.Equal("localhost", (string)sessions.Single()!["domain"]!);

        var ended = await _terminal.RunAsync(Next("id=$(curl"));
        Assert.StartsWith("HTTP/1.1 204 ", ended, StringComparison.Ordinal);
        Assert.Equal((1008, "closed by operator"), await ReadCloseAsync(page));
        await _terminal.Edge.Output.TakeAsync(
            line => line.Contains("\"cause\":\"closed_by_operator\"", StringComparison.Ordinal) ? line : null, "The line of the session's end");
    }

    // The session that was opened and ended before is on the bill after the next report.
    private async Task SeeUsageAsync()
    {
        var command = Next("curl 'http://localhost:8081/api/v1/tenants/demo/usage");
        using var deadline = new CancellationTokenSource(OutputLines.DefaultDeadline);
        while (true)
        {
            var usage = JsonNode.Parse(await _terminal.RunAsync(command))!;
            var sockets = usage["points"]!.AsArray().Where(point => (string)point!["kind"]! == "websocket").ToList();
            if (sockets.Sum(point => (int)point!["sessions"]!) == 1 && sockets.Sum(point => (int)point!["bytesDown"]!) > 0)
            {
                Assert.All(sockets, point => Assert.Equal("localhost", (string)point!["domain"]!));
                return;
            }

            Assert.False(deadline.IsCancellationRequested, $"the session is not in the usage: {usage}");
            await Task.Delay(100);
        }
    }

    private async Task LookAtDataAsync()
    {
        var listed = await _terminal.RunAsync(Next("ls ~/.local/share/orleans-edge"));
        Assert.Contains("audit.jsonl", listed, StringComparison.Ordinal);
        Assert.Equal(3000, (int)JsonNode.Parse(listed[listed.IndexOf('{', StringComparison.Ordinal)..])!["origins"]![0]!["httpPort"]!);
    }

    private async Task DrainAsync()
    {
        var gateway = JsonNode.Parse(await _terminal.RunAsync(Next("name=$(curl")))!;
        Assert.Equal("draining", (string)gateway["state"]!);
        Assert.Equal(0, await _terminal.Edge.WaitForExitAsync(TimeSpan.FromMinutes(1)));
    }

    private async Task UseTlsAsync()
    {
        await _terminal.RunAsync(Next("mkdir -p ~/edge-certificates"));
        await _terminal.StartEdgeAsync(Next("dotnet run --project src/OrleansEdge.Standalone -- --Kestrel:Endpoints:EdgeTls"));
        Assert.Contains("<title>", await _terminal.RunAsync(Next("curl --cacert")), StringComparison.Ordinal);
        await _terminal.StopEdgeAsync();
    }

    private async Task StandBehindBalancerAsync()
    {
        await _terminal.StartEdgeAsync(Next("dotnet run --project src/OrleansEdge.Standalone -- --Edge:ProxyProtocol=required"));
        Assert.Contains("<title>", await _terminal.RunAsync(Next("curl --haproxy-protocol")), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<HttpRequestException>(async () =>
        {
            using var client = new HttpClient();
            await client.GetAsync(_terminal.Url("edge"));
        });
        await _terminal.StopEdgeAsync();
    }

    private string Next(string start)
    {
        var block = _blocks.Dequeue();
        Assert.StartsWith(start, block, StringComparison.Ordinal);
        return block;
    }

    private static async Task<(int Code, string? Reason)> ReadCloseAsync(ClientWebSocket page)
    {
        using var deadline = new CancellationTokenSource(OutputLines.DefaultDeadline);
        var buffer = new byte[16 * 1024];
        while ((await page.ReceiveAsync(buffer, deadline.Token)).MessageType != WebSocketMessageType.Close)
        {
            // Comments and numbers of viewers come before it.
        }

        return ((int)page.CloseStatus!, page.CloseStatusDescription);
    }
}

/// <summary>A reader's terminals in the root of the repository, with a home of their own. What the README calls port 8080, 8081 and
/// 8443 are ports that the system chose: settings in the environment say so to the edge, and curl's own configuration to curl.</summary>
[SupportedOSPlatform("linux")]
internal sealed class ReadmeTerminal : IAsyncDisposable
{
    // The first start builds.
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(10);

    private readonly string _home = Directory.CreateTempSubdirectory("orleans-edge-readme-").FullName;
    private readonly Dictionary<string, string?> _environment;
    private ChildProcess? _edge;

    public ReadmeTerminal()
    {
        var home = Environment.GetEnvironmentVariable("HOME")!;
        _environment = new()
        {
            ["HOME"] = _home,
            ["CURL_HOME"] = _home,
            ["XDG_DATA_HOME"] = null,
            ["PATH"] = $"{_home}/bin:{Environment.GetEnvironmentVariable("PATH")}",
            ["DOTNET_CLI_HOME"] = Environment.GetEnvironmentVariable("DOTNET_CLI_HOME") ?? home,
            ["NUGET_PACKAGES"] = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages"),
            // Nothing of a build may outlive the test.
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
            ["UseSharedCompilation"] = "false",
            ["Kestrel__Endpoints__Edge__Url"] = "http://127.0.0.1:0",
            ["Kestrel__Endpoints__Admin__Url"] = "http://127.0.0.1:0",
        };
        WriteDotnet();
    }

    /// <summary>The process of the last start.</summary>
    public ChildProcess Edge => _edge ?? throw new InvalidOperationException("The edge was not started");

    /// <summary>An address that the edge's start printed.</summary>
    public Uri Url(string endpoint)
        => new(Edge.Output.Snapshot().First(line => line.StartsWith($"  {endpoint} ", StringComparison.Ordinal)).Split(' ')[^1]);

    /// <summary>Runs a block that starts the edge, until it is ready.</summary>
    public async Task StartEdgeAsync(string block)
    {
        _edge = Start("edge", $"exec {block}");
        await WithTranscriptAsync(_edge, _edge.Output.TakeAsync(line => line == "Ready." ? line : null, "The line \"Ready.\"", StartDeadline));
        var endpoints = new List<(string Name, int Port)> { ("edge", 8080), ("admin", 8081) };
        if (block.Contains("EdgeTls", StringComparison.Ordinal))
        {
            endpoints.Add(("edge tls", 8443));
        }

        await File.WriteAllLinesAsync(
            Path.Combine(_home, ".curlrc"),
            endpoints.Select(endpoint => $"connect-to = \"localhost:{endpoint.Port}:127.0.0.1:{Url(endpoint.Name).Port}\""));
    }

    /// <summary>Ends the edge as the system does.</summary>
    public async Task StopEdgeAsync()
    {
        Edge.Terminate();
        Assert.Equal(0, await Edge.WaitForExitAsync(TimeSpan.FromMinutes(1)));
    }

    /// <summary>Runs a block to its end, which must be a good one.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunAsync(string block)
    {
        await using var shell = Start("shell", $"set -eo pipefail\n{block}");
        Assert.True(await shell.WaitForExitAsync() == 0, $"{block}\n{shell.Transcript()}");
        return string.Join('\n', shell.Output.Snapshot());
    }

    public async ValueTask DisposeAsync()
    {
        if (_edge is not null)
        {
            await _edge.DisposeAsync();
        }

        Directory.Delete(_home, recursive: true);
    }

    private ChildProcess Start(string name, string script)
        => ChildProcess.Start(name, "bash", ["-c", script], _environment, RepositoryFiles.Root);

    // The endpoint for TLS is given on the command line, which wins over the environment; so the port is replaced on its way.
    private void WriteDotnet()
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(_home, "bin")).FullName, "dotnet");
        var dotnet = Peers.Program("dotnet");
        File.WriteAllText(path, $$"""
            #!/bin/sh
            case "$*" in
              *EdgeTls*) exec '{{dotnet}}' "$@" --Kestrel:Endpoints:EdgeTls:Url=https://127.0.0.1:0 ;;
              *) exec '{{dotnet}}' "$@" ;;
            esac
            """);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static async Task WithTranscriptAsync(ChildProcess process, Task wait)
    {
        try
        {
            await wait;
        }
        catch (TimeoutException missing)
        {
            throw new TimeoutException($"{missing.Message}\n{process.Transcript()}", missing);
        }
    }
}
