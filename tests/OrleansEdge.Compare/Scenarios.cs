using System.Diagnostics;
using OrleansEdge.Compare.Load;
using OrleansEdge.Compare.Proxies;

namespace OrleansEdge.Compare;

/// <summary>What one run of a scenario has shown.</summary>
/// <param name="Value">The figure, in the unit of the scenario.</param>
/// <param name="Rate">Messages or connections a second; 0: of no meaning.</param>
/// <param name="P99">99 of 100 latencies are below, in microseconds; 0: of no meaning.</param>
internal readonly record struct Figure(double Value, double Rate = 0, double P99 = 0);

/// <summary>Something that is done through a proxy and measured.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Unit">Of its figure, of which less is better.</param>
/// <param name="IsFresh">Whether the proxy is started anew for it: memory that has grown already would hide what it costs.</param>
/// <param name="RunAsync">Measures once.</param>
internal sealed record Scenario(string Name, string Unit, bool IsFresh, Func<RunningProxy, Task<Figure>> RunAsync)
{
    private const int EchoSessions = 64;
    private const int PushSessions = 2_000;
    private const int ConnectAtOnce = 64;
    private const double Nanoseconds = 1000;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan PushWindow = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan CloseRest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan IdleRest = TimeSpan.FromSeconds(1.5);
    private static readonly byte[] EchoHandshake = WebSocketBytes.Handshake(Proxy.Host, "/echo");

    /// <summary>All of them, those first that want a fresh proxy.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("empty process", "MiB", IsFresh: true, static proxy => Task.FromResult(new Figure(ProcessFigures.Memory(proxy.Id) / 1024.0 / 1024.0))),
        new("idle session, of 5,000", "KiB", IsFresh: true, static proxy => IdleAsync(proxy, 5_000)),
        new("idle session, of 9,000", "KiB", IsFresh: true, static proxy => IdleAsync(proxy, 9_000)),
        new("echo of 32 B", "µs", IsFresh: false, static proxy => EchoAsync(proxy, 32)),
        new("echo of 1 KiB", "µs", IsFresh: false, static proxy => EchoAsync(proxy, 1024)),
        new("echo of 16 KiB", "µs", IsFresh: false, static proxy => EchoAsync(proxy, 16 * 1024)),
        new("byte of an echo of 256 KiB", "ns", IsFresh: false, static async proxy =>
        {
            const int Size = 256 * 1024;
            var figure = await EchoAsync(proxy, Size);
            return figure with { Value = figure.Value * Nanoseconds / Size };
        }),
        new("message to 2,000 sessions, spread", "µs", IsFresh: false, static proxy => PushAsync(proxy, "/push")),
        new("message to 2,000 sessions at once", "µs", IsFresh: false, static proxy => PushAsync(proxy, "/push?aligned")),
        new("connection made, used once, closed", "µs", IsFresh: false, ChurnAsync),
    ];

    // The first sessions make the proxy grow by what does not depend on their number.
    private static async Task<Figure> IdleAsync(RunningProxy proxy, int count)
    {
        await EchoAsync(proxy, 32);
        await Task.Delay(CloseRest);
        var before = ProcessFigures.Memory(proxy.Id);
        var sessions = await OpenAsync(proxy, count, EchoHandshake);
        await Task.Delay(IdleRest);
        var after = ProcessFigures.Memory(proxy.Id);
        sessions.ForEach(static session => session.Dispose());
        return new((after - before) / 1024.0 / count);
    }

    private static async Task<Figure> EchoAsync(RunningProxy proxy, int size)
    {
        var sessions = await OpenAsync(proxy, EchoSessions, EchoHandshake);
        var payload = new byte[size];
        new Random(1).NextBytes(payload);
        var frame = WebSocketBytes.Masked(WebSocketBytes.Binary, payload);
        var figure = await MeasureAsync(proxy, Window, sessions.Select<LoadSession, Func<Task>>(session => async () =>
        {
            var head = await session.ExchangeAsync(frame);
            if (head.Length != size)
            {
                throw new InvalidDataException($"{size} bytes came back as {head.Length}.");
            }
        }));
        sessions.ForEach(static session => session.Dispose());
        return figure;
    }

    private static async Task<Figure> PushAsync(RunningProxy proxy, string path)
    {
        var sessions = await OpenAsync(proxy, PushSessions, WebSocketBytes.Handshake(Proxy.Host, path));
        var figure = await MeasureAsync(proxy, PushWindow, sessions.Select<LoadSession, Func<Task>>(static session => async () => await session.ReceiveAsync()));
        sessions.ForEach(static session => session.Dispose());
        return figure with { P99 = 0 };
    }

    private static Task<Figure> ChurnAsync(RunningProxy proxy)
    {
        var message = WebSocketBytes.Masked(WebSocketBytes.Binary, new byte[32]);
        var close = WebSocketBytes.Masked(WebSocketBytes.Close, [0x03, 0xE8]);
        return MeasureAsync(proxy, Window, Enumerable.Range(0, EchoSessions).Select<int, Func<Task>>(_ => async () =>
        {
            using var session = await LoadSession.OpenAsync(proxy.Port, EchoHandshake);
            await session.ExchangeAsync(message);
            var answer = await session.ExchangeAsync(close);
            if (answer.First != WebSocketBytes.Close)
            {
                throw new InvalidDataException("A Close was not answered.");
            }
        }));
    }

    private static async Task<List<LoadSession>> OpenAsync(RunningProxy proxy, int count, byte[] handshake)
    {
        var sessions = new List<LoadSession>(count);
        while (sessions.Count < count)
        {
            var some = Math.Min(ConnectAtOnce, count - sessions.Count);
            sessions.AddRange(await Task.WhenAll(Enumerable.Range(0, some).Select(_ => LoadSession.OpenAsync(proxy.Port, handshake))));
        }

        return sessions;
    }

    /// <summary>Does things again and again, and measures in the midst of it.</summary>
    private static async Task<Figure> MeasureAsync(RunningProxy proxy, TimeSpan window, IEnumerable<Func<Task>> works)
    {
        var measured = new Measured();
        var running = works.Select(work => RepeatAsync(work, measured)).ToList();
        await Task.WhenAny(Task.Delay(WarmUp), Task.WhenAll(running));
        var (began, before) = (Stopwatch.GetTimestamp(), ProcessFigures.ProcessorTime(proxy.Id));
        measured.Begin();
        await Task.WhenAny(Task.Delay(window), Task.WhenAll(running));
        measured.End();
        var (took, used) = (Stopwatch.GetElapsedTime(began), ProcessFigures.ProcessorTime(proxy.Id) - before);
        await Task.WhenAll(running);
        return new(used.TotalMicroseconds / measured.Count, measured.Count / took.TotalSeconds, measured.Latencies.Quantile(0.99));
    }

    private static async Task RepeatAsync(Func<Task> work, Measured measured)
    {
        while (!measured.IsOver)
        {
            var began = Stopwatch.GetTimestamp();
            await work();
            measured.Note(began);
        }
    }

    /// <summary>What was done within the window. Thread safe.</summary>
    private sealed class Measured
    {
        private volatile bool _isOn;
        private volatile bool _isOver;
        private int _count;

        public LatencyHistogram Latencies { get; } = new();

        public int Count => Volatile.Read(ref _count);

        public bool IsOver => _isOver;

        public void Begin() => _isOn = true;

        public void End() => (_isOn, _isOver) = (false, true);

        public void Note(long began)
        {
            if (_isOn)
            {
                Interlocked.Increment(ref _count);
                Latencies.AddSince(began);
            }
        }
    }
}
