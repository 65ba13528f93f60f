using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Pages;

/// <summary>A reader's terminals in the root of the repository, with a home of their own. The default ports are replaced by free ones:
/// settings in the environment say so to silo and gateway, curl's own configuration to curl, and an argument to Redis.</summary>
internal sealed class ReadmeTerminals : IAsyncDisposable
{
    // The first start builds.
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(10);

    private readonly string _home = Directory.CreateTempSubdirectory("orleans-edge-readme-").FullName;
    private readonly int _redisPort = FreePort.Find();
    private readonly Dictionary<string, string?> _environment;
    private readonly Stack<ChildProcess> _running = [];
    private readonly List<string> _connections = [];

    public ReadmeTerminals()
    {
        var home = Environment.GetEnvironmentVariable("HOME")!;
        _environment = new()
        {
            ["HOME"] = _home,
            ["CURL_HOME"] = _home,
            ["XDG_DATA_HOME"] = null,
            ["DOTNET_CLI_HOME"] = Environment.GetEnvironmentVariable("DOTNET_CLI_HOME") ?? home,
            ["NUGET_PACKAGES"] = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages"),
            // Nothing of a build may outlive the test.
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
            ["UseSharedCompilation"] = "false",
            ["ConnectionStrings__Redis"] = $"127.0.0.1:{_redisPort}",
        };
    }

    /// <summary>Runs the block that starts Redis, until it answers.</summary>
    public Task StartRedisAsync(string block)
        => StartAsync("redis", $"{block} --port {_redisPort} --bind 127.0.0.1", "Ready to accept connections", new());

    /// <summary>Runs the block that starts a silo, until it is ready.</summary>
    public async Task StartSiloAsync(string block)
    {
        await StartAsync("silo", $"exec {block}", "Ready.", new()
        {
            ["Kestrel__Endpoints__Admin__Url"] = "http://127.0.0.1:0",
            ["Orleans__Endpoints__SiloPort"] = $"{FreePort.Find()}",
            ["Orleans__Endpoints__GatewayPort"] = $"{FreePort.Find()}",
        });
        await ConnectCurlAsync("admin", 8081);
    }

    /// <summary>Runs the block that starts a gateway, until it listens.</summary>
    public async Task StartGatewayAsync(string block)
    {
        await StartAsync("gateway", $"exec {block}", "Started.", new()
        {
            ["Kestrel__Endpoints__Edge__Url"] = "http://127.0.0.1:0",
            ["Kestrel__Endpoints__Health__Url"] = "http://127.0.0.1:0",
        });
        await ConnectCurlAsync("edge", 8080);
    }

    /// <summary>Runs a block to its end, which must be a good one.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunAsync(string block)
    {
        await using var shell = ChildProcess.Start("shell", "bash", ["-c", $"set -eo pipefail\n{block}"], _environment, RepositoryFiles.Root);
        Assert.True(await shell.WaitForExitAsync() == 0, $"{block}\n{shell.Transcript()}");
        return string.Join('\n', shell.Output.Snapshot());
    }

    public async ValueTask DisposeAsync()
    {
        while (_running.TryPop(out var process))
        {
            await process.DisposeAsync();
        }

        Directory.Delete(_home, recursive: true);
    }

    private async Task StartAsync(string name, string script, string ready, Dictionary<string, string?> further)
    {
        var process = ChildProcess.Start(name, "bash", ["-c", script], new Dictionary<string, string?>(_environment.Concat(further)), RepositoryFiles.Root);
        _running.Push(process);
        try
        {
            await process.Output.TakeAsync(line => line.Contains(ready, StringComparison.Ordinal) ? line : null, $"The line \"{ready}\"", StartDeadline);
        }
        catch (TimeoutException missing)
        {
            throw new TimeoutException($"{missing.Message}\n{process.Transcript()}", missing);
        }
    }

    /// <summary>Leads curl to an address that the last start printed.</summary>
    private Task ConnectCurlAsync(string endpoint, int port)
    {
        var url = _running.Peek().Output.Snapshot().First(line => line.StartsWith($"  {endpoint} ", StringComparison.Ordinal)).Split(' ')[^1];
        _connections.Add($"connect-to = \"localhost:{port}:127.0.0.1:{new Uri(url).Port}\"");
        return File.WriteAllLinesAsync(Path.Combine(_home, ".curlrc"), _connections);
    }
}
