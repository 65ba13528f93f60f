using Microsoft.Extensions.Logging;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Metering;

/// <summary>The counters of one hour, in a file that this process holds locked: one source. Where the disk gives no room the counters
/// lie in memory alone, and move into the file as soon as there is room. Thread safe.</summary>
internal sealed class SpoolFile : IDisposable
{
    /// <summary>Bytes by which a file grows.</summary>
    public const int ExtentBytes = 1024 * 1024;

    private const int MemoryExtentBytes = 64 * 1024;

    private readonly Lock _gate = new();

    // Taken before the other one, and by nobody who counts: what is done under it waits for the disk.
    private readonly Lock _diskGate = new();
    private readonly SpoolHeader _header;
    private readonly string _folder;
    private readonly ILogger _logger;
    private readonly Dictionary<(SpoolAccount Account, UsageBucket Bucket), UsageCell> _cells = [];
    private readonly Dictionary<SpoolAccount, int> _accounts = [];
    private readonly List<(UsageCell Cell, int Slot)> _inMemory = [];
    private FileStream? _file;
    private SpoolExtent? _extent;
    private SpoolExtent? _spare;
    private SpoolExtent? _memory;
    private long _length;
    private bool _failing;
    private bool _closed;
    private bool _disposed;

    /// <summary>Makes the file, if the disk gives room.</summary>
    public SpoolFile(string folder, UsageHour hour, string gateway, TimeProvider time, ILogger logger)
    {
        _folder = folder;
        _logger = logger;
        _header = new(UsageSourceId.New(), hour, time.GetUtcNow(), gateway);
        FilePath = Path.Combine(folder, $"{hour.Start.UtcDateTime:yyyyMMdd'T'HH}-{_header.Source}{UsageSpool.Extension}");
        Tend();
    }

    public SpoolHeader Header => _header;

    public string FilePath { get; }

    /// <summary>Counters that a kill would take away.</summary>
    public int CountersInMemory
    {
        get
        {
            lock (_gate)
            {
                return _inMemory.Count;
            }
        }
    }

    /// <summary>The cell of an account and bucket, made where there is none.</summary>
    /// <returns><see langword="null"/> where the file is closed.</returns>
    public UsageCell? Open(SpoolAccount account, UsageBucket bucket)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return null;
            }

            if (!_cells.TryGetValue((account, bucket), out var cell))
            {
                var slot = TakeSlot(account, bucket);
                cell = new(this, account, bucket, slot);
                _cells[(account, bucket)] = cell;
                NoteIfInMemory(cell, slot, 0);
            }

            return cell;
        }
    }

    /// <summary>Gives a cell one slot more than it has.</summary>
    public bool TryWiden(UsageCell cell, int slots)
    {
        lock (_gate)
        {
            if (!_closed && cell.Slots.Length == slots)
            {
                var slot = TakeSlot(cell.Account, cell.Bucket);
                cell.Widen(slot);
                NoteIfInMemory(cell, slot, slots);
            }

            return !_closed;
        }
    }

    /// <summary>All cells that there are now.</summary>
    public IReadOnlyCollection<UsageCell> Cells()
    {
        lock (_gate)
        {
            return [.. _cells.Values];
        }
    }

    /// <summary>Lets nothing more be counted here.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var cell in _cells.Values)
            {
                cell.Close();
            }
        }
    }

    /// <summary>Makes room in time, tries again where the disk gave none, and moves counters from memory into the file.</summary>
    public void Tend()
    {
        lock (_diskGate)
        {
            if (_disposed)
            {
                return;
            }

            try
            {
                EnsureFile();
                EnsureSpare();
                MoveIntoFile();
                NoteRoom(null);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                NoteRoom(failure);
            }
        }
    }

    /// <summary>Removes the file, when everything in it is accounted for.</summary>
    public void Delete() => File.Delete(FilePath);

    /// <summary>Gives the lock free. The counters stay readable for those who hold cells.</summary>
    public void Dispose()
    {
        lock (_diskGate)
        {
            _disposed = true;
            _file?.Dispose();
        }
    }

    // Until its header stands the file has a name that nobody looks for: an empty file must not be taken for that of a dead process.
    private void EnsureFile()
    {
        if (_file is not null)
        {
            return;
        }

        Directory.CreateDirectory(_folder);
        var making = FilePath + UsageSpool.MakingExtension;
        var file = new FileStream(making, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        try
        {
            var extent = SpoolExtent.Map(file.SafeFileHandle, 0, ExtentBytes);
            extent.Take(SpoolFormat.HeaderBytes / SpoolFormat.Unit);
            SpoolFormat.WriteHeader(extent.Of(0, SpoolFormat.HeaderBytes / SpoolFormat.Unit), _header);
            File.Move(making, FilePath);
            (_file, _length) = (file, ExtentBytes);
            lock (_gate)
            {
                _extent = extent;
            }
        }
        catch
        {
            file.Dispose();
            File.Delete(making);
            throw;
        }
    }

    private void EnsureSpare()
    {
        if (Volatile.Read(ref _spare) is null && !_closed)
        {
            var spare = SpoolExtent.Map(_file!.SafeFileHandle, _length, ExtentBytes);
            _length += ExtentBytes;
            lock (_gate)
            {
                _spare = spare;
            }
        }
    }

    private void NoteRoom(Exception? failure)
    {
        var wasFailing = _failing;
        _failing = failure is not null;
        if (_failing && !wasFailing)
        {
            _logger.SpoolFailed(FilePath, failure!.Message);
        }
        else if (wasFailing && !_failing)
        {
            _logger.SpoolRecovered(FilePath);
        }
    }

    private void MoveIntoFile()
    {
        lock (_gate)
        {
            var left = 0;
            for (; left < _inMemory.Count; left++)
            {
                var (cell, slot) = _inMemory[left];
                if (!TakeMapped(cell.Account, out var extent, out var unit, out var account))
                {
                    break;
                }

                cell.Move(slot, new(extent, unit), () => SpoolFormat.WriteCell(extent.Of(unit, 1), account, cell.Bucket));
            }

            _inMemory.RemoveRange(0, left);
            if (_inMemory.Count == 0)
            {
                _memory = null;
            }
        }
    }

    private void NoteIfInMemory(UsageCell cell, UsageSlot slot, int index)
    {
        if (!slot.Extent.IsMapped)
        {
            _inMemory.Add((cell, index));
        }
    }

    private UsageSlot TakeSlot(SpoolAccount account, UsageBucket bucket)
    {
        if (TakeMapped(account, out var extent, out var unit, out var owner))
        {
            SpoolFormat.WriteCell(extent.Of(unit, 1), owner, bucket);
            return new(extent, unit);
        }

        _memory = _memory is { } memory && memory.Take(1) is var free and >= 0
            ? Remember(memory, free, out unit)
            : Remember(SpoolExtent.Allocate(MemoryExtentBytes), null, out unit);
        return new(_memory, unit);
    }

    private static SpoolExtent Remember(SpoolExtent memory, int? taken, out int unit)
    {
        unit = taken ?? memory.Take(1);
        return memory;
    }

    // A unit for a cell, behind the account that it refers to.
    private bool TakeMapped(SpoolAccount account, out SpoolExtent extent, out int unit, out int owner)
    {
        unit = -1;
        extent = null!;
        if (!_accounts.TryGetValue(account, out owner))
        {
            var units = SpoolFormat.UnitsOf(account);
            if (!TryTake(units, out var home, out var first))
            {
                return false;
            }

            SpoolFormat.WriteAccount(home.Of(first, units), account);
            owner = home.FirstUnit + first;
            _accounts[account] = owner;
        }

        return TryTake(1, out extent, out unit);
    }

    private bool TryTake(int units, out SpoolExtent extent, out int unit)
    {
        unit = -1;
        extent = _extent!;
        if (extent is not null)
        {
            unit = extent.Take(units);
        }

        if (unit < 0 && _spare is { } spare)
        {
            (_extent, _spare) = (spare, null);
            extent = spare;
            unit = spare.Take(units);
            // Growing takes a moment, for which nobody here waits.
            ThreadPool.UnsafeQueueUserWorkItem(static file => file.Tend(), this, preferLocal: false);
        }

        return unit >= 0;
    }
}
