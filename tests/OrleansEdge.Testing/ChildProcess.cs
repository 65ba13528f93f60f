using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OrleansEdge.Testing;

/// <summary>A process started by a test, whose output is kept. Disposing kills it with its children.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;
    private const int SigContinue = 18;
    private const int SigStop = 19;

    private readonly Process _process;
    private readonly Task _reading;
    private readonly SemaphoreSlim _writing = new(1);

    private ChildProcess(string name, Process process)
    {
        Name = name;
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, Output), ReadAsync(process.StandardError, Errors));
    }

    /// <summary>What it is, for messages.</summary>
    public string Name { get; }

    /// <summary>Process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Lines of the standard output.</summary>
    public OutputLines Output { get; } = new();

    /// <summary>Lines of the standard error.</summary>
    public OutputLines Errors { get; } = new();

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Starts a program.</summary>
    /// <param name="name">What it is, for messages.</param>
    /// <param name="file">The program.</param>
    /// <param name="arguments">Its arguments, not quoted.</param>
    /// <param name="environment">Variables to set beside those of this process; <see langword="null"/> takes one away.</param>
    /// <param name="workingDirectory">Default: the directory of this process.</param>
    public static ChildProcess Start(
        string name,
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[key] = value;
        }

        return new(name, Process.Start(start) ?? throw new InvalidOperationException($"{file} did not start"));
    }

    /// <summary>Writes a line to its standard input. Safe to call from several threads.</summary>
    public async Task WriteLineAsync(string line)
    {
        await _writing.WaitAsync();
        try
        {
            await _process.StandardInput.WriteLineAsync(line);
            await _process.StandardInput.FlushAsync();
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Asks it to end (SIGTERM).</summary>
    public void Terminate() => Signal(SigTerm);

    /// <summary>Kills it alone, as a crash would (SIGKILL).</summary>
    public void Kill() => Signal(SigKill);

    /// <summary>Holds it where it is, as a machine that hangs would (SIGSTOP).</summary>
    public void Pause() => Signal(SigStop);

    /// <summary>Lets it go on after <see cref="Pause"/> (SIGCONT).</summary>
    public void Resume() => Signal(SigContinue);

    /// <summary>Waits until it has ended and all its output is read.</summary>
    /// <returns>The exit code; 128 and the number of the signal where one ended it.</returns>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? deadline = null)
    {
        var limit = deadline ?? OutputLines.DefaultDeadline;
        try
        {
            await _process.WaitForExitAsync().WaitAsync(limit);
            await _reading.WaitAsync(limit);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{Name} did not end within {limit.TotalSeconds:0.#} s.\n{Transcript()}", late);
        }

        return _process.ExitCode;
    }

    /// <summary>Closes its standard input, which tells a peer to end.</summary>
    public void CloseInput()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it had read everything: what closing was to bring about.
        }
    }

    /// <summary>Everything that it printed, for messages.</summary>
    public string Transcript()
        => $"--- {Name}, output\n{string.Join('\n', Output.Snapshot())}\n--- {Name}, errors\n{string.Join('\n', Errors.Snapshot())}";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _writing.Dispose();
    }

    private static async Task ReadAsync(StreamReader from, OutputLines to)
    {
        try
        {
            while (await from.ReadLineAsync() is { } line)
            {
                to.Add(line);
            }
        }
        catch (ObjectDisposedException)
        {
            // The test is over and has let go of the process.
        }

        to.Complete();
    }

    private void Signal(int signal)
    {
        if (!_process.HasExited && SendSignal(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException($"signal {signal} to {Name} failed with error {Marshal.GetLastPInvokeError()}");
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
