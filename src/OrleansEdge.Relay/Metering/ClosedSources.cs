using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Metering;

/// <summary>A spool file that nobody counts into any more, held locked.</summary>
/// <param name="path">The file.</param>
/// <param name="file">Its lock.</param>
/// <param name="header">Whose counters it holds.</param>
internal sealed class ClosedSource(string path, FileStream file, SpoolHeader header) : IDisposable
{
    public string FilePath => path;

    public SpoolHeader Header => header;

    /// <summary>Billable bytes that may not have been reported.</summary>
    public long UnreportedBytes { get; set; }

    /// <summary>Where everything is reported: what the ledger holds.</summary>
    public IReadOnlyList<StoredShard> Stored { get; set; } = [];

    /// <summary>When the ledger had everything; <see langword="null"/>: it has not.</summary>
    public long? SettledAt { get; set; }

    /// <summary>Before then it is left alone: some part of the ledger did not take its share.</summary>
    public long RetryAt { get; set; }

    /// <summary>When it was last asked whether it still has it.</summary>
    public long AskedAt { get; set; }

    /// <summary>Takes the file up: reads all counters, to report them from the beginning.</summary>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    public UsageSource Load()
    {
        var source = new UsageSource(header, NoteTakenUp());
        source.Count(SpoolFormat.ReadCells(ReadAll(file), header.Hour).Select(static cell => (cell.Key.Account, cell.Key.Bucket, cell.Value)));
        UnreportedBytes = source.UnreportedBytes;
        return source;
    }

    /// <summary>Removes the file.</summary>
    public void Delete() => File.Delete(path);

    public void Dispose() => file.Dispose();

    private long NoteTakenUp()
    {
        Span<byte> word = stackalloc byte[sizeof(long)];
        RandomAccess.Read(file.SafeFileHandle, word, SpoolFormat.TakenUpOffset);
        var times = MemoryMarshal.Read<long>(word) + 1;
        MemoryMarshal.Write(word, times);
        RandomAccess.Write(file.SafeFileHandle, word, SpoolFormat.TakenUpOffset);
        return times;
    }

    private static byte[] ReadAll(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(bytes);
        return bytes;
    }
}

/// <summary>Finds the spool files of processes that have ended, and those that this one has closed. Not thread safe.</summary>
internal sealed class ClosedSourceFinder(string folder, ILogger logger)
{
    private readonly HashSet<string> _damaged = new(StringComparer.Ordinal);
    private readonly HashSet<string> _barred = new(StringComparer.Ordinal);

    /// <summary>Takes every file that nobody holds, the oldest first.</summary>
    public List<ClosedSource> Find()
    {
        var found = new List<ClosedSource>();
        if (!Directory.Exists(folder))
        {
            return found;
        }

        try
        {
            foreach (var path in Directory.EnumerateFiles(folder, "*" + UsageSpool.Extension).Order(StringComparer.Ordinal))
            {
                if (!_damaged.Contains(path) && TryTake(path) is { } source)
                {
                    found.Add(source);
                }
            }

            RemoveUnfinished();
            return found;
        }
        catch
        {
            found.ForEach(static source => source.Dispose());
            throw;
        }
    }

    private ClosedSource? TryTake(string path)
    {
        if (TryLock(path) is not { } file)
        {
            return null;
        }

        try
        {
            var page = new byte[SpoolFormat.HeaderBytes];
            if (file.ReadAtLeast(page, page.Length, throwOnEndOfStream: false) == page.Length && SpoolFormat.ReadHeader(page) is { } header)
            {
                var source = new ClosedSource(path, file, header);
                source.Load();
                logger.DeadSourceFound(path, header.Gateway);
                return source;
            }

            NoteDamage(path, "its header is not one");
        }
        catch (IOException failure)
        {
            NoteDamage(path, failure.Message);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        file.Dispose();
        return null;
    }

    // Who lives holds the lock.
    private FileStream? TryLock(string path)
    {
        try
        {
            return new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException refused)
        {
            if (_barred.Add(path))
            {
                logger.SpoolFileBarred(path, refused.Message);
            }

            return null;
        }
    }

    /// <summary>Leaves a file alone from now on.</summary>
    public void NoteDamage(string path, string reason)
    {
        _damaged.Add(path);
        logger.SpoolFileDamaged(path, reason);
    }

    // A process that ended while it made a file had counted nothing in it.
    private void RemoveUnfinished()
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*" + UsageSpool.MakingExtension))
        {
            if (TryLock(path) is { } file)
            {
                File.Delete(path);
                file.Dispose();
            }
        }
    }
}
