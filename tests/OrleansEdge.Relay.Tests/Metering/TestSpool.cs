using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using OrleansEdge.Model;
using OrleansEdge.Relay.Metering;
using Xunit;

namespace OrleansEdge.Relay.Tests.Metering;

/// <summary>A spool in a folder of its own, and what its files say.</summary>
internal sealed class TestSpool : IDisposable
{
    public const string Gateway = "gw-1";

    private readonly bool _ownsFolder;

    public TestSpool(TimeProvider? time = null, string? folder = null, ILogger<UsageSpool>? logger = null)
    {
        _ownsFolder = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("orleans-edge-spool-").FullName;
        Time = time ?? TimeProvider.System;
        Spool = New(Folder, Time, logger);
    }

    public string Folder { get; }

    public TimeProvider Time { get; }

    public UsageSpool Spool { get; }

    public static UsageSpool New(string folder, TimeProvider? time = null, ILogger<UsageSpool>? logger = null)
        => new(
            Options.Create(new MeteringOptions { SpoolDirectory = folder }),
            new EdgeIdentity(Gateway, "token", DateTimeOffset.UnixEpoch, "1"),
            time ?? TimeProvider.System,
            logger ?? NullLogger<UsageSpool>.Instance);

    /// <summary>Every counter of the spool's files as another process would find them, by source.</summary>
    public static Dictionary<UsageSourceId, Dictionary<(SpoolAccount Account, UsageBucket Bucket), UsageCounts>> ReadFiles(string folder)
        => Directory.GetFiles(folder, "*" + UsageSpool.Extension).Select(ReadFile).ToDictionary(file => file.Source, file => file.Cells);

    /// <summary>Sum over all files, by account.</summary>
    public static Dictionary<SpoolAccount, UsageCounts> SumFiles(string folder)
        => ReadFiles(folder).Values
            .SelectMany(cells => cells)
            .GroupBy(cell => cell.Key.Account)
            .ToDictionary(group => group.Key, group => group.Aggregate(default(UsageCounts), (sum, cell) => sum + cell.Value));

    public static byte[] ReadBytes(string path)
    {
        // Not opened by the framework, which heeds the lock of the process that counts.
        using var handle = Open(path, 0);
        var bytes = new byte[RandomAccess.GetLength(handle)];
        RandomAccess.Read(handle, bytes, 0);
        return bytes;
    }

    public void Dispose()
    {
        Spool.Dispose();
        if (_ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern SafeFileHandle Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    private static (UsageSourceId Source, Dictionary<(SpoolAccount, UsageBucket), UsageCounts> Cells) ReadFile(string path)
    {
        var bytes = ReadBytes(path);
        var header = SpoolFormat.ReadHeader(bytes);
        Assert.NotNull(header);
        return (header.Source, SpoolFormat.ReadCells(bytes, header.Hour));
    }
}
