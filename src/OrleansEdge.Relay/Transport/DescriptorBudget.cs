using System.Runtime.InteropServices;

namespace OrleansEdge.Relay.Transport;

/// <summary>How many sockets this process may hold: the limit of open files (raised to what the system allows), less a headroom for
/// listeners, files, the admin API and the runtime. Counts client connections, and origin connections where their maker takes
/// from it. Thread safe.</summary>
public sealed partial class DescriptorBudget
{
    private const int MaxHeadroom = 1024;
    private const int MinHeadroom = 96;

    // Where the system has no such limit.
    private const long Unlimited = 1 << 24;

    private int _taken;

    /// <summary>Raises the process's limit and computes the budget from it.</summary>
    public DescriptorBudget()
        : this(RaiseLimit())
    {
    }

    internal DescriptorBudget(long limit)
    {
        Limit = limit;
        var headroom = Math.Min(Math.Clamp(limit / 8, MinHeadroom, MaxHeadroom), limit / 2);
        MaxSockets = (int)Math.Min(limit - headroom, Unlimited);
    }

    /// <summary>Number of descriptors that the process may have open.</summary>
    public long Limit { get; }

    /// <summary>Number of sockets of clients and origins together.</summary>
    public int MaxSockets { get; }

    /// <summary>Number of sessions that descriptors allow: two sockets each, at least 1.</summary>
    public int MaxSessions => Math.Max(1, MaxSockets / 2);

    /// <summary>Sockets taken and not yet given back.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Takes room for one socket.</summary>
    /// <returns>What gives the room back when disposed (once or more often), or null where there is none.</returns>
    public IDisposable? TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= MaxSockets)
        {
            return new Lease(this);
        }

        Interlocked.Decrement(ref _taken);
        return null;
    }

    private static long RaiseLimit()
    {
        var resource = OperatingSystem.IsLinux() ? 7 : 8;
        if (OperatingSystem.IsWindows() || GetLimit(resource, out var limit) != 0)
        {
            return Unlimited;
        }

        var wanted = new ResourceLimit(limit.Hard, limit.Hard);
        var current = limit.Soft < limit.Hard && SetLimit(resource, in wanted) == 0 ? limit.Hard : limit.Soft;
        return (long)Math.Min(current, Unlimited);
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetLimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetLimit(int resource, in ResourceLimit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit(nuint soft, nuint hard)
    {
        public readonly nuint Soft = soft;
        public readonly nuint Hard = hard;
    }

    private sealed class Lease(DescriptorBudget budget) : IDisposable
    {
        private DescriptorBudget? _budget = budget;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _budget, null) is { } owner)
            {
                Interlocked.Decrement(ref owner._taken);
            }
        }
    }
}
