using System.IO.Enumeration;
using System.Runtime.InteropServices;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>Tells by cheap means whether a file may have changed. The default value stands for no file.</summary>
/// <param name="ModifiedTicks">Time of the last modification.</param>
/// <param name="Length">Bytes.</param>
/// <param name="IsSettled">Whether the file was read again after the first time that it was seen like this: a file may change twice
/// within the resolution of its time. Never for a link, whose own time says nothing.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileStamp(long ModifiedTicks, long Length, bool IsSettled)
{
    private const long NeverEqual = -1;

    public bool IsMissing => this == default;

    public static FileStamp Of(ref FileSystemEntry entry)
        => Of(entry.Attributes, entry.LastWriteTimeUtc.UtcTicks, entry.Length);

    public static FileStamp Of(FileInfo file)
        => file.Exists ? Of(file.Attributes, file.LastWriteTimeUtc.Ticks, file.Length) : default;

    /// <summary>Whether the file need not be read again, given what is seen of it now.</summary>
    public bool StillHolds(FileStamp seen)
        => IsSettled && ModifiedTicks == seen.ModifiedTicks && Length == seen.Length && Length != NeverEqual;

    /// <summary>The stamp to keep for a file that was read after it was seen like this.</summary>
    public FileStamp Next(FileStamp seen)
        => seen with { IsSettled = ModifiedTicks == seen.ModifiedTicks && Length == seen.Length };

    private static FileStamp Of(FileAttributes attributes, long ticks, long length)
        => new(ticks, (attributes & FileAttributes.ReparsePoint) != FileAttributes.None ? NeverEqual : length, IsSettled: false);
}
