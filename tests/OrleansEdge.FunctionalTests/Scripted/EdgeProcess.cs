using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>One line of the access log.</summary>
public sealed record LogLine(JsonElement Json)
{
    public string Event => Text("event");

    public string Text(string member) => Json.TryGetProperty(member, out var value) ? value.ToString() : "";

    public long Number(string member)
        => Json.TryGetProperty(member, out var value) ? value.GetInt64() : throw new WireException($"the log line has no `{member}`: {Json}");

    public override string ToString() => Json.ToString();
}

/// <summary>The product as a process of its own, with free ports, a data directory of its own and a certificate for
/// <see cref="ServerName"/>.</summary>
public sealed partial class EdgeProcess : IAsyncDisposable
{
    /// <summary>SNI of every TLS client of these tests.</summary>
    public const string ServerName = "edge.test";

    /// <summary>Token that the edge marks its requests with in <c>CDN-Loop</c>.</summary>
    public const string LoopToken = "functional-tests";

    /// <summary>Starts a command and kills it when this process is gone, however it went: then standard input ends.</summary>
    private const string Leash = "exec 3<&0; (cat <&3; kill -9 $$) >/dev/null 2>&1 & exec \"$@\" 3<&-";

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static int _lastDomain;

    private readonly Process _process;
    private readonly bool _ownsDirectory;
    private readonly List<string> _errors = [];
    private readonly List<LogLine> _log = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _logged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EdgeProcess(ProcessStartInfo start, string directory, bool ownsDirectory)
    {
        Directory = directory;
        _ownsDirectory = ownsDirectory;
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => ReadError(line.Data);
    }

    public IPEndPoint Edge { get; private set; } = null!;

    public IPEndPoint EdgeTls { get; private set; } = null!;

    public AdminClient Admin { get; private set; } = null!;

    /// <summary>Data directory; certificates lie in <c>certificates</c> below it.</summary>
    public string Directory { get; }

    public string CertificateDirectory => Path.Combine(Directory, "certificates");

    public int Id => _process.Id;

    /// <summary>Starts an edge and waits until it is ready.</summary>
    /// <param name="settings">Settings such as <c>Edge:Drain:Delay=00:00:01</c>.</param>
    /// <param name="prefix">Command that starts the process, such as <c>prlimit --nofile=256</c>.</param>
    /// <param name="directory">Data directory to use and to leave; a new one by default.</param>
    public static async Task<EdgeProcess> StartAsync(IEnumerable<string>? settings = null, string prefix = "", string? directory = null)
    {
        var own = directory is null;
        directory ??= System.IO.Directory.CreateTempSubdirectory("orleans-edge-tests-").FullName;
        var certificates = System.IO.Directory.CreateDirectory(Path.Combine(directory, "certificates")).FullName;
        if (!File.Exists(Path.Combine(certificates, ServerName + ".crt")))
        {
            TestCertificates.Write(certificates, ServerName, TestCertificates.Create(ServerName));
        }

        string[] command =
        [
            "sh", "-c", Leash, "sh", .. prefix.Split(' ', StringSplitOptions.RemoveEmptyEntries), "dotnet", ProductPath(),
            "--Kestrel:Endpoints:Edge:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:EdgeTls:Url=https://127.0.0.1:0",
            "--Kestrel:Endpoints:Admin:Url=http://127.0.0.1:0", $"--Edge:DataDirectory={directory}",
            $"--Edge:Certificates:Directory={certificates}", $"--Edge:LoopToken={LoopToken}", "--Edge:Demo:Enabled=false",
            .. (settings ?? []).Select(setting => "--" + setting),
        ];
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in command[1..])
        {
            start.ArgumentList.Add(argument);
        }

        var edge = new EdgeProcess(start, directory, own);
        await edge.StartAsync();
        return edge;
    }

    /// <summary>A domain name that no other test uses.</summary>
    public static string NewDomain() => string.Create(CultureInfo.InvariantCulture, $"d{Interlocked.Increment(ref _lastDomain)}.test");

    /// <summary>The first access-log line, past or to come, that fits.</summary>
    public async Task<LogLine> WaitForLogAsync(string what, Func<LogLine, bool> fits, TimeSpan? within = null)
    {
        var deadline = new Deadline(within ?? Wire.Patience);
        while (true)
        {
            Task changed;
            lock (_log)
            {
                if (_log.Find(line => fits(line)) is { } found)
                {
                    return found;
                }

                changed = _logged.Task;
            }

            await Task.WhenAny(changed, Task.Delay(deadline.Left > TimeSpan.Zero ? deadline.Left : TimeSpan.Zero));
            if (deadline.Left <= TimeSpan.Zero)
            {
                throw new WireException($"no access-log line {what} within {(within ?? Wire.Patience).TotalSeconds} s; last lines: {LastLines()}; stderr: {Errors()}");
            }
        }
    }

    /// <summary>The close line of a domain's only session.</summary>
    public Task<LogLine> WaitForCloseLineAsync(string domain, TimeSpan? within = null)
        => WaitForLogAsync($"`close` for {domain}", line => IsClose(line) && line.Text("domain") == domain, within);

    /// <summary>The close lines of a domain so far.</summary>
    public IReadOnlyList<LogLine> CloseLines(string domain)
    {
        lock (_log)
        {
            return [.. _log.Where(line => IsClose(line) && line.Text("domain") == domain)];
        }
    }

    /// <summary>The only open session of a domain, as the admin API lists it.</summary>
    public async Task<JsonElement> OnlySessionAsync(string domain)
    {
        try
        {
            return (await Admin.WaitForSessionsAsync(domain, 1))[0];
        }
        catch (WireException error)
        {
            throw new WireException($"{error.Message}; ended: {string.Join('\n', CloseLines(domain))}");
        }
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signal(15);

    /// <summary>SIGKILL.</summary>
    public void Kill() => Signal(9);

    /// <summary>SIGSTOP: when this returns the process stands still wherever it was, while its sockets go on.</summary>
    public async Task FreezeAsync()
    {
        Signal(19);
        var deadline = new Deadline(Wire.Patience);
        while (!System.IO.Directory.GetDirectories($"/proc/{Id}/task").All(IsStopped))
        {
            Assert.True(deadline.Left > TimeSpan.Zero, $"the process does not stand still{deadline}");
            await Task.Delay(1);
        }

        // "pid (name) state …"
        static bool IsStopped(string task) => File.ReadAllText(Path.Combine(task, "stat")).Split(") ")[^1][0] == 'T';
    }

    /// <summary>SIGCONT.</summary>
    public void Thaw() => Signal(18);

    public async Task<int> WaitForExitAsync(TimeSpan? within = null)
    {
        using var patience = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(60));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new WireException($"the edge did not exit in time; stderr: {Errors()}");
        }

        return _process.ExitCode;
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Descriptors that the process holds.</summary>
    public int Descriptors => System.IO.Directory.GetFileSystemEntries($"/proc/{Id}/fd").Length;

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{Id}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
    }

    /// <summary>What the process wrote to standard error.</summary>
    public string Errors()
    {
        lock (_errors)
        {
            return string.Join('\n', _errors.TakeLast(40));
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        Admin?.Dispose();
        if (_ownsDirectory)
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }

    internal static bool IsClose(LogLine line) => line.Event is "close" or "closed";

    private static string ProductPath()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var configuration = output.Parent!.Name;
        var root = output;
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "OrleansEdge.sln")))
        {
            root = root.Parent;
        }

        return Path.Combine(root!.FullName, "src", "OrleansEdge.Standalone", "bin", configuration, "net10.0", "OrleansEdge.Standalone.dll");
    }

    private async Task StartAsync()
    {
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var exited = _process.WaitForExitAsync();
        await Task.WhenAny(_ready.Task, exited, Task.Delay(StartPatience));
        if (!_ready.Task.IsCompleted)
        {
            var message = $"the edge did not say `Ready.`{(_process.HasExited ? $", exit code {_process.ExitCode}" : "")}; stderr: {Errors()}";
            await DisposeAsync();
            throw new WireException(message);
        }
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        if (line.StartsWith('{'))
        {
            AddLogLine(new LogLine(JsonDocument.Parse(line).RootElement));
        }
        else if (EndPointLine().Match(line) is { Success: true } match)
        {
            SetEndPoint(match.Groups["name"].Value, new Uri(match.Groups["url"].Value));
        }
        else if (line == "Ready.")
        {
            _ready.TrySetResult();
        }
    }

    private void SetEndPoint(string name, Uri url)
    {
        var endPoint = new IPEndPoint(IPAddress.Loopback, url.Port);
        switch (name)
        {
            case "edge":
                Edge = endPoint;
                break;
            case "edge tls":
                EdgeTls = endPoint;
                break;
            default:
                Admin = new AdminClient(new Uri($"http://127.0.0.1:{url.Port}"));
                break;
        }
    }

    private void AddLogLine(LogLine line)
    {
        lock (_log)
        {
            _log.Add(line);
            _logged.TrySetResult();
            _logged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void ReadError(string? line)
    {
        lock (_errors)
        {
            _errors.Add(line ?? "");
        }
    }

    private string LastLines()
    {
        lock (_log)
        {
            return string.Join('\n', _log.TakeLast(5));
        }
    }

    private void Signal(int signal)
    {
        if (kill(_process.Id, signal) != 0)
        {
            throw new WireException($"could not signal process {_process.Id}: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int signal);

    [GeneratedRegex(@"^  (?<name>edge|edge tls|admin) +(?<url>https?://\S+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EndPointLine();
}

/// <summary>The edge that most tests share: each uses domains of its own.</summary>
public static class SharedEdge
{
    private static readonly Lazy<Task<EdgeProcess>> Process = new(StartAsync);

    public static Task<EdgeProcess> GetAsync() => Process.Value;

    private static async Task<EdgeProcess> StartAsync()
    {
        var edge = await EdgeProcess.StartAsync(["Edge:Origin:ConnectTimeout=00:00:02", "Edge:Origin:HandshakeTimeout=00:00:02"]);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => edge.DisposeAsync().AsTask().GetAwaiter().GetResult();
        await edge.Admin.PutTenantAsync(AdminClient.Tenant);
        return edge;
    }
}
