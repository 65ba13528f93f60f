using System.Diagnostics;
using Xunit;

namespace OrleansEdge.Testing;

/// <summary>A file system of a few pages in memory, that takes files until it is full. Linux and root only: see
/// <see cref="SmallDiskFactAttribute"/>.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private SmallDisk(string path) => Path = path;

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Why none can be mounted here; <see langword="null"/>: one can.</summary>
    public static string? Missing { get; } = FindMissing();

    /// <summary>Mounts one.</summary>
    /// <param name="size">Its size as <c>mount</c> takes it, such as <c>160k</c>.</param>
    public static SmallDisk Mount(string size)
    {
        var path = Directory.CreateTempSubdirectory("orleans-edge-disk-").FullName;
        Run($"size={size},nr_inodes=1000", path);
        return new(path);
    }

    /// <summary>Makes it larger.</summary>
    public void GiveRoom(string size) => Run($"remount,size={size}", Path);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        TryRun("umount", "-l", Path);
        Directory.Delete(Path);
        return ValueTask.CompletedTask;
    }

    private static string? FindMissing()
    {
        const string Reason = "mounting a small file system needs Linux and root";
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return Reason;
        }

        var probe = Directory.CreateTempSubdirectory("orleans-edge-disk-").FullName;
        var isMounted = TryRun("mount", "-t", "tmpfs", "tmpfs", probe) == 0;
        if (isMounted)
        {
            TryRun("umount", "-l", probe);
        }

        Directory.Delete(probe);
        return isMounted ? null : Reason;
    }

    private static void Run(string options, string path)
    {
        var code = TryRun("mount", "-t", "tmpfs", "-o", options, "tmpfs", path);
        if (code != 0)
        {
            throw new InvalidOperationException($"mount -o {options} ended with code {code}.");
        }
    }

    private static int TryRun(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}

/// <summary>A test that needs a small disk: skipped by name where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    /// <summary>Looks whether one can be mounted.</summary>
    public SmallDiskFactAttribute() => Skip = SmallDisk.Missing;
}
