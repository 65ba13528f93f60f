using System.Diagnostics;

namespace OrleansEdge.Compare.Load;

/// <summary>Counts of latencies, to a fortieth of their value. Not thread safe but for adding.</summary>
internal sealed class LatencyHistogram
{
    private const double Growth = 1.025;

    private readonly int[] _counts = new int[1024];

    /// <summary>Adds one that began at a time stamp.</summary>
    public void AddSince(long began)
    {
        var microseconds = Math.Max(1, Stopwatch.GetElapsedTime(began).TotalMicroseconds);
        Interlocked.Increment(ref _counts[Math.Min(_counts.Length - 1, (int)Math.Log(microseconds, Growth))]);
    }

    /// <summary>Microseconds below which a part of the latencies is; 0: there are none.</summary>
    public double Quantile(double part)
    {
        var left = (long)(part * _counts.Sum(static count => (long)count));
        for (var i = 0; i < _counts.Length; i++)
        {
            left -= _counts[i];
            if (left < 0)
            {
                return Math.Pow(Growth, i + 1);
            }
        }

        return 0;
    }
}
