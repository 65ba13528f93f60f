using System.Diagnostics;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>Knows how late this machine itself is: a task that wants to run every 50 ms notes by how much it was kept waiting. Tests
/// of "at most a second late" add it, so that they are strict on a quiet machine and do not fail on a busy one.</summary>
public static class Metronome
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(15);
    private static readonly Queue<(long At, TimeSpan Delay)> Delays = Start();

    /// <summary>The longest delay of the last fifteen seconds, and a quarter of a second for what it did not see.</summary>
    public static TimeSpan Lateness
    {
        get
        {
            lock (Delays)
            {
                return Delays.Select(entry => entry.Delay).DefaultIfEmpty().Max() + TimeSpan.FromMilliseconds(250);
            }
        }
    }

    private static Queue<(long At, TimeSpan Delay)> Start()
    {
        var delays = new Queue<(long, TimeSpan)>();
        _ = Task.Run(() => TickAsync(delays));
        return delays;
    }

    private static async Task TickAsync(Queue<(long At, TimeSpan Delay)> delays)
    {
        while (true)
        {
            var start = Stopwatch.GetTimestamp();
            await Task.Delay(Beat);
            var now = Stopwatch.GetTimestamp();
            lock (delays)
            {
                delays.Enqueue((now, Stopwatch.GetElapsedTime(start, now) - Beat));
                while (Stopwatch.GetElapsedTime(delays.Peek().At, now) > Memory)
                {
                    delays.Dequeue();
                }
            }
        }
    }
}
