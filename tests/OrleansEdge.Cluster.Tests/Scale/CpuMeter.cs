using System.Diagnostics;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Scale;

/// <summary>Processor time of this process, in which all of the mesh is but Redis: the client's part is in it.</summary>
internal sealed class CpuMeter
{
    private readonly TimeSpan _before = Process.GetCurrentProcess().TotalProcessorTime;
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>Prints what was done since this object was made.</summary>
    /// <returns>Microseconds of a core for each.</returns>
    public double Print(ITestOutputHelper output, string what, int count)
    {
        var cpu = Process.GetCurrentProcess().TotalProcessorTime - _before;
        output.WriteLine($"{what}: {count:N0} in {_watch.Elapsed.TotalSeconds:F2} s, {cpu.TotalMicroseconds / count:N0} us of a core each, {count / cpu.TotalSeconds:N0} per second of one core");
        return cpu.TotalMicroseconds / count;
    }
}
