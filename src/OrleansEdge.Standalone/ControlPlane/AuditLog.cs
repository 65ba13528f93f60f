using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The audit: one JSON line for each action in <c>audit.jsonl</c>, in the order of their ids. Changing calls must not
/// overlap; listing may.</summary>
internal sealed class AuditLog
{
    private const int ChunkBytes = 4096;

    private readonly string _path;
    private readonly ILogger _logger;
    private long _lastId;
    private ImmutableArray<AuditEntry> _unwritten = [];

    /// <summary>Opens the file; half a line at its end, which a crash can leave, is cut off.</summary>
    public AuditLog(string path, ILogger logger)
    {
        _path = path;
        _logger = logger;
        LastWrittenId = Repair();
        _lastId = LastWrittenId;
    }

    /// <summary>The id of the last line in the file; 0: none.</summary>
    public long LastWrittenId { get; private set; }

    /// <summary>An id for the next line. Ids rise, and one that is taken need not be used.</summary>
    public long TakeId() => ++_lastId;

    /// <summary>Adds a line. Where the disk refuses it the line waits in memory and goes with the next one: an action that was done
    /// is not undone for want of its line.</summary>
    public void Append(AuditEntry entry, bool flush = true)
    {
        ImmutableInterlocked.Update(ref _unwritten, static (lines, line) => lines.Add(line), entry);
        Flush(flush);
    }

    /// <summary>Adds lines that a crash prevented, in any order, all with ids after the last in the file.</summary>
    public void Complete(IEnumerable<AuditEntry> lines)
    {
        _unwritten = [.. lines.OrderBy(static line => IdOf(line.Id))];
        _lastId = IdOf(_unwritten[^1].Id);
        Flush();
    }

    /// <summary>Writes the lines that wait.</summary>
    public void Flush(bool flush = true)
    {
        var lines = _unwritten;
        if (lines.IsEmpty)
        {
            return;
        }

        try
        {
            DurableFile.Append(_path, Serialize(lines), flush);
            LastWrittenId = IdOf(lines[^1].Id);
            _unwritten = [];
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            _logger.AuditNotWritten(lines.Length, failure.Message);
        }
    }

    /// <summary>A page of the audit, oldest first.</summary>
    public Page<AuditEntry> List(long after, int limit)
    {
        var waiting = _unwritten;
        var items = ReadAfter(after, limit + 1);
        var last = items.Count > 0 ? IdOf(items[^1].Id) : after;
        items.AddRange(waiting.Where(entry => IdOf(entry.Id) > last).Take(limit + 1 - items.Count));
        var hasMore = items.Count > limit;
        return new(hasMore ? items[..limit] : items, hasMore ? items[limit - 1].Id : null);
    }

    private static ReadOnlySpan<byte> Serialize(IEnumerable<AuditEntry> lines)
    {
        using var text = new MemoryStream();
        foreach (var line in lines)
        {
            JsonSerializer.Serialize(text, line, EdgeJson.Options);
            text.WriteByte((byte)'\n');
        }

        return text.ToArray();
    }

    private static long IdOf(string id) => long.Parse(id, NumberStyles.None, CultureInfo.InvariantCulture);

    private static AuditEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            var entry = JsonSerializer.Deserialize<AuditEntry>(line, EdgeJson.Options);
            return entry is not null && long.TryParse(entry.Id, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private long Repair()
    {
        if (!File.Exists(_path))
        {
            return 0;
        }

        using var file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var length = RandomAccess.GetLength(file);
        var end = EndOfLastLine(file, length);
        if (end < length)
        {
            RandomAccess.SetLength(file, end);
        }

        return LastId(file, end);
    }

    private static long EndOfLastLine(SafeFileHandle file, long end)
    {
        Span<byte> chunk = stackalloc byte[ChunkBytes];
        while (end > 0)
        {
            var start = Math.Max(0, end - ChunkBytes);
            var read = RandomAccess.Read(file, chunk[..(int)(end - start)], start);
            var feed = chunk[..read].LastIndexOf((byte)'\n');
            if (feed >= 0)
            {
                return start + feed + 1;
            }

            end = start;
        }

        return 0;
    }

    private static long LastId(SafeFileHandle file, long end)
    {
        while (end > 0)
        {
            var start = EndOfLastLine(file, end - 1);
            if (Parse(ReadLine(file, start, out _)) is { } entry)
            {
                return IdOf(entry.Id);
            }

            end = start;
        }

        return 0;
    }

    private List<AuditEntry> ReadAfter(long after, int count)
    {
        var entries = new List<AuditEntry>();
        if (!File.Exists(_path))
        {
            return entries;
        }

        using var file = File.OpenHandle(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var offset = FindAfter(file, after);
        while (entries.Count < count && ReadLine(file, offset, out var next) is { } line)
        {
            if (Parse(line) is { } entry && IdOf(entry.Id) > after)
            {
                entries.Add(entry);
            }

            offset = next;
        }

        return entries;
    }

    // The lines are in the order of their ids, so the first one after a cursor is found by halving the file.
    private static long FindAfter(SafeFileHandle file, long after)
    {
        var (low, high) = (0L, after == 0 ? 0 : RandomAccess.GetLength(file));
        while (low < high)
        {
            var start = EndOfLastLine(file, low + ((high - low) / 2));
            start = Math.Max(start, low);
            if (ReadLine(file, start, out var next) is not { } line || (Parse(line) is { } entry && IdOf(entry.Id) > after))
            {
                high = start;
            }
            else
            {
                low = next;
            }
        }

        return low;
    }

    /// <summary>The line at an offset, without its line feed; null where there is no whole one.</summary>
    private static byte[]? ReadLine(SafeFileHandle file, long offset, out long next)
    {
        next = offset;
        var buffer = new byte[512];
        var filled = 0;
        while (true)
        {
            var read = RandomAccess.Read(file, buffer.AsSpan(filled), offset + filled);
            if (read == 0)
            {
                return null;
            }

            var feed = buffer.AsSpan(filled, read).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                next = offset + filled + feed + 1;
                return buffer[..(filled + feed)];
            }

            filled += read;
            Array.Resize(ref buffer, filled + ChunkBytes);
        }
    }
}
