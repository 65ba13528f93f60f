namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The folder that holds the control plane of one process, locked while the process lives. Thread safe.</summary>
internal sealed class DataFolder : IDisposable
{
    // EWOULDBLOCK of flock(2), as .NET reports it, and ERROR_SHARING_VIOLATION of Windows.
    private const uint WouldBlock = 11;
    private const uint WouldBlockOnBsd = 35;
    private const uint SharingViolation = 0x80070020;

    private readonly FileStream _lock;

    private DataFolder(string path, FileStream lockFile)
    {
        FullPath = path;
        _lock = lockFile;
    }

    public string FullPath { get; }

    public string AuditPath => Path.Combine(FullPath, "audit.jsonl");

    /// <summary>Creates the folder where it is missing and locks it.</summary>
    /// <exception cref="DataDirectoryException">It cannot be created or written, or another process has it.</exception>
    public static DataFolder Open(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
            return new(full, Lock(full));
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            throw new DataDirectoryException($"The data directory {full} cannot be used: {OneLine(failure)}", failure);
        }
    }

    /// <summary>A folder below, created where it is missing.</summary>
    /// <param name="created">Whether it was missing.</param>
    /// <param name="parts">Its path below the data directory.</param>
    public string Folder(out bool created, params string[] parts)
    {
        created = false;
        var folder = FullPath;
        try
        {
            foreach (var part in parts)
            {
                folder = Path.Combine(folder, part);
                created = DurableFile.CreateFolder(folder);
            }
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            throw new DataDirectoryException($"The data directory {FullPath} cannot be written: {OneLine(failure)}", failure);
        }

        return folder;
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string folder)
    {
        var path = Path.Combine(folder, ".lock");
        try
        {
            return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException failure) when (failure is not (FileNotFoundException or DirectoryNotFoundException) && File.Exists(path)
            && (uint)failure.HResult is WouldBlock or WouldBlockOnBsd or SharingViolation)
        {
            throw new DataDirectoryException($"The data directory {folder} is in use by another process (lock file {path}).", failure);
        }
    }

    private static string OneLine(Exception failure) => failure.Message.ReplaceLineEndings(" ");
}
