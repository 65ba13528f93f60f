using OrleansEdge.Model;
using OrleansEdge.Relay.Telemetry;
using Xunit;

namespace OrleansEdge.Relay.Tests.Telemetry;

public sealed class RelayMetricsTests : IDisposable
{
    private readonly MetricProbe _probe = new();
    private readonly RelayMetrics _metrics;

    public RelayMetricsTests() => _metrics = new RelayMetrics(_probe);

    public void Dispose() => _probe.Dispose();

    [Fact]
    public void SessionOpensAndEnds_ActiveIsZeroAgainAndTheEndIsCounted()
    {
        _metrics.SessionOpened();
        Assert.Equal(1, _probe.Sum("orleansedge.websocket.active_sessions"));

        _metrics.SessionClosed(new(SessionEndRule.Of(EndCause.IdleTimeout), SessionPhase.Relaying, 1001, 1001), TimeSpan.FromSeconds(61.5));

        Assert.Equal(0, _probe.Sum("orleansedge.websocket.active_sessions"));
        Assert.Contains(("orleansedge.websocket.session.duration", 61.5, ""), _probe.Recorded);
        Assert.Contains(("orleansedge.websocket.ends", 1, "cause=idle_timeout,by=edge"), _probe.Recorded);
    }

    [Theory]
    [InlineData(EndCause.ClientClose, "cause=client_close,by=client")]
    [InlineData(EndCause.OriginLost, "cause=origin_lost,by=origin")]
    [InlineData(EndCause.TenantBlocked, "cause=tenant_blocked,by=operator")]
    public void Ends_AreTaggedWithTheWordsOfTheRule(EndCause cause, string tags)
    {
        _metrics.SessionClosed(new(SessionEndRule.Of(cause), SessionPhase.Relaying, 0, 0), TimeSpan.Zero);
        Assert.Contains(("orleansedge.websocket.ends", 1, tags), _probe.Recorded);
    }

    [Fact]
    public void Traffic_IsReceivedUpAndTransmittedDown()
    {
        _metrics.Traffic(10, 20, 1, 2);
        _metrics.Traffic(5, 0, 0, 0);

        Assert.Equal(
            [
                ("orleansedge.websocket.io", 10, "network.io.direction=receive"),
                ("orleansedge.websocket.io", 20, "network.io.direction=transmit"),
                ("orleansedge.websocket.messages", 1, "network.io.direction=receive"),
                ("orleansedge.websocket.messages", 2, "network.io.direction=transmit"),
                ("orleansedge.websocket.io", 5, "network.io.direction=receive"),
            ],
            _probe.Recorded);
    }

    [Fact]
    public void HandshakesAndConnects_AreSecondsWithAResult()
    {
        _metrics.Handshake(TimeSpan.FromMilliseconds(12), RelayMetrics.Accepted);
        _metrics.OriginConnected(TimeSpan.FromSeconds(5), "origin_timeout");

        Assert.Equal(
            [
                ("orleansedge.websocket.handshake.duration", 0.012, "result=accepted"),
                ("orleansedge.origin.connect.duration", 5, "result=origin_timeout"),
            ],
            _probe.Recorded);
    }

    [Fact]
    public void Units_AreThoseOfTheOpenTelemetryConventions()
        => Assert.Equal(
            [
                ("orleansedge.access_log.dropped", "{line}"),
                ("orleansedge.drain.sessions", "{session}"),
                ("orleansedge.metering.counters_in_memory", "{counter}"),
                ("orleansedge.metering.unreported", "By"),
                ("orleansedge.origin.connect.duration", "s"),
                ("orleansedge.websocket.active_sessions", "{session}"),
                ("orleansedge.websocket.ends", "{session}"),
                ("orleansedge.websocket.handshake.duration", "s"),
                ("orleansedge.websocket.io", "By"),
                ("orleansedge.websocket.messages", "{message}"),
                ("orleansedge.websocket.session.duration", "s"),
            ],
            _probe.Instruments.Where(instrument => instrument.Meter.Name == "OrleansEdge.Relay").Select(instrument => (instrument.Name, instrument.Unit)).Order());
}
