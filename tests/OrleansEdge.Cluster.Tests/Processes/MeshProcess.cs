using System.Net;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Processes;

/// <summary>An executable of the mesh as a process of its own, exactly what a user runs. It keeps its ports and its data over restarts.</summary>
public abstract class MeshProcess : IAsyncDisposable
{
    private readonly IReadOnlyList<string> _command;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private protected MeshProcess(string name, string project, Uri health, IEnumerable<KeyValuePair<string, string>> settings, IEnumerable<string>? before = null)
    {
        Name = name;
        Health = health;
        _command = [.. before ?? [], "dotnet", RepositoryFiles.Built(project), .. settings.Select(setting => $"--{setting.Key}={setting.Value}")];
        Process = Run();
    }

    /// <summary>What it is called in messages.</summary>
    public string Name { get; }

    /// <summary>The process, the last one that was started.</summary>
    public ChildProcess Process { get; private set; }

    /// <summary>The endpoint that has health and metrics.</summary>
    public Uri Health { get; }

    /// <summary>Kills it (SIGKILL).</summary>
    public void Kill() => Process.Kill();

    /// <summary>Asks it to stop (SIGTERM).</summary>
    public void Terminate() => Process.Terminate();

    /// <summary>Lets it hang (SIGSTOP).</summary>
    public void Pause() => Process.Pause();

    /// <summary>Ends the hang (SIGCONT).</summary>
    public void Resume() => Process.Resume();

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> WaitForExitAsync(TimeSpan? deadline = null) => Process.WaitForExitAsync(deadline);

    /// <summary>Starts it again; it must have ended.</summary>
    public async Task StartAgainAsync()
    {
        await Process.WaitForExitAsync();
        await Process.DisposeAsync();
        Process = Run();
    }

    /// <summary>Waits until it takes work.</summary>
    /// <exception cref="TimeoutException">It did not, or ended; the message holds its output.</exception>
    public Task WaitUntilReadyAsync(TimeSpan? deadline = null) => WaitForAnswerAsync("/healthz/ready", HttpStatusCode.OK, deadline);

    /// <summary>Waits until a path of its health endpoint is answered with a status.</summary>
    /// <exception cref="TimeoutException">It was not, or the process ended; the message holds its output.</exception>
    public async Task WaitForAnswerAsync(string path, HttpStatusCode status, TimeSpan? deadline = null)
    {
        var limit = deadline ?? OutputLines.DefaultDeadline;
        using var late = new CancellationTokenSource(limit);
        HttpStatusCode? last = null;
        while ((last = await AskAsync(path)) != status)
        {
            if (Process.HasExited || late.IsCancellationRequested)
            {
                var why = Process.HasExited ? "it has ended" : $"{limit.TotalSeconds:0.#} s have passed";
                throw new TimeoutException($"{Name} did not answer {path} with {status} but {last?.ToString() ?? "not at all"}; {why}.\n{Process.Transcript()}");
            }

            await Task.Delay(50);
        }
    }

    /// <summary>The answer to a path of its health endpoint; <see langword="null"/>: there is none.</summary>
    public async Task<HttpStatusCode?> AskAsync(string path)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(Health, path));
            return answer.StatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Process.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static Uri FreeAddress(string? host = null) => new($"http://{host ?? "127.0.0.1"}:{FreePort.Find()}");

    private ChildProcess Run() => ChildProcess.Start(Name, _command[0], _command.Skip(1), workingDirectory: "/");
}
