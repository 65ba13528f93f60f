using OrleansEdge.Testing;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Mesh;

/// <summary>A Redis of the test's own, a process on a free port with an append-only file, as it is shipped.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private ChildProcess? _process;

    private readonly string? _address;

    private RedisServer(int port, string directory, string? address) => (Port, Directory, _address) = (port, directory, address);

    /// <summary>Its port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Where it keeps its file.</summary>
    public string Directory { get; }

    /// <summary>How to connect to it.</summary>
    public string Address => $"127.0.0.1:{Port}";

    /// <summary>Starts an empty one and waits until it answers.</summary>
    /// <param name="address">An address of this machine where it answers too, beside 127.0.0.1.</param>
    public static async Task<RedisServer> StartAsync(string? address = null)
    {
        var server = new RedisServer(FreePort.Find(), System.IO.Directory.CreateTempSubdirectory("orleans-edge-redis-").FullName, address);
        await server.RunAsync();
        return server;
    }

    /// <summary>Kills it (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>Copies what it has kept so far.</summary>
    /// <returns>The copy's directory.</returns>
    public string Copy()
    {
        var copy = System.IO.Directory.CreateTempSubdirectory("orleans-edge-redis-copy-").FullName;
        Copy(Directory, copy);
        return copy;
    }

    /// <summary>Kills it and starts it on a copy, which is used up.</summary>
    public async Task ReplaceAsync(string copy)
    {
        await KillAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
        System.IO.Directory.Move(copy, Directory);
        await RunAsync();
    }

    /// <summary>Stops it where it is (SIGSTOP).</summary>
    public Task PauseAsync() => SignalAsync("-STOP");

    /// <summary>Lets it go on.</summary>
    public Task ResumeAsync() => SignalAsync("-CONT");

    /// <summary>Starts it on what it kept, and waits until it answers.</summary>
    public async Task RunAsync()
    {
        _process = ChildProcess.Start(
            "redis-server",
            "redis-server",
            ["--port", $"{Port}", .. Binding(), "--dir", Directory, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--loglevel", "warning"]);
        var deadline = DateTime.UtcNow + Patience;
        while (!await AnswersAsync())
        {
            if (_process.HasExited || DateTime.UtcNow > deadline)
            {
                throw new InvalidOperationException($"redis-server did not answer.\n{_process.Transcript()}");
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await (_process?.DisposeAsync() ?? ValueTask.CompletedTask);
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static void Copy(string from, string to)
    {
        System.IO.Directory.CreateDirectory(to);
        foreach (var file in System.IO.Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (var folder in System.IO.Directory.GetDirectories(from))
        {
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }

    private string[] Binding() => _address is null ? ["--bind", "127.0.0.1"] : ["--bind", "127.0.0.1", _address, "--protected-mode", "no"];

    private async Task SignalAsync(string signal)
    {
        await using var kill = ChildProcess.Start("kill", "kill", [signal, $"{_process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync($"{Address},connectTimeout=500,connectRetry=1");
            await connection.GetDatabase().PingAsync();
            return true;
        }
        catch (RedisException)
        {
            await Task.Delay(20);
            return false;
        }
    }
}
