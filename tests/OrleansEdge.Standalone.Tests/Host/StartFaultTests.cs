using System.Net;
using System.Net.Sockets;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed class StartFaultTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => "--Edge:DataDirectory=" + _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Edge")]
    [InlineData("Admin")]
    public async Task PortIsTaken_OneSentenceNamesIt(string endpoint)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";

        var (code, errors) = await HostProcess.FailAsync(Data, HostProcess.AnyEdge, HostProcess.AnyAdmin, $"--Kestrel:Endpoints:{endpoint}:Url={url}");

        Assert.Equal(1, code);
        Assert.Equal([$"Cannot listen on {url}: the port is already in use by another process."], errors);
    }

    [Fact]
    public async Task AddressIsNotOfThisMachine_OneSentenceSaysSo()
    {
        var (code, errors) = await HostProcess.FailAsync(Data, HostProcess.AnyAdmin, "--Kestrel:Endpoints:Edge:Url=http://192.0.2.1:8080");
        Assert.Equal(1, code);
        Assert.StartsWith("Cannot listen", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a-file/data")]
    [InlineData("a-file")]
    [InlineData("/proc/orleans-edge")]
    public async Task DataDirectoryCannotBeWritten_OneSentenceNamesIt(string directory)
    {
        await File.WriteAllTextAsync(_folder["a-file"], "");
        var path = _folder[directory];
        var (code, errors) = await HostProcess.FailAsync(HostProcess.AnyEdge, HostProcess.AnyAdmin, $"--Edge:DataDirectory={path}");
        Assert.Equal(1, code);
        Assert.Contains(path, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DataDirectoryIsInUse_OneSentenceSaysSo()
    {
        await using var first = await EdgeProcess.StartAsync(new() { DataDirectory = _folder.Sub("data") });
        var (code, errors) = await HostProcess.FailAsync(Data, HostProcess.AnyEdge, HostProcess.AnyAdmin);
        Assert.Equal(1, code);
        Assert.Contains("in use by another process", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BadSettings_EachIsListed()
    {
        var (code, errors) = await HostProcess.FailAsync(
            Data, HostProcess.AnyEdge, HostProcess.AnyAdmin, "--Edge:Drain:Windw=20", "--Edge:Drain:Delay=abc", "--Edge:Limits:MaxTimeoutSeconds=0", "--Edge:ProxyProtocol=maybe");

        Assert.Equal(2, code);
        Assert.Contains("Edge:Drain:Windw is not a setting; the nearest one is Edge:Drain:Window.", errors);
        Assert.Contains("Edge:Drain:Delay is 'abc', which is not a time: write seconds (20, 0.5) or hh:mm:ss (00:00:20).", errors);
        Assert.Contains(errors, line => line.StartsWith("Edge:Limits:MaxTimeoutSeconds is 0", StringComparison.Ordinal));
        Assert.Contains(errors, line => line.StartsWith("Edge:ProxyProtocol is 'maybe'", StringComparison.Ordinal));
        Assert.Equal(4, errors.Count);
        Assert.False(Directory.Exists(_folder["data"]));
    }

    [Theory]
    [InlineData("--Kestrel:Endpoints:Egde:Url=http://127.0.0.1:0", "Egde")]
    [InlineData("--Kestrel:Endpoints:Edge:Url=nonsense", "nonsense")]
    [InlineData("--Kestrel:Endpoints:Edge:Url=http://localhost:0", "localhost")]
    [InlineData("--Edge:AccessLog:Pth=x", "Edge:AccessLog:Path")]
    [InlineData("--Port=80", "Port")]
    [InlineData("start", "start")]
    public async Task OneBadArgument_OneSentenceNamesIt(string argument, string named)
    {
        var (code, errors) = await HostProcess.FailAsync(Data, HostProcess.AnyEdge, HostProcess.AnyAdmin, argument);
        Assert.Equal(2, code);
        Assert.Contains(named, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://*:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://edge.example:0")]
    public async Task AdminIsReachableFromElsewhereWithoutAKey_DoesNotStart(string url)
    {
        var (code, errors) = await HostProcess.FailAsync(Data, HostProcess.AnyEdge, $"--Kestrel:Endpoints:Admin:Url={url}");
        Assert.Equal(2, code);
        Assert.Contains("Edge:Admin:Keys", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AccessLogCannotBeOpened_OneSentenceNamesIt()
    {
        var path = _folder["missing/access.log"];
        var (code, errors) = await HostProcess.FailAsync(Data, HostProcess.AnyEdge, HostProcess.AnyAdmin, $"--Edge:AccessLog:Path={path}");
        Assert.Equal(1, code);
        Assert.Contains(path, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnvironmentVariableWithAnUnknownName_IsAFaultToo()
    {
        await using var process = ChildProcess.Start(
            "edge",
            "dotnet",
            [RepositoryFiles.Built("src/OrleansEdge.Standalone"), Data, HostProcess.AnyEdge, HostProcess.AnyAdmin],
            new Dictionary<string, string?> { ["Edge__Drain__Widnow"] = "1" });
        Assert.Equal(2, await process.WaitForExitAsync());
        Assert.Equal(["Edge:Drain:Widnow is not a setting; the nearest one is Edge:Drain:Window."], process.Errors.Snapshot());
    }
}
