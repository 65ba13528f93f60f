namespace OrleansEdge.Standalone.Startup;

/// <summary>The directory where everything lies that outlives the process. Held by one process at a time, until disposed.</summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>Name of the setting.</summary>
    public const string Setting = "Edge:DataDirectory";

    private const string LockFile = "in-use.lock";

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream @lock)
    {
        Path = path;
        _lock = @lock;
    }

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>Makes the directory where it does not exist, and takes it.</summary>
    /// <param name="configured">The setting; empty: <c>orleans-edge</c> under <c>$XDG_DATA_HOME</c> or <c>~/.local/share</c>.</param>
    /// <exception cref="StartFaultException">It cannot be made or written, or another process has it.</exception>
    public static DataDirectory Take(string? configured)
    {
        var path = string.IsNullOrWhiteSpace(configured) ? Default() : System.IO.Path.GetFullPath(configured);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, failure);
        }

        return new(path, Lock(path));
    }

    /// <summary>Lets another process have it.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string path)
    {
        var file = System.IO.Path.Combine(path, LockFile);
        try
        {
            return new(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException failure) when (failure is not (DirectoryNotFoundException or PathTooLongException) && !IsNotWritable(path))
        {
            throw new StartFaultException($"The data directory {path} is in use by another process; give this one its own with --{Setting}=PATH.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, failure);
        }
    }

    /// <summary>Whether a new file fails too, which tells a read-only or full file system from a lock.</summary>
    private static bool IsNotWritable(string path)
    {
        try
        {
            using var probe = new FileStream(
                System.IO.Path.Combine(path, $".probe-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.DeleteOnClose);
            return false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static StartFaultException NotWritable(string path, Exception failure)
        => new($"The data directory {path} cannot be written ({failure.Message.TrimEnd('.')}); choose another with --{Setting}=PATH.", failure);

    private static string Default()
        => System.IO.Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
            "orleans-edge");
}
