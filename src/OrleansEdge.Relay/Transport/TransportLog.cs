using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Transport;

internal static partial class TransportLog
{
    [LoggerMessage(1000, LogLevel.Error, "Connections to {EndPoint} cannot be accepted ({Error}: {Message}). They are refused until that is over.")]
    public static partial void AcceptFailed(ILogger logger, EndPoint endPoint, SocketError error, string message);

    [LoggerMessage(1001, LogLevel.Debug, "Connection {Connection}: input ended, {Reason}")]
    public static partial void InputEnded(ILogger logger, string connection, string reason);

    [LoggerMessage(1002, LogLevel.Debug, "Connection {Connection}: aborted, {Reason}")]
    public static partial void Aborted(ILogger logger, string connection, string reason);

    [LoggerMessage(1003, LogLevel.Error, "Connection {Connection}: a callback at its end failed.")]
    public static partial void CloseCallbackFailed(ILogger logger, Exception exception, string connection);

    [LoggerMessage(1004, LogLevel.Debug, "A connection to {EndPoint} was gone when it was accepted: {Error}")]
    public static partial void AcceptedTooLate(ILogger logger, EndPoint endPoint, SocketError error);

    [LoggerMessage(1005, LogLevel.Error, "Descriptors are used up but for the last {Headroom} of {Limit}: connections to {EndPoint} are refused with 503.")]
    public static partial void DescriptorsSpent(ILogger logger, int headroom, long limit, EndPoint endPoint);

    [LoggerMessage(1010, LogLevel.Warning, "{Peer} is not in Edge:TrustedProxies, so its connection to {Endpoint} is closed: PROXY protocol is required there.")]
    public static partial void ProxyNotTrusted(ILogger logger, IPEndPoint peer, string endpoint);

    [LoggerMessage(1011, LogLevel.Warning, "The connection of {Peer} to {Endpoint} is closed: {Fault}")]
    public static partial void ProxyHeaderMissing(ILogger logger, IPEndPoint peer, string endpoint, string fault);

    [LoggerMessage(1020, LogLevel.Information, "Certificates of {Directory} loaded: {Names}")]
    public static partial void CertificatesLoaded(ILogger logger, string directory, string names);

    [LoggerMessage(1021, LogLevel.Warning, "Certificate pair {Pair} cannot be used, {Consequence}: {Fault}")]
    public static partial void CertificatePairBroken(ILogger logger, string pair, string consequence, string fault);

    [LoggerMessage(1022, LogLevel.Warning, "The certificate directory {Directory} cannot be read, what was loaded stays in use: {Fault}")]
    public static partial void CertificateDirectoryUnreadable(ILogger logger, string directory, string fault);

    [LoggerMessage(1023, LogLevel.Debug, "No certificate for {ServerName}, and no default.crt.")]
    public static partial void NoCertificate(ILogger logger, string serverName);

    [LoggerMessage(1024, LogLevel.Debug, "Changes of {Directory} are found by looking only: {Fault}")]
    public static partial void CertificateDirectoryNotWatched(ILogger logger, string directory, string fault);

    [LoggerMessage(1025, LogLevel.Warning, "Certificate pair {Pair} has expired at {NotAfter:u}.")]
    public static partial void CertificateExpired(ILogger logger, string pair, DateTimeOffset notAfter);
}
