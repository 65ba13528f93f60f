using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace OrleansEdge.Relay.Transport;

/// <summary>The certificates of a directory of <c>NAME.crt</c>/<c>NAME.key</c> pairs, read at the start and again while running. A
/// pair that is broken or half written leaves the one before it in use. Connections keep the certificate that they began with.
/// Thread safe.</summary>
internal sealed class CertificateStore : BackgroundService
{
    private readonly string? _directory;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateStore> _logger;
    private readonly SemaphoreSlim _hint = new(0, 1);
    private Dictionary<string, LoadedPair> _loaded = new(StringComparer.Ordinal);
    private bool _unreadable;
    private volatile CertificateIndex _index = new([]);

    public CertificateStore(IOptions<CertificateOptions> options, TimeProvider time, ILogger<CertificateStore> logger)
    {
        _directory = options.Value.Directory is { } directory ? Path.GetFullPath(directory) : null;
        _interval = options.Value.RescanInterval;
        _time = time;
        _logger = logger;
        Rescan();
    }

    /// <summary>The certificate for a client that asks for this name (empty: for none), or null.</summary>
    public CertificatePair? Find(string serverName) => _index.Find(serverName);

    /// <summary>Reads what has changed in the directory. Not for two callers at once.</summary>
    public void Rescan()
    {
        if (_directory is null || ListPairs() is not { } files)
        {
            return;
        }

        var loaded = new Dictionary<string, LoadedPair>(StringComparer.Ordinal);
        foreach (var (certificatePath, keyPath) in files)
        {
            loaded[certificatePath] = LoadIfChanged(certificatePath, keyPath, _loaded.GetValueOrDefault(certificatePath));
        }

        var changed = loaded.Count != _loaded.Count
            || loaded.Any(entry => !_loaded.TryGetValue(entry.Key, out var before) || before.Pair != entry.Value.Pair);
        _loaded = loaded;
        if (changed)
        {
            Publish([.. loaded.Values.Select(entry => entry.Pair).OfType<CertificatePair>()]);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _hint.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_directory is null)
        {
            return;
        }

        using var watcher = Watch(_directory);
        while (!stoppingToken.IsCancellationRequested)
        {
            await WaitForHintAsync(stoppingToken);
            Rescan();
        }
    }

    // The watch only shortens the wait: it misses changes on network file systems, in linked directories and when it overflows.
    private async Task WaitForHintAsync(CancellationToken stoppingToken)
    {
        using var due = new CancellationTokenSource(_interval, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, stoppingToken);
        try
        {
            await _hint.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            // Due without a hint.
        }
    }

    private FileSystemWatcher? Watch(string directory)
    {
        try
        {
            var watcher = new FileSystemWatcher(directory);
            watcher.Changed += (_, _) => Hint();
            watcher.Created += (_, _) => Hint();
            watcher.Deleted += (_, _) => Hint();
            watcher.Renamed += (_, _) => Hint();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            TransportLog.CertificateDirectoryNotWatched(_logger, directory, e.Message);
            return null;
        }
    }

    private void Hint()
    {
        lock (_hint)
        {
            if (_hint.CurrentCount == 0)
            {
                _hint.Release();
            }
        }
    }

    private List<(string Certificate, string Key)>? ListPairs()
    {
        try
        {
            var pairs = Directory.EnumerateFiles(_directory!, "*.crt")
                .Order(StringComparer.Ordinal)
                .Select(path => (path, Path.ChangeExtension(path, ".key")))
                .ToList();
            _unreadable = false;
            return pairs;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_unreadable)
            {
                TransportLog.CertificateDirectoryUnreadable(_logger, _directory!, e.Message);
            }

            _unreadable = true;
            return null;
        }
    }

    private LoadedPair LoadIfChanged(string certificatePath, string keyPath, LoadedPair? before)
    {
        var stamp = (Stamp(certificatePath), Stamp(keyPath));
        if (before is not null && before.Stamp == stamp)
        {
            return before;
        }

        var (pair, fault) = CertificatePair.Load(certificatePath, keyPath);
        if (pair is null)
        {
            var consequence = before?.Pair is null ? "its names are not served" : "the one before stays in use";
            TransportLog.CertificatePairBroken(_logger, certificatePath, consequence, fault!);
        }
        else if (pair.NotAfter <= _time.GetUtcNow())
        {
            TransportLog.CertificateExpired(_logger, certificatePath, pair.NotAfter);
        }

        return new LoadedPair(stamp, pair ?? before?.Pair);
    }

    // By handle, since certificates often lie behind symbolic links whose own times never change.
    private static (DateTime, long) Stamp(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            return (File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }

    private void Publish(CertificatePair[] pairs)
    {
        _index = new CertificateIndex(pairs);
        TransportLog.CertificatesLoaded(_logger, _directory!, string.Join(", ", pairs.Select(pair => pair.Name)));
    }

    private sealed record LoadedPair(((DateTime, long) Certificate, (DateTime, long) Key) Stamp, CertificatePair? Pair);
}
