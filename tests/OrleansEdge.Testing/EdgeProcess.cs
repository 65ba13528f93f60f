using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansEdge.Testing;

/// <summary>How an <see cref="EdgeProcess"/> is started.</summary>
public sealed record EdgeProcessOptions
{
    /// <summary>Whether an empty data directory gets the demo domains. Default: no.</summary>
    public bool Demo { get; init; }

    /// <summary>Certificates for the endpoint <c>EdgeTls</c>; <see langword="null"/> (default): there is no such endpoint.</summary>
    public string? CertificateDirectory { get; init; }

    /// <summary>Settings on the command line, such as <c>Edge:Drain:Delay</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Environment variables to set.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>Data directory; default: one of its own, deleted with the process.</summary>
    public string? DataDirectory { get; init; }
}

/// <summary>The standalone edge as a process of its own on ports that the system chose: exactly what a user runs.</summary>
public sealed partial class EdgeProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly string _dataDirectory;
    private readonly bool _ownsDataDirectory;

    private EdgeProcess(ChildProcess process, string dataDirectory, bool ownsDataDirectory)
    {
        _process = process;
        _dataDirectory = dataDirectory;
        _ownsDataDirectory = ownsDataDirectory;
    }

    /// <summary>The process.</summary>
    public ChildProcess Process => _process;

    /// <summary>Plain endpoint, such as <c>http://127.0.0.1:34567</c>.</summary>
    public Uri Edge { get; private set; } = null!;

    /// <summary>TLS endpoint, where there is one.</summary>
    public Uri? EdgeTls { get; private set; }

    /// <summary>The admin API.</summary>
    public EdgeAdmin Admin { get; private set; } = null!;

    /// <summary>Starts an edge and waits until it is ready.</summary>
    /// <exception cref="TimeoutException">It did not become ready; the message holds its output.</exception>
    public static async Task<EdgeProcess> StartAsync(EdgeProcessOptions? options = null)
    {
        options ??= new();
        var dataDirectory = options.DataDirectory ?? Directory.CreateTempSubdirectory("orleans-edge-data-").FullName;
        var process = ChildProcess.Start("edge", "dotnet", Arguments(options, dataDirectory), options.Environment, dataDirectory);
        var edge = new EdgeProcess(process, dataDirectory, options.DataDirectory is null);
        try
        {
            await edge.ReadStartAsync();
            return edge;
        }
        catch
        {
            await edge.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes the next line of the access log that fits and that nobody has taken yet.</summary>
    /// <param name="predicate">Which entry.</param>
    /// <param name="what">What it is, for the message when it does not come.</param>
    /// <param name="deadline">Default <see cref="OutputLines.DefaultDeadline"/>.</param>
    public async Task<JsonElement> WaitForAccessLogAsync(Func<JsonElement, bool> predicate, string what, TimeSpan? deadline = null)
    {
        var entry = await WithErrorsAsync(_process.Output.TakeAsync(
            line => ParseEntry(line) is { } document && predicate(document.RootElement) ? document : null, what, deadline));
        return entry.RootElement;
    }

    /// <summary>All entries of the access log so far.</summary>
    public IReadOnlyList<JsonElement> AccessLog()
        => [.. _process.Output.Snapshot().Select(ParseEntry).OfType<JsonDocument>().Select(document => document.RootElement)];

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        await _process.DisposeAsync();
        if (_ownsDataDirectory)
        {
            Directory.Delete(_dataDirectory, recursive: true);
        }
    }

    private static List<string> Arguments(EdgeProcessOptions options, string dataDirectory)
    {
        List<string> arguments =
        [
            RepositoryFiles.Built("src/OrleansEdge.Standalone"),
            $"--Edge:DataDirectory={dataDirectory}",
            $"--Edge:Demo:Enabled={options.Demo}",
            "--Kestrel:Endpoints:Edge:Url=http://127.0.0.1:0",
            "--Kestrel:Endpoints:Admin:Url=http://127.0.0.1:0",
        ];
        if (options.CertificateDirectory is { } certificates)
        {
            arguments.Add("--Kestrel:Endpoints:EdgeTls:Url=https://127.0.0.1:0");
            arguments.Add($"--Edge:Certificates:Directory={certificates}");
        }

        arguments.AddRange(options.Settings.Select(setting => $"--{setting.Key}={setting.Value}"));
        return arguments;
    }

    private async Task ReadStartAsync()
    {
        await WithErrorsAsync(_process.Output.TakeAsync(line => line == "Ready." ? line : null, "The edge's line \"Ready.\""));
        Dictionary<string, Uri> endpoints = new(StringComparer.Ordinal);
        foreach (var match in _process.Output.Snapshot().Select(line => EndpointLine().Match(line)).Where(match => match.Success))
        {
            endpoints[match.Groups["name"].Value] = new(match.Groups["url"].Value);
        }

        Edge = endpoints["edge"];
        EdgeTls = endpoints.GetValueOrDefault("edge tls");
        Admin = new(endpoints["admin"]);
    }

    private async Task<T> WithErrorsAsync<T>(Task<T> wait)
    {
        try
        {
            return await wait;
        }
        catch (TimeoutException missing)
        {
            throw new TimeoutException($"{missing.Message}\n--- errors\n{string.Join('\n', _process.Errors.Snapshot())}", missing);
        }
    }

    private static JsonDocument? ParseEntry(string line) => line.StartsWith('{') ? JsonDocument.Parse(line) : null;

    [GeneratedRegex("^  (?<name>edge|edge tls|admin) +(?<url>\\S+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EndpointLine();
}
