using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using OrleansEdge.Relay.Admission;

namespace OrleansEdge.Relay.Origins;

/// <summary>Dials one origin: name, TCP, TLS, all within <see cref="OriginOptions.ConnectTimeout"/>. Thread safe.</summary>
internal sealed class OriginDialer
{
    private readonly OriginResolver _resolver;
    private readonly OriginHealth _health;
    private readonly TcpDialer _tcp;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly X509ChainPolicy? _chainPolicy;

    /// <param name="options">Time-out and source addresses.</param>
    /// <param name="resolver">Resolves names.</param>
    /// <param name="health">What connections report to.</param>
    /// <param name="time">Clock of time-outs.</param>
    /// <param name="chainPolicy">How certificates are verified; <see langword="null"/>: by the system's trust store.</param>
    /// <param name="isBeyondBudget">Whether a socket just made took one of the descriptors that are not for customers' traffic.</param>
    public OriginDialer(
        OriginOptions options,
        OriginResolver resolver,
        OriginHealth health,
        TimeProvider time,
        X509ChainPolicy? chainPolicy,
        Func<Socket, bool> isBeyondBudget)
    {
        _resolver = resolver;
        _health = health;
        _tcp = new TcpDialer(options.SourceAddresses.Select(IPAddress.Parse), time, isBeyondBudget);
        _time = time;
        _timeout = options.ConnectTimeout;
        _chainPolicy = chainPolicy;
    }

    /// <summary>Dials.</summary>
    /// <param name="target">The origin.</param>
    /// <param name="hostHeader">Kept on the connection for the handshake.</param>
    /// <param name="cancellationToken">The client left.</param>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public async ValueTask<DialResult> DialAsync(OriginTarget target, string? hostHeader, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_timeout, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var step = "name resolution";
        try
        {
            var addresses = await _resolver.ResolveAsync(target.Address, limit.Token);
            step = "connection";
            var tcp = await _tcp.DialAsync(addresses, target.Port, limit.Token);
            if (tcp.Fault is { } fault)
            {
                return new DialResult(null, OriginFault.Of(fault));
            }
            step = "TLS handshake";
            return await OpenAsync(target, hostHeader, tcp, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new DialResult(null, new OriginFault(Refusal.OriginConnectTimeout, $"{step} timed out"));
        }
        catch (SocketException exception)
        {
            return new DialResult(null, new OriginFault(Refusal.OriginDns, $"the name has no address ({exception.SocketErrorCode})"));
        }
    }

    private async ValueTask<DialResult> OpenAsync(
        OriginTarget target, string? hostHeader, TcpResult tcp, CancellationToken cancellationToken)
    {
        var network = new NetworkStream(tcp.Socket!, ownsSocket: false);
        var tls = target.TlsName is null ? null : new SslStream(network, leaveInnerStreamOpen: false);
        var connection = new OriginConnection(target, tcp.Socket!, tcp.EndPoint!, tls ?? (Stream)network, _health) { HostHeader = hostHeader };
        var isOpen = tls is null;
        try
        {
            var fault = tls is null ? null : await SecureAsync(tls, target, cancellationToken);
            isOpen = fault is null;
            return isOpen ? new DialResult(connection, null) : new DialResult(null, fault);
        }
        finally
        {
            if (!isOpen)
            {
                connection.Dispose();
            }
        }
    }

    private async Task<OriginFault?> SecureAsync(SslStream tls, OriginTarget target, CancellationToken cancellationToken)
    {
        var certificate = new CertificateCheck(target.VerifyCertificate);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = target.TlsName,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = _chainPolicy?.Clone(),
            RemoteCertificateValidationCallback = certificate.Check,
        };
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or SocketException or InvalidOperationException)
        {
            return certificate.Fault is { } fault
                ? new OriginFault(Refusal.OriginTlsCertificate, $"certificate not valid for {target.TlsName}: {fault}")
                : new OriginFault(Refusal.OriginTlsProtocol, $"TLS handshake failed: {(exception.InnerException ?? exception).Message}");
        }
    }

    /// <summary>Keeps what was wrong with a certificate, which the exception of the handshake does not tell.</summary>
    private sealed class CertificateCheck(bool verify)
    {
        public string? Fault { get; private set; }

        public bool Check(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            if (!verify || errors == SslPolicyErrors.None)
            {
                return true;
            }
            var chainFaults = (chain?.ChainStatus ?? []).Select(status => status.Status.ToString()).Distinct(StringComparer.Ordinal);
            var otherFaults = errors & ~SslPolicyErrors.RemoteCertificateChainErrors;
            Fault = string.Join(", ", otherFaults == SslPolicyErrors.None ? chainFaults : chainFaults.Prepend(otherFaults.ToString()));
            return false;
        }
    }
}
