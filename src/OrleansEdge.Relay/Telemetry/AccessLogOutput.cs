namespace OrleansEdge.Relay.Telemetry;

/// <summary>Where lines go. Used by one thread at a time.</summary>
internal interface IAccessLogOutput : IDisposable
{
    /// <summary>For people.</summary>
    string Name { get; }

    /// <summary>Writes whole lines; may block.</summary>
    void Write(ReadOnlySpan<byte> lines);
}

/// <summary>Standard output. A reader that went away is no error.</summary>
internal sealed class AccessLogStandardOutput : IAccessLogOutput
{
    private readonly Stream _stream = Console.OpenStandardOutput();

    public string Name => "standard output";

    public void Write(ReadOnlySpan<byte> lines)
    {
        _stream.Write(lines);
        _stream.Flush();
    }

    public void Dispose() => _stream.Dispose();
}

/// <summary>A file that is appended to, and opened again when another file stands under its name.</summary>
internal sealed class AccessLogFile : IAccessLogOutput
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private FileStream _file;
    private long _lookedAt;
    private volatile bool _reopen;

    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public AccessLogFile(string path, TimeProvider time)
    {
        Name = Path.GetFullPath(path);
        _time = time;
        _file = Open();
        _lookedAt = time.GetTimestamp();
    }

    public string Name { get; }

    public void RequestReopen() => _reopen = true;

    public void Write(ReadOnlySpan<byte> lines)
    {
        if (_reopen || _time.GetElapsedTime(_lookedAt) >= LookInterval)
        {
            ReopenIfReplaced();
        }

        if (_file.CanSeek)
        {
            // The end as it is now: the file may have been truncated in place.
            _file.Seek(0, SeekOrigin.End);
        }

        _file.Write(lines);
    }

    public void Dispose() => _file.Dispose();

    private void ReopenIfReplaced()
    {
        _lookedAt = _time.GetTimestamp();
        _reopen = false;
        if (_file.CanSeek && IsReplaced())
        {
            var fresh = Open();
            _file.Dispose();
            _file = fresh;
        }
    }

    /// <summary>Whether the path names another file than the open one. No inode number can be had without native code; two
    /// files that agree in length and both times to the nanosecond are one, and opening the same file again does no harm.</summary>
    private bool IsReplaced()
    {
        var named = new FileInfo(Name);
        return !named.Exists
            || named.Length != _file.Length
            || named.CreationTimeUtc != File.GetCreationTimeUtc(_file.SafeFileHandle)
            || named.LastWriteTimeUtc != File.GetLastWriteTimeUtc(_file.SafeFileHandle);
    }

    private FileStream Open() => new(Name, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
}
