namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Calls for a scan of folders: soon after the operating system hints at a change, and periodically, because it does not
/// hint at every change on every file system. Scans never overlap and take at most about 2 % of the time. Thread safe.</summary>
internal sealed class FolderWatch : IDisposable
{
    /// <summary>Time from one scan to the next where nothing hints at a change.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private const int RestPerWork = 50;

    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    private readonly Action _scan;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly List<FileSystemWatcher> _watchers = [];
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private TimeSpan _lastScan;
    private bool _isHinted;
    private bool _isScanning;
    private bool _isDisposed;

    public FolderWatch(IEnumerable<string> folders, Action scan, TimeProvider time, ILogger logger)
    {
        _scan = scan;
        _time = time;
        _logger = logger;
        foreach (var folder in folders)
        {
            Watch(folder);
        }

        _timer = time.CreateTimer(static watch => ((FolderWatch)watch!).OnTimer(), this, Period, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
        }

        _watchers.ForEach(static watcher => watcher.Dispose());
        _timer.Dispose();
    }

    private void Watch(string folder)
    {
        try
        {
            var watcher = new FileSystemWatcher(folder, "*.json");
            _watchers.Add(watcher);
            watcher.Changed += OnHint;
            watcher.Created += OnHint;
            watcher.Deleted += OnHint;
            watcher.Renamed += OnHint;
            watcher.Error += OnHint;
            watcher.EnableRaisingEvents = true;
        }
        catch (IOException failure)
        {
            _logger.FilesNotWatched(Period.TotalSeconds, failure.Message);
        }
    }

    private void OnHint(object sender, EventArgs hint)
    {
        lock (_gate)
        {
            if (!_isHinted && !_isScanning && !_isDisposed)
            {
                _timer.Change(Longer(Settle, _lastScan * RestPerWork), Timeout.InfiniteTimeSpan);
            }

            _isHinted = true;
        }
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            if (_isScanning || _isDisposed)
            {
                return;
            }

            (_isScanning, _isHinted) = (true, false);
        }

        var started = _time.GetTimestamp();
        try
        {
            _scan();
        }
        catch (Exception failure)
        {
            _logger.ScanFailed(failure);
        }

        lock (_gate)
        {
            _lastScan = _time.GetElapsedTime(started);
            _isScanning = false;
            if (!_isDisposed)
            {
                _timer.Change(Longer(_isHinted ? Settle : Period, _lastScan * RestPerWork), Timeout.InfiniteTimeSpan);
            }
        }
    }

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
