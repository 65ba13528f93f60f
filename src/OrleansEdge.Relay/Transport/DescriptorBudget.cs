using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OrleansEdge.Relay.Transport;

/// <summary>How many descriptors this process may have: the limit of open files, raised to what the system allows. The last of them
/// are a headroom for files, the admin API and the runtime (which, out of descriptors, cannot start a thread and ends the process),
/// so whoever makes a socket for a client's sake asks <see cref="IsSpent"/> and closes it where that is so. Thread safe.</summary>
public sealed partial class DescriptorBudget
{
    private const int MaxHeadroom = 1024;
    private const int MinHeadroom = 96;

    // Where the system has no such limit, or a senseless one.
    private const long Unlimited = 1 << 24;

    /// <summary>Raises the process's limit and computes the budget from it.</summary>
    public DescriptorBudget()
        : this(RaiseLimit())
    {
    }

    internal DescriptorBudget(long limit)
    {
        Limit = Math.Min(limit, Unlimited);
        Headroom = (int)Math.Min(Math.Clamp(Limit / 8, MinHeadroom, MaxHeadroom), Limit / 2);
    }

    /// <summary>Number of descriptors that the process may have open.</summary>
    public long Limit { get; }

    /// <summary>Number of those that are not for sockets of clients and origins.</summary>
    public int Headroom { get; }

    /// <summary>Number of sessions that descriptors allow: two sockets each, at least 1.</summary>
    public int MaxSessions => (int)Math.Max(1, (Limit - Headroom) / 2);

    /// <summary>Whether a socket that was just made stands in the headroom. The system gives the lowest free number, so that this
    /// sees every descriptor of the process, whatever it is for.</summary>
    public bool IsSpent(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return !OperatingSystem.IsWindows() && socket.Handle >= Limit - Headroom;
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
}
