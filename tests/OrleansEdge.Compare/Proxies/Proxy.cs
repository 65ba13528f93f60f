using System.Diagnostics;
using System.Net.Sockets;

namespace OrleansEdge.Compare.Proxies;

/// <summary>A proxy that relays to the origin.</summary>
internal abstract class Proxy
{
    /// <summary>Host that clients ask for.</summary>
    public const string Host = "bench.example.com";

    /// <summary>Descriptors that a proxy may have open.</summary>
    protected const int Descriptors = 20_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>What it is called in the table.</summary>
    public abstract string Name { get; }

    /// <summary>What it says its version is; <see langword="null"/>: it is not installed.</summary>
    public abstract string? Version { get; }

    /// <summary>Starts it; it has one worker or thread that relays.</summary>
    /// <param name="port">Where it listens.</param>
    /// <param name="originPort">Where the origin is.</param>
    public async Task<RunningProxy> StartAsync(int port, int originPort)
    {
        var folder = Directory.CreateTempSubdirectory("orleans-edge-compare-").FullName;
        var running = new RunningProxy(Process.Start(CommandIn(folder, port, originPort)) ?? throw new InvalidOperationException($"{Name} did not start."), port, folder);
        try
        {
            await running.WaitUntilListeningAsync(Patience);
            await PrepareAsync(folder, originPort);
            return running;
        }
        catch
        {
            await running.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes what it needs into a folder.</summary>
    /// <returns>How it is started.</returns>
    protected abstract ProcessStartInfo CommandIn(string folder, int port, int originPort);

    /// <summary>What is to be done once it listens.</summary>
    protected virtual Task PrepareAsync(string folder, int originPort) => Task.CompletedTask;

    /// <summary>A command whose output nobody reads.</summary>
    protected static ProcessStartInfo Command(string folder, string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", $"exec \"$@\" > '{folder}/output' 2>&1", "sh", program } };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // Those of the load tool's own runtime.
        foreach (var setting in start.Environment.Keys.Where(static name => name.StartsWith("DOTNET_SYSTEM_NET_SOCKETS_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(setting);
        }

        return start;
    }

    /// <summary>Writes a file of a folder.</summary>
    /// <returns>Its path.</returns>
    protected static string Write(string folder, string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>The first line that a program prints; <see langword="null"/>: there is no such program.</summary>
    protected static string? FirstLineOf(string program, string argument)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
            return process.StandardOutput.ReadLine() ?? process.StandardError.ReadLine();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}

/// <summary>A proxy that runs.</summary>
internal sealed class RunningProxy(Process process, int port, string folder) : IAsyncDisposable
{
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(15);

    /// <summary>Where it listens.</summary>
    public int Port => port;

    /// <summary>Its first process.</summary>
    public int Id => process.Id;

    /// <summary>Waits until it accepts connections.</summary>
    /// <exception cref="InvalidOperationException">It ended, or does not within the time.</exception>
    public async Task WaitUntilListeningAsync(TimeSpan patience)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await IsListeningAsync())
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > patience)
            {
                throw new InvalidOperationException($"The proxy does not listen: {await File.ReadAllTextAsync(Path.Combine(folder, "output"))}");
            }

            await Task.Delay(50);
        }
    }

    /// <summary>Ends it and what it started.</summary>
    public async ValueTask DisposeAsync()
    {
        var tree = ProcessFigures.TreeOf(process.Id);
        using (var stop = Process.Start("kill", ["-TERM", $"{process.Id}"]))
        {
            await stop.WaitForExitAsync();
        }

        try
        {
            await process.WaitForExitAsync().WaitAsync(StopTime);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        foreach (var id in tree.Where(static id => Directory.Exists($"/proc/{id}")))
        {
            using var left = Process.Start("kill", ["-KILL", $"{id}"]);
            await left.WaitForExitAsync();
        }

        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<bool> IsListeningAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
