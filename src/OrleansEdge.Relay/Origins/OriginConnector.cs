using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Origins;

/// <summary>Chooses and dials the origins of a domain: weighted choice, the next origin where one cannot be reached, those that failed
/// within 10 s last. Thread safe; one for the process.</summary>
public sealed partial class OriginConnector
{
    private readonly OriginHealth _health;
    private readonly OriginDialer _dialer;
    private readonly Random _random;
    private readonly ILogger<OriginConnector> _logger;

    /// <summary>Makes the connector of the process.</summary>
    public OriginConnector(IOptions<OriginOptions> options, TimeProvider time, DescriptorBudget descriptors, ILogger<OriginConnector> logger)
        : this(options.Value, time, logger, Random.Shared, new OriginResolver(time), null, descriptors.IsSpent)
    {
    }

    internal OriginConnector(
        OriginOptions options,
        TimeProvider time,
        ILogger<OriginConnector> logger,
        Random random,
        OriginResolver resolver,
        X509ChainPolicy? chainPolicy,
        Func<Socket, bool>? isBeyondBudget = null)
    {
        _health = new OriginHealth(time);
        _dialer = new OriginDialer(options, resolver, _health, time, chainPolicy, isBeyondBudget ?? (static _ => false));
        _random = random;
        _logger = logger;
    }

    /// <summary>Connects to one of a domain's origins.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="clientUsesTls">Scheme of the client's request, for domains whose origin protocol follows it.</param>
    /// <param name="host">Host that the client asked for, with or without a port: the name expected in the origin's certificate, where
    /// the document names none.</param>
    /// <param name="cancellationToken">The client left.</param>
    /// <returns>A connection, which the caller disposes, or the refusal of the origin that was chosen first: a client whose first choice
    /// is down hears the same whatever the others do.</returns>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async ValueTask<OriginConnectResult> ConnectAsync(DomainSnapshot domain, bool clientUsesTls, string host, CancellationToken cancellationToken)
    {
        var targets = Order(domain, clientUsesTls, host);
        OriginFault? first = null;
        foreach (var target in targets)
        {
            var (connection, fault) = await DialAsync(domain, target, cancellationToken);
            if (connection is not null)
            {
                return new OriginConnectResult(connection, null, string.Empty, string.Empty, connection.RemoteEndPoint.ToString());
            }
            first ??= fault;
        }
        var others = targets.Length == 1 ? string.Empty : $"; none of the domain's {targets.Length - 1} other origins could be reached";
        return new OriginConnectResult(null, first!.Refusal, first.Reason, $"origin {targets[0].Display}: {first.Reason}{others}", targets[0].Display);
    }

    internal OriginTarget[] Order(DomainSnapshot domain, bool clientUsesTls, string host)
        => OriginOrder.Draw(domain.Config, clientUsesTls, host, _health, _random);

    internal async ValueTask<DialResult> DialAsync(DomainSnapshot domain, OriginTarget target, CancellationToken cancellationToken)
    {
        var result = await _dialer.DialAsync(target, domain.Config.HostHeader, cancellationToken);
        if (result.Fault is { } fault)
        {
            Note(domain, target, fault);
        }
        return result;
    }

    private void Note(DomainSnapshot domain, OriginTarget target, OriginFault fault)
    {
        if (fault.IsLocal)
        {
            NoRoomToDial(target.Display, fault.Reason);
        }
        else if (_health.MarkFailed(target))
        {
            OriginFailed(domain.Domain, target.Display, fault.Reason);
        }
        else
        {
            OriginStillFailing(domain.Domain, target.Display, fault.Reason);
        }
    }

    // At most one warning for an origin in the time that it is marked: later failures are details.
    [LoggerMessage(1200, LogLevel.Warning, "An origin of {Domain} cannot be reached: {Origin}: {Reason}. It is tried last for 10 s.")]
    private partial void OriginFailed(string domain, string origin, string reason);

    [LoggerMessage(1201, LogLevel.Debug, "An origin of {Domain} still cannot be reached: {Origin}: {Reason}.")]
    private partial void OriginStillFailing(string domain, string origin, string reason);

    [LoggerMessage(1202, LogLevel.Error, "The edge has no room to dial {Origin}: {Reason}.")]
    private partial void NoRoomToDial(string origin, string reason);
}

/// <summary>A connection to an origin or the edge's refusal; exactly one of <paramref name="Connection"/> and <paramref name="Refusal"/> is set.</summary>
/// <param name="Connection">The open connection, the caller's to dispose.</param>
/// <param name="Refusal">What the client is told.</param>
/// <param name="Reason">Why, in a few words that name no address of an origin: fit for the client's eyes. Empty for a connection.</param>
/// <param name="Detail">Which origin and why, for logs. Empty for a connection.</param>
/// <param name="OriginAddress">The address that was reached, or the origin that was chosen first.</param>
public readonly record struct OriginConnectResult(OriginConnection? Connection, Refusal? Refusal, string Reason, string Detail, string OriginAddress);
