using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

/// <summary>Starts of the executable that are not meant to become ready, or with a command line of their own.</summary>
internal static class HostProcess
{
    public const string AnyEdge = "--Kestrel:Endpoints:Edge:Url=http://127.0.0.1:0";
    public const string AnyAdmin = "--Kestrel:Endpoints:Admin:Url=http://127.0.0.1:0";

    public static ChildProcess Start(params string[] args) => ChildProcess.Start("edge", "dotnet", [RepositoryFiles.Built("src/OrleansEdge.Standalone"), .. args]);

    /// <summary>Runs it to its end, which must be a failed start told without a stack trace.</summary>
    /// <returns>Exit code and the lines of standard error.</returns>
    public static async Task<(int Code, IReadOnlyList<string> Errors)> FailAsync(params string[] args)
    {
        await using var process = Start(args);
        var code = await process.WaitForExitAsync();
        Assert.DoesNotContain(process.Errors.Snapshot(), line => line.StartsWith("   at ", StringComparison.Ordinal) || line.Contains("Exception", StringComparison.Ordinal));
        Assert.Empty(process.Output.Snapshot());
        return (code, [.. process.Errors.Snapshot().Where(line => !line.Contains(" info  ", StringComparison.Ordinal))]);
    }
}

/// <summary>A directory for one test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("orleans-edge-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>A folder that exists below.</summary>
    public string Sub(string name) => Directory.CreateDirectory(this[name]).FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
