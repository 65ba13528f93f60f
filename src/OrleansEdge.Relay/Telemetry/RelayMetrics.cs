using System.Diagnostics.Metrics;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Telemetry;

/// <summary>The instruments of the relay, meter <see cref="MeterName"/>; <c>docs/metrics.md</c> lists them. Thread safe. No
/// tag ever holds a connection id, an address or a path, so that the number of series has a bound. Bills never come from here.</summary>
public sealed class RelayMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "OrleansEdge.Relay";

    /// <summary>Open sessions, in <c>{session}</c>.</summary>
    public const string ActiveSessionsName = "orleansedge.websocket.active_sessions";

    /// <summary>Seconds from the head of a WebSocket handshake to its answer; tag <see cref="ResultTag"/>.</summary>
    public const string HandshakeDurationName = "orleansedge.websocket.handshake.duration";

    /// <summary>Seconds from upgrade to end of a session.</summary>
    public const string SessionDurationName = "orleansedge.websocket.session.duration";

    /// <summary>Bytes of WebSocket frames on the client leg; tag <see cref="DirectionTag"/>.</summary>
    public const string IoName = "orleansedge.websocket.io";

    /// <summary>Data messages on the client leg; tag <see cref="DirectionTag"/>.</summary>
    public const string MessagesName = "orleansedge.websocket.messages";

    /// <summary>Ended sessions; tags <see cref="CauseTag"/> and <see cref="ByTag"/>.</summary>
    public const string EndsName = "orleansedge.websocket.ends";

    /// <summary>Seconds to connect to an origin, TLS included; tag <see cref="ResultTag"/>.</summary>
    public const string OriginConnectDurationName = "orleansedge.origin.connect.duration";

    /// <summary>Sessions that a drain ended; tag <see cref="ResultTag"/>: <c>clean</c> or <c>cut</c>.</summary>
    public const string DrainedName = "orleansedge.drain.sessions";

    /// <summary>Lines that the access log lost because its destination was too slow or failed.</summary>
    public const string AccessLogDroppedName = "orleansedge.access_log.dropped";

    /// <summary>Billable bytes that were counted and that the ledger has not acknowledged.</summary>
    public const string UnreportedName = "orleansedge.metering.unreported";

    /// <summary>Counters that lie in memory alone because the spool has no room: a kill would lose them. Alarm where it is not 0.</summary>
    public const string CountersInMemoryName = "orleansedge.metering.counters_in_memory";

    /// <summary><c>accepted</c>, <c>connected</c>, or the code of the refusal.</summary>
    public const string ResultTag = "result";

    /// <summary><c>receive</c>: from the client; <c>transmit</c>: to the client.</summary>
    public const string DirectionTag = "network.io.direction";

    /// <summary>The word of the session's end.</summary>
    public const string CauseTag = "cause";

    /// <summary><c>client</c>, <c>origin</c>, <c>edge</c> or <c>operator</c>.</summary>
    public const string ByTag = "by";

    /// <summary>Result of a handshake that led to a session.</summary>
    public const string Accepted = "accepted";

    /// <summary>Result of a connection to an origin that came about.</summary>
    public const string Connected = "connected";

    private static readonly InstrumentAdvice<double> FastSeconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    };

    private static readonly InstrumentAdvice<double> SessionSeconds = new()
    {
        HistogramBucketBoundaries = [0.1, 1, 5, 15, 30, 60, 120, 300, 900, 1800, 3600, 10800, 43200, 86400],
    };

    private static readonly KeyValuePair<string, object?> Receive = new(DirectionTag, "receive");
    private static readonly KeyValuePair<string, object?> Transmit = new(DirectionTag, "transmit");

    private readonly UpDownCounter<long> _activeSessions;
    private readonly Histogram<double> _handshakeDuration;
    private readonly Histogram<double> _sessionDuration;
    private readonly Counter<long> _io;
    private readonly Counter<long> _messages;
    private readonly Counter<long> _ends;
    private readonly Histogram<double> _originConnectDuration;
    private readonly Counter<long> _drained;
    private readonly Counter<long> _accessLogDropped;
    private Func<long> _unreportedBytes = static () => 0;
    private Func<int> _countersInMemory = static () => 0;

    /// <summary>Makes the instruments.</summary>
    public RelayMetrics(IMeterFactory meters)
    {
        ArgumentNullException.ThrowIfNull(meters);
        var meter = meters.Create(MeterName);
        _activeSessions = meter.CreateUpDownCounter<long>(ActiveSessionsName, "{session}", "Open WebSocket sessions.");
        _handshakeDuration = meter.CreateHistogram(HandshakeDurationName, "s", "Time from a WebSocket handshake to its answer.", null, FastSeconds);
        _sessionDuration = meter.CreateHistogram(SessionDurationName, "s", "Length of ended WebSocket sessions.", null, SessionSeconds);
        _io = meter.CreateCounter<long>(IoName, "By", "Bytes of WebSocket frames on the client leg.");
        _messages = meter.CreateCounter<long>(MessagesName, "{message}", "WebSocket data messages on the client leg.");
        _ends = meter.CreateCounter<long>(EndsName, "{session}", "Ended WebSocket sessions.");
        _originConnectDuration = meter.CreateHistogram(OriginConnectDurationName, "s", "Time to connect to an origin, TLS included.", null, FastSeconds);
        _drained = meter.CreateCounter<long>(DrainedName, "{session}", "WebSocket sessions that a drain ended.");
        _accessLogDropped = meter.CreateCounter<long>(AccessLogDroppedName, "{line}", "Lines that the access log lost.");
        meter.CreateObservableGauge(UnreportedName, () => _unreportedBytes(), "By", "Billable bytes that the ledger has not acknowledged.");
        meter.CreateObservableGauge(CountersInMemoryName, () => _countersInMemory(), "{counter}", "Usage counters that a kill would lose.");
    }

    /// <summary>A session is open.</summary>
    public void SessionOpened() => _activeSessions.Add(1);

    /// <summary>A session that was counted by <see cref="SessionOpened"/> has ended.</summary>
    public void SessionClosed(SessionEnd end, TimeSpan duration)
    {
        _activeSessions.Add(-1);
        _sessionDuration.Record(duration.TotalSeconds);
        _ends.Add(1, new(CauseTag, end.Rule.Word), new(ByTag, Words.Of(end.Rule.By)));
    }

    /// <summary>A drain is over.</summary>
    /// <param name="clean">Sessions that ended in time.</param>
    /// <param name="cut">Sessions that were cut.</param>
    public void Drained(int clean, int cut)
    {
        Add(_drained, clean, new(ResultTag, "clean"));
        Add(_drained, cut, new(ResultTag, "cut"));
    }

    /// <summary>A WebSocket handshake was answered.</summary>
    /// <param name="duration">From its head to the answer.</param>
    /// <param name="result"><see cref="Accepted"/> or the code of the refusal.</param>
    public void Handshake(TimeSpan duration, string result)
        => _handshakeDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>(ResultTag, result));

    /// <summary>Traffic since the last call for the same session.</summary>
    public void Traffic(long bytesUp, long bytesDown, long messagesUp, long messagesDown)
    {
        Add(_io, bytesUp, Receive);
        Add(_io, bytesDown, Transmit);
        Add(_messages, messagesUp, Receive);
        Add(_messages, messagesDown, Transmit);
    }

    /// <summary>An attempt to connect to an origin is over.</summary>
    /// <param name="duration">Of this attempt.</param>
    /// <param name="result"><see cref="Connected"/> or the code of the refusal.</param>
    public void OriginConnected(TimeSpan duration, string result)
        => _originConnectDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>(ResultTag, result));

    /// <summary>Says where the figures of metering are read.</summary>
    internal void ObserveMetering(Func<long> unreportedBytes, Func<int> countersInMemory)
        => (_unreportedBytes, _countersInMemory) = (unreportedBytes, countersInMemory);

    internal void AccessLogDropped(long lines) => _accessLogDropped.Add(lines);

    private static void Add(Counter<long> counter, long delta, KeyValuePair<string, object?> tag)
    {
        if (delta != 0)
        {
            counter.Add(delta, tag);
        }
    }
}
