using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Metering;

/// <summary>The counters of this process: meters, and the spool files that are open, one for each hour in which something is counted.
/// Thread safe.</summary>
internal sealed class UsageSpool : IDisposable
{
    /// <summary>Ending of spool files.</summary>
    public const string Extension = ".spool";

    /// <summary>Further ending while a file has no header yet.</summary>
    public const string MakingExtension = ".new";

    /// <summary>How long after its hour a file takes counts from writers that were held up; who comes later opens another one.</summary>
    public static readonly TimeSpan CloseAfter = TimeSpan.FromMinutes(1);

    // Who counts keeps the meter; two meters of one account would meet in the same cells.
    private readonly ConcurrentDictionary<SpoolAccount, WeakReference<UsageMeter>> _meters = new();
    private readonly ConcurrentDictionary<UsageHour, SpoolFile> _open = new();
    private readonly Lock _gate = new();
    private readonly string _gateway;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Makes the folder and the file of the hour.</summary>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public UsageSpool(IOptions<MeteringOptions> options, EdgeIdentity identity, TimeProvider time, ILogger<UsageSpool> logger)
    {
        Folder = Path.GetFullPath(options.Value.SpoolDirectory ?? throw new InvalidOperationException("The host has not said where the spool lies."));
        _gateway = identity.Name;
        _time = time;
        _logger = logger;
        try
        {
            Directory.CreateDirectory(Folder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The spool directory {Folder} cannot be made: {failure.Message}", failure);
        }

        FileOf(UsageHour.At(time.GetUtcNow()));
    }

    /// <summary>Absolute path of the spool directory.</summary>
    public string Folder { get; }

    /// <summary>Files that are counted into.</summary>
    public IEnumerable<SpoolFile> OpenFiles => _open.Values;

    /// <summary>The meter of a tenant, domain and kind.</summary>
    public UsageMeter MeterOf(string tenant, string domain, UsageKind kind)
    {
        var account = new SpoolAccount(tenant, domain, kind);
        while (true)
        {
            var known = _meters.GetOrAdd(account, static (account, spool) => new(new(account, spool, spool._time)), this);
            if (known.TryGetTarget(out var meter))
            {
                return meter;
            }

            _meters.TryRemove(KeyValuePair.Create(account, known));
        }
    }

    /// <summary>The cell to count into.</summary>
    public UsageCell Open(SpoolAccount account, UsageBucket bucket)
    {
        while (true)
        {
            if (FileOf(bucket.Hour).Open(account, bucket) is { } cell)
            {
                return cell;
            }
        }
    }

    /// <summary>Makes the next file in time, sees to the room of all, and closes those whose hour is over.</summary>
    /// <param name="everything">Closes all.</param>
    /// <returns>Files that were closed: their counters are final.</returns>
    public List<SpoolFile> Tend(bool everything)
    {
        var now = _time.GetUtcNow();
        if (!everything)
        {
            FileOf(UsageHour.At(now + CloseAfter));
        }

        var closed = new List<SpoolFile>();
        foreach (var (hour, file) in _open)
        {
            if (everything || hour.End + CloseAfter <= now)
            {
                Close(hour, file);
                closed.Add(file);
            }
            else
            {
                file.Tend();
            }
        }

        return closed;
    }

    /// <summary>Gives the locks free.</summary>
    public void Dispose()
    {
        foreach (var file in _open.Values)
        {
            file.Dispose();
        }
    }

    private SpoolFile FileOf(UsageHour hour)
    {
        if (_open.TryGetValue(hour, out var file))
        {
            return file;
        }

        lock (_gate)
        {
            return _open.GetOrAdd(hour, static (hour, spool) => new(spool.Folder, hour, spool._gateway, spool._time, spool._logger), this);
        }
    }

    private void Close(UsageHour hour, SpoolFile file)
    {
        file.Close();
        _open.TryRemove(KeyValuePair.Create(hour, file));
        foreach (var (account, known) in _meters)
        {
            if (known.TryGetTarget(out var meter))
            {
                meter.Forget(hour);
            }
            else
            {
                _meters.TryRemove(KeyValuePair.Create(account, known));
            }
        }
    }
}
