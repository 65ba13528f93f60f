using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansEdge.Model;
using OrleansEdge.PortContracts;
using OrleansEdge.Standalone.Tests.ControlPlane;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.Tests.Usage;

/// <summary>A usage ledger in a temporary folder, whose clock stands still unless a test moves it.</summary>
internal sealed class LedgerHarness : UsageHarness
{
    private readonly string _data = Directory.CreateTempSubdirectory("orleans-edge-usage-").FullName;
    private FileUsageLedger? _ledger;

    public LedgerHarness(bool start = true)
    {
        if (start)
        {
            Start();
        }
    }

    public string Folder => Path.Combine(_data, "usage");

    public ManualTime Time { get; } = new();

    public LedgerLog Log { get; } = new();

    public FileUsageLedgerOptions Options { get; set; } = new();

    public FileUsageLedger Ledger => _ledger ?? throw new InvalidOperationException("the ledger is not started");

    public override IUsageSink Sink => Ledger;

    public override IUsageReader Reader => Ledger;

    public override DateTimeOffset Now => Time.GetUtcNow();

    public override TimeSpan DeadAfter => Options.DeadAfter;

    /// <summary>The journal that is written.</summary>
    public string JournalPath => Directory.GetFiles(Folder, "journal-*.log").Order(StringComparer.Ordinal).Last();

    public string[] Segments => Directory.GetFiles(Folder, "*.seg", SearchOption.AllDirectories);

    public void Start() => _ledger = new(Folder, Time, Log, Options);

    public void Stop()
    {
        _ledger?.Dispose();
        _ledger = null;
    }

    /// <summary>Copies the files as they are, which is what a kill leaves.</summary>
    public void CopyTo(string folder)
    {
        foreach (var path in Directory.GetFiles(Folder, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder, Path.GetRelativePath(Folder, path));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(path, copy, overwrite: true);
        }
    }

    /// <summary>Puts the files of a copy in the place of those that are there.</summary>
    public void RestoreFrom(string folder)
    {
        Directory.Delete(Folder, recursive: true);
        Directory.Move(folder, Folder);
    }

    public string NewFolder(string name)
    {
        var path = Path.Combine(_data, name);
        Directory.CreateDirectory(path);
        return path;
    }

    public override Task AdvanceAsync(TimeSpan by)
    {
        // The second look is on the hour that the first has written.
        Time.Advance(by);
        Ledger.Look();
        Ledger.Look();
        return Task.CompletedTask;
    }

    public override Task RestartAsync()
    {
        Stop();
        Start();
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        Stop();
        Directory.Delete(_data, recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LedgerLog : ILogger<FileUsageLedger>
{
    private readonly ConcurrentQueue<(LogLevel Level, int Id, string Text)> _events = new();

    public IReadOnlyCollection<(LogLevel Level, int Id, string Text)> Events => _events;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => _events.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
}

public class FileUsageSink : UsageSinkContract
{
    protected override Task<UsageHarness> StartAsync() => Task.FromResult<UsageHarness>(new LedgerHarness());
}
