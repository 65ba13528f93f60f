using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>File operations that have reached the disk when they return, unless they are told not to flush. All throw
/// <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
internal static partial class DurableFile
{
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000;

    /// <summary>Replaces a file whole: who reads it, and who finds it after a crash, sees the old or the new content.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content, bool flush = true) => Replace(path, content, flush, isPrivate: false);

    /// <summary>Replaces a file whole; nobody but the process's own user may read it, not for an instant.</summary>
    public static void ReplacePrivate(string path, ReadOnlySpan<byte> content) => Replace(path, content, flush: true, isPrivate: true);

    /// <summary>Moves a file over another of the same file system.</summary>
    public static void Move(string from, string to)
    {
        File.Move(from, to, overwrite: true);
        FlushFolder(Path.GetDirectoryName(to)!);
        FlushFolder(Path.GetDirectoryName(from)!);
    }

    /// <summary>Removes a file, if it is there.</summary>
    public static void Delete(string path)
    {
        File.Delete(path);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Creates a folder below one that exists, if it is not there.</summary>
    /// <returns>Whether it was missing.</returns>
    public static bool CreateFolder(string path, bool flush = true)
    {
        if (Directory.Exists(path))
        {
            return false;
        }

        Directory.CreateDirectory(path);
        if (flush)
        {
            FlushFolder(Path.GetDirectoryName(path)!);
        }

        return true;
    }

    /// <summary>Adds to the end of a file, created where it is missing; after a failure the file is as long as before.</summary>
    public static void Append(string path, ReadOnlySpan<byte> content, bool flush = true)
    {
        var isNew = !File.Exists(path);
        using var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        var length = RandomAccess.GetLength(file);
        try
        {
            RandomAccess.Write(file, content, length);
            if (flush)
            {
                RandomAccess.FlushToDisk(file);
            }
        }
        catch (Exception failure) when (IsDiskFailure(failure))
        {
            RandomAccess.SetLength(file, length);
            throw;
        }

        if (isNew && flush)
        {
            FlushFolder(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>Brings to the disk all that was written without flushing to the file system of a folder; does nothing outside Linux.</summary>
    public static void FlushFileSystem(string folder)
    {
        if (OperatingSystem.IsLinux())
        {
            OnFolder(folder, FlushAll);
        }
    }

    /// <summary>Whether an exception is what a disk does: full, read-only, no permission, input or output error.</summary>
    public static bool IsDiskFailure(Exception exception) => exception is IOException or UnauthorizedAccessException;

    private static void Replace(string path, ReadOnlySpan<byte> content, bool flush, bool isPrivate)
    {
        var folder = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(folder, ".new");
        try
        {
            Write(temporary, content, flush, isPrivate);
            File.Move(temporary, path, overwrite: true);
            if (flush)
            {
                FlushFolder(folder);
            }
        }
        catch (Exception failure) when (IsDiskFailure(failure))
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static void Write(string path, ReadOnlySpan<byte> content, bool flush, bool isPrivate)
    {
        using var file = isPrivate ? CreatePrivate(path) : File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        RandomAccess.Write(file, content, 0);
        if (flush)
        {
            RandomAccess.FlushToDisk(file);
        }
    }

    // A file that is there already would keep its own mode.
    private static SafeFileHandle CreatePrivate(string path)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options).SafeFileHandle;
    }

    // A new name in a folder is on the disk only after the folder is.
    private static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsWindows())
        {
            OnFolder(folder, Flush);
        }
    }

    // .NET opens no folders.
    private static void OnFolder(string folder, Func<int, int> call)
    {
        var descriptor = Open(folder, ReadOnly | (OperatingSystem.IsLinux() ? CloseOnExec : 0));
        if (descriptor < 0)
        {
            throw LastFailure(folder);
        }

        try
        {
            if (call(descriptor) != 0)
            {
                throw LastFailure(folder);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException LastFailure(string folder)
    {
        var failure = new Win32Exception(Marshal.GetLastPInvokeError());
        return new IOException($"{failure.Message} : '{folder}'", failure);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FlushAll(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
