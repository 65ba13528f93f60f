using System.Net;
using Microsoft.Extensions.Logging;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Relay.Framing;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Telemetry;

namespace OrleansEdge.Relay.Sessions;

/// <summary>Runs sessions: registers each, tells log and metrics of its open and its one end. Thread safe.</summary>
internal sealed class SessionHost : IDisposable
{
    private static readonly TimeSpan TrafficInterval = TimeSpan.FromSeconds(1);

    private readonly SessionRegistry _sessions;
    private readonly DrainCoordinator _drain;
    private readonly EdgeIdentity _identity;
    private readonly RelayMetrics _metrics;
    private readonly AccessLog _accessLog;
    private readonly TimeProvider _time;
    private readonly SessionServices _services;
    private long _trafficTakenAt;

    public SessionHost(
        SessionRegistry sessions,
        DrainCoordinator drain,
        EdgeIdentity identity,
        RelayMetrics metrics,
        AccessLog accessLog,
        UsageSpool spool,
        TimeProvider time,
        ILogger<RelaySession> log)
    {
        _sessions = sessions;
        _drain = drain;
        _identity = identity;
        _metrics = metrics;
        _accessLog = accessLog;
        _time = time;
        _services = new SessionServices(time, new SessionClock(time), spool, log);
        _services.Clock.Ticked += ReportTraffic;
    }

    /// <summary>Registers a session whose client is about to be told: from now on it is listed, and changes of its domain reach it.
    /// Then it is either run or forgotten.</summary>
    public RelaySession Add(
        string id, AdmittedHandshake admitted, IPEndPoint originAddress, OriginHandshakeResult answer, string path, RelayLeg client, RelayLeg origin)
    {
        var facts = new SessionFacts
        {
            Id = id,
            Gateway = _identity.Name,
            Domain = admitted.State,
            Snapshot = admitted.Domain,
            Client = admitted.Request.Client,
            Origin = originAddress,
            IsHttp2 = admitted.Request.IsHttp2,
            Subprotocol = answer.Subprotocol,
            Extensions = ExtensionsOf(answer.Extensions),
            Path = path,
            StartedAt = _time.GetUtcNow(),
        };
        var session = new RelaySession(facts, client, origin, _services);
        _sessions.Add(session);
        return session;
    }

    /// <summary>Takes out a session whose client could not be told.</summary>
    public void Forget(RelaySession session) => _sessions.Remove(session);

    /// <summary>Relays until the session has ended and both transports are given back. Its place is free before its end is told.</summary>
    public async Task RunAsync(RelaySession session, AdmittedHandshake admitted)
    {
        _metrics.SessionOpened();
        session.MeterOpening();
        _accessLog.Opened(session.Describe(), session.Facts.Path);
        if (_drain.RefusesNew)
        {
            session.TryEnd(EndCause.EdgeDraining);
        }

        var end = await session.RunAsync();
        var age = session.MeterEnd();
        Report(_sessions.Remove(session));
        admitted.Dispose();
        _metrics.SessionClosed(end, age);
        _accessLog.Closed(session.Describe(), session.Facts.Path, end, age);
    }

    public void Dispose() => _services.Clock.Dispose();

    private static FrameExtensions ExtensionsOf(string? header)
    {
        var names = HandshakeValidation.TokensOf(header).Select(static e => e.Split(';', 2)[0].Trim()).ToArray();
        return names switch
        {
            [] => FrameExtensions.None,
            ["permessage-deflate"] => FrameExtensions.PerMessageDeflate,
            _ => FrameExtensions.Unknown,
        };
    }

    private void ReportTraffic()
    {
        var now = _time.GetTimestamp();
        if (_trafficTakenAt != 0 && _time.GetElapsedTime(_trafficTakenAt, now) < TrafficInterval)
        {
            return;
        }

        _trafficTakenAt = now;
        Report(_sessions.TakeTraffic());
    }

    private void Report(SessionTotals traffic)
        => _metrics.Traffic(traffic.BytesUp, traffic.BytesDown, traffic.MessagesUp, traffic.MessagesDown);
}
