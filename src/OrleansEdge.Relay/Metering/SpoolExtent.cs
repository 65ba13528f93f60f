using System.ComponentModel;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansEdge.Relay.Metering;

/// <summary>A piece of memory for records, zeroed, mapped from the spool file or, where the disk gives no room, of the process alone. It
/// lives for as long as somebody refers to it: a cell that is added to late must find its memory, so nothing frees it earlier.</summary>
internal sealed unsafe partial class SpoolExtent
{
    private const int NotSupported = 95;
    private const int InvalidArgument = 22;
    private const int Interrupted = 4;

    private readonly byte* _base;
    private readonly int _units;

    // Frees the memory when nobody refers to it any more.
    private readonly SafeHandle _memory;
    private int _used;

    private SpoolExtent(byte* start, int bytes, int firstUnit, SafeHandle memory)
    {
        _base = start;
        _memory = memory;
        _units = bytes / SpoolFormat.Unit;
        FirstUnit = firstUnit;
    }

    /// <summary>Whether a kill leaves its content.</summary>
    public bool IsMapped => _memory is SafeMemoryMappedViewHandle;

    /// <summary>Index in the file of its first unit.</summary>
    public int FirstUnit { get; }

    /// <summary>Memory of this process, which a kill takes away.</summary>
    public static SpoolExtent Allocate(int bytes)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, SpoolFormat.Unit);
        new Span<byte>(memory, bytes).Clear();
        return new(memory, bytes, 0, new ProcessMemory((nint)memory));
    }

    /// <summary>Makes a file longer and maps the new part. The disk's blocks are reserved first: a full disk is an error here, and never
    /// a signal when the memory is written.</summary>
    /// <exception cref="IOException">The disk gives no room.</exception>
    public static SpoolExtent Map(SafeFileHandle file, long offset, int bytes)
    {
        Reserve(file, offset, bytes);
        using var mapping = MemoryMappedFile.CreateFromFile(file, null, offset + bytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        var view = mapping.CreateViewAccessor(offset, bytes);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);

        // The handle alone keeps the memory: who asked for the address and never gave it back would keep it for good.
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        return new(start + view.PointerOffset, bytes, (int)(offset / SpoolFormat.Unit), view.SafeMemoryMappedViewHandle);
    }

    /// <summary>Takes units off the free end.</summary>
    /// <returns>The index of the first of them within this extent; -1: there are not as many.</returns>
    public int Take(int units)
    {
        if (_used + units > _units)
        {
            return -1;
        }

        _used += units;
        return _used - units;
    }

    /// <summary>The bytes of units that were taken.</summary>
    public Span<byte> Of(int unit, int units) => new(AddressOf(unit), units * SpoolFormat.Unit);

    public byte* AddressOf(int unit) => _base + ((nint)unit * SpoolFormat.Unit);

    private static void Reserve(SafeFileHandle file, long offset, int bytes)
    {
        var error = OperatingSystem.IsLinux() ? Fallocate(file, offset, bytes) : NotSupported;
        while (error == Interrupted)
        {
            error = Fallocate(file, offset, bytes);
        }

        if (error is NotSupported or InvalidArgument)
        {
            RandomAccess.Write(file, new byte[bytes], offset);
        }
        else if (error != 0)
        {
            throw new IOException(new Win32Exception(error).Message);
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fallocate(SafeFileHandle file, long offset, long length);

    private sealed class ProcessMemory : SafeHandleZeroOrMinusOneIsInvalid
    {
        public ProcessMemory(nint memory)
            : base(ownsHandle: true) => SetHandle(memory);

        protected override bool ReleaseHandle()
        {
            NativeMemory.AlignedFree((void*)handle);
            return true;
        }
    }
}
