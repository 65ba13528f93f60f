namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Says when folders must be looked at: soon after the operating system hints at some files, and periodically at all,
/// because it does not hint at every change on every file system. Looks never overlap, and those at all files take at most about 2 %
/// of the time, so that with very many files they come less often than each second. Thread safe.</summary>
internal sealed class FolderWatch : IDisposable
{
    /// <summary>Time from one look at all files to the next.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Time from a hint to the look that it brings about: who changes a file may still be at it.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    /// <summary>Time until files are looked at again that were not at rest.</summary>
    public static readonly TimeSpan Unrest = TimeSpan.FromMilliseconds(500);

    private const int RestPerWork = 50;

    private readonly Func<IReadOnlyCollection<string>?, bool> _look;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly List<FileSystemWatcher> _watchers = [];
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private HashSet<string> _hints = new(StringComparer.Ordinal);
    private long _lastFull;
    private TimeSpan _fullAfter = Period;
    private bool _isLooking;
    private bool _isDisposed;

    /// <summary>Begins to watch.</summary>
    /// <param name="folders">Paths.</param>
    /// <param name="look">Looks at files by their paths, or where there is no list at all; says whether some must be looked at again soon.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes what goes wrong.</param>
    public FolderWatch(IEnumerable<string> folders, Func<IReadOnlyCollection<string>?, bool> look, TimeProvider time, ILogger logger)
    {
        _look = look;
        _time = time;
        _logger = logger;
        _lastFull = time.GetTimestamp();
        _timer = time.CreateTimer(static watch => ((FolderWatch)watch!).OnTimer(), this, Period, Timeout.InfiniteTimeSpan);
        foreach (var folder in folders)
        {
            Watch(folder);
        }
    }

    private TimeSpan UntilFull => _fullAfter - _time.GetElapsedTime(_lastFull);

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
            watcher.Changed += (_, hint) => Hint(hint.FullPath);
            watcher.Created += (_, hint) => Hint(hint.FullPath);
            watcher.Deleted += (_, hint) => Hint(hint.FullPath);
            watcher.Renamed += (_, hint) => Hint(hint.OldFullPath, hint.FullPath);
            watcher.Error += (_, _) => HintAll();
            watcher.EnableRaisingEvents = true;
        }
        catch (IOException failure)
        {
            _logger.FilesNotWatched(Period.TotalSeconds, failure.Message);
        }
    }

    private void Hint(params ReadOnlySpan<string> paths)
    {
        lock (_gate)
        {
            var isFirst = _hints.Count == 0;
            foreach (var path in paths)
            {
                _hints.Add(path);
            }

            if (isFirst && !_isLooking && !_isDisposed)
            {
                Arm(Shorter(Settle, UntilFull));
            }
        }
    }

    // Hints were lost.
    private void HintAll()
    {
        lock (_gate)
        {
            _fullAfter = TimeSpan.Zero;
            if (!_isLooking && !_isDisposed)
            {
                Arm(Settle);
            }
        }
    }

    private void OnTimer()
    {
        HashSet<string>? hints;
        lock (_gate)
        {
            if (_isLooking || _isDisposed)
            {
                return;
            }

            _isLooking = true;
            hints = UntilFull > TimeSpan.Zero ? _hints : null;
            _hints = new(StringComparer.Ordinal);
        }

        var started = _time.GetTimestamp();
        var isUnrest = Look(hints);
        lock (_gate)
        {
            if (hints is null)
            {
                _lastFull = _time.GetTimestamp();
                _fullAfter = Longer(Period, _time.GetElapsedTime(started) * RestPerWork);
            }

            _isLooking = false;
            if (!_isDisposed)
            {
                var due = isUnrest ? Shorter(Unrest, UntilFull) : UntilFull;
                Arm(_hints.Count > 0 ? Shorter(Settle, due) : due);
            }
        }
    }

    private bool Look(HashSet<string>? hints)
    {
        try
        {
            return _look(hints);
        }
        catch (Exception failure)
        {
            _logger.ScanFailed(failure);
            return false;
        }
    }

    private void Arm(TimeSpan due) => _timer.Change(Longer(due, TimeSpan.Zero), Timeout.InfiniteTimeSpan);

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
