using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using OrleansEdge.Standalone.Settings;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed partial class StartTests : IDisposable
{
    private const int SigTerm = 15;

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Start_PrintsEndpointsDataPageAndACommandThatWorks()
    {
        await using var edge = await EdgeProcess.StartAsync(new() { DataDirectory = _folder.Sub("data"), Demo = true });
        var lines = edge.Process.Output.Snapshot();

        Assert.Equal("OrleansEdge 0.1.0", lines[0]);
        Assert.Matches("^  edge +http://127\\.0\\.0\\.1:[1-9][0-9]*$", lines[1]);
        Assert.Matches("^  admin +http://127\\.0\\.0\\.1:[1-9][0-9]*$", lines[2]);
        Assert.Matches($"^  data +{Regex.Escape(_folder["data"])}$", lines[3]);
        Assert.Matches($"^  page +http://localhost:{edge.Edge.Port}/$", lines[4]);
        Assert.Equal("Add a domain:", lines[5]);
        Assert.Equal("Ready.", lines[7]);
        Assert.Equal(HttpStatusCode.Created, await RunCurlAsync(lines[6]));
    }

    [Fact]
    public async Task StartWithoutTenants_PrintsCommandsThatAddATenantAndADomain()
    {
        await using var edge = await EdgeProcess.StartAsync();
        var commands = edge.Process.Output.Snapshot().Where(line => line.StartsWith("  curl ", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, commands.Count);
        Assert.Equal(HttpStatusCode.Created, await RunCurlAsync(commands[0]));
        Assert.Equal(HttpStatusCode.Created, await RunCurlAsync(commands[1]));
        Assert.DoesNotContain(edge.Process.Output.Snapshot(), line => line.StartsWith("  page", StringComparison.Ordinal));
    }

    [Fact]
    public async Task StandardOutputIsClosed_TheEdgeServesAllTheSame()
    {
        var port = FreePort.Find();
        var admin = FreePort.Find();
        var command = $"exec dotnet '{RepositoryFiles.Built("src/OrleansEdge.Standalone")}' '--Edge:DataDirectory={_folder["data"]}' "
            + $"--Kestrel:Endpoints:Edge:Url=http://127.0.0.1:{port} --Kestrel:Endpoints:Admin:Url=http://127.0.0.1:{admin} >&-";
        await using var process = ChildProcess.Start("edge", "/bin/sh", ["-c", command]);
        await WaitUntilReadyAsync(process, admin);
        process.Terminate();
        Assert.Equal(0, await process.WaitForExitAsync());
    }

    [Fact]
    public async Task ReaderOfStandardOutputIsGone_TheEdgeServesAllTheSame()
    {
        var admin = FreePort.Find();
        var command = $"(trap '' PIPE; exec dotnet '{RepositoryFiles.Built("src/OrleansEdge.Standalone")}' '--Edge:DataDirectory={_folder["data"]}' "
            + $"{HostProcess.AnyEdge} --Kestrel:Endpoints:Admin:Url=http://127.0.0.1:{admin} --Edge:Drain:Delay=0) | true";
        await using var process = ChildProcess.Start("edge", "/bin/sh", ["-c", command]);
        await WaitUntilReadyAsync(process, admin);
    }

    [Fact]
    public async Task SigTerm_ReadinessTurnsFalseAndTheExitCodeIsZero()
    {
        await using var edge = await EdgeProcess.StartAsync(new() { Settings = new Dictionary<string, string> { ["Edge:Drain:Delay"] = "2" } });
        Assert.Equal("""200 {"state":"ready","brokenDocuments":0}""", await GetAsync(edge.Admin.Http.BaseAddress!, "/healthz/ready"));

        edge.Process.Terminate();
        await edge.Process.Errors.TakeAsync(line => line.Contains("Draining:", StringComparison.Ordinal) ? line : null, "the drain's beginning");

        Assert.Equal("""503 {"state":"draining","brokenDocuments":0}""", await GetAsync(edge.Admin.Http.BaseAddress!, "/healthz/ready"));
        Assert.Equal("""200 {"state":"live"}""", await GetAsync(edge.Admin.Http.BaseAddress!, "/healthz/live"));
        Assert.Equal(0, await edge.Process.WaitForExitAsync());
    }

    [Fact]
    public async Task SecondSigTerm_EndsTheProcessAtOnce()
    {
        await using var edge = await EdgeProcess.StartAsync(new() { Settings = new Dictionary<string, string> { ["Edge:Drain:Delay"] = "600" } });
        edge.Process.Terminate();
        await edge.Process.Errors.TakeAsync(line => line.Contains("Draining:", StringComparison.Ordinal) ? line : null, "the drain's beginning");
        edge.Process.Terminate();
        Assert.Equal(128 + SigTerm, await edge.Process.WaitForExitAsync());
    }

    [Fact]
    public async Task DocumentIsBroken_ReadinessCountsItAndTheEdgeServes()
    {
        await using (var first = await EdgeProcess.StartAsync(new() { DataDirectory = _folder.Sub("data"), Demo = true }))
        {
            first.Process.Terminate();
            await first.Process.WaitForExitAsync();
        }

        var document = Directory.EnumerateFiles(_folder["data"], "localhost.json", SearchOption.AllDirectories).First();
        await File.WriteAllTextAsync(document, "{ broken");
        await using var edge = await EdgeProcess.StartAsync(new() { DataDirectory = _folder.Sub("data"), Demo = true });
        Assert.Equal("""200 {"state":"ready","brokenDocuments":1}""", await GetAsync(edge.Admin.Http.BaseAddress!, "/healthz/ready"));
    }

    [Fact]
    public async Task HealthEndpointIsSet_ItHasHealthAndMetricsAndNothingElse()
    {
        var health = new Uri($"http://127.0.0.1:{FreePort.Find()}");
        await using var edge = await EdgeProcess.StartAsync(new()
        {
            Settings = new Dictionary<string, string> { ["Kestrel:Endpoints:Health:Url"] = health.ToString() },
        });

        Assert.StartsWith("200 ", await GetAsync(health, "/healthz/live"), StringComparison.Ordinal);
        Assert.StartsWith("200 ", await GetAsync(health, "/healthz/ready"), StringComparison.Ordinal);
        Assert.StartsWith("200 ", await GetAsync(health, "/metrics"), StringComparison.Ordinal);
        Assert.StartsWith("404 ", await GetAsync(health, "/api/v1/domains"), StringComparison.Ordinal);
        Assert.StartsWith("404 ", await GetAsync(health, "/openapi/v1.json"), StringComparison.Ordinal);
        Assert.Contains($"  health   http://127.0.0.1:{health.Port}", edge.Process.Output.Snapshot());
    }

    [Theory]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    [InlineData("/metrics")]
    [InlineData("/api/v1/domains")]
    public async Task PathOfTheAdminEndpointOnAnEdgeEndpoint_BelongsToTheOrigin(string path)
    {
        await using var edge = await EdgeProcess.StartAsync();
        var answer = await GetAsync(edge.Edge, path);
        Assert.StartsWith("404 ", answer, StringComparison.Ordinal);
        Assert.Contains("domain_unknown", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DataDirectoryIsNotSet_ItIsUnderXdgDataHome()
    {
        await using var process = ChildProcess.Start(
            "edge",
            "dotnet",
            [RepositoryFiles.Built("src/OrleansEdge.Standalone"), HostProcess.AnyEdge, HostProcess.AnyAdmin],
            new Dictionary<string, string?> { ["XDG_DATA_HOME"] = _folder.Path },
            workingDirectory: "/");
        await process.Output.TakeAsync(line => line == "Ready." ? line : null, "\"Ready.\"");
        Assert.Contains($"  data     {_folder["orleans-edge"]}", process.Output.Snapshot());
        Assert.True(Directory.Exists(_folder["orleans-edge/domains"]));
    }

    [Fact]
    public async Task DataDirectoryIsRelative_ItIsSeenFromTheWorkingDirectory()
    {
        await using var process = ChildProcess.Start(
            "edge",
            "dotnet",
            [RepositoryFiles.Built("src/OrleansEdge.Standalone"), HostProcess.AnyEdge, HostProcess.AnyAdmin, "--Edge:DataDirectory=my/data"],
            workingDirectory: _folder.Path);
        await process.Output.TakeAsync(line => line == "Ready." ? line : null, "\"Ready.\"");
        Assert.True(Directory.Exists(_folder["my/data/domains"]));
    }

    [Fact]
    public void NothingIsSet_TheEndpointsAreThoseOfTheDocuments()
        => Assert.Equal(
            [("Kestrel:Endpoints:Admin:Url", "http://127.0.0.1:8081"), ("Kestrel:Endpoints:Edge:Url", "http://127.0.0.1:8080")],
            EdgeSettings.Process.Defaults.Select(pair => (pair.Key, pair.Value!)).Order());

    [Fact]
    public async Task Version_IsPrinted()
    {
        await using var process = HostProcess.Start("--version");
        Assert.Equal(0, await process.WaitForExitAsync());
        Assert.Equal(["OrleansEdge 0.1.0"], process.Output.Snapshot());
    }

    /// <summary>Sends what a printed command would.</summary>
    private async Task<HttpStatusCode> RunCurlAsync(string command)
    {
        var match = Curl().Match(command);
        Assert.True(match.Success, command);
        using var body = new StringContent(match.Groups["body"].Value);
        body.Headers.ContentType = MediaTypeHeaderValue.Parse(match.Groups["type"].Value);
        using var answer = await _http.PutAsync(new Uri(match.Groups["url"].Value), body);
        return answer.StatusCode;
    }

    private async Task<string> GetAsync(Uri endpoint, string path)
    {
        using var answer = await _http.GetAsync(new Uri(endpoint, path));
        return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }

    private async Task WaitUntilReadyAsync(ChildProcess process, int adminPort)
    {
        using var late = new CancellationTokenSource(OutputLines.DefaultDeadline);
        while (true)
        {
            Assert.False(process.HasExited, process.Transcript());
            if (await IsReadyAsync(adminPort))
            {
                return;
            }

            await Task.Delay(50, late.Token);
        }
    }

    private async Task<bool> IsReadyAsync(int adminPort)
    {
        try
        {
            return (await GetAsync(new($"http://127.0.0.1:{adminPort}"), "/healthz/ready")).StartsWith("200 ", StringComparison.Ordinal);
        }
        catch (HttpRequestException failure) when (failure.InnerException is SocketException)
        {
            return false;
        }
    }

    [GeneratedRegex("^  curl -X PUT (?<url>\\S+) -H 'Content-Type: (?<type>[^']+)' -d '(?<body>[^']+)'$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Curl();
}
