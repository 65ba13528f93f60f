using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Transport;

/// <summary>TLS 1.2 and 1.3 towards clients, the certificate chosen by the server name that the client asks for.</summary>
/// <param name="certificates">The certificates.</param>
/// <param name="fallback">Serves where <paramref name="certificates"/> has none; or null, then the handshake fails with the alert
/// unrecognized_name (RFC 6066 section 3).</param>
/// <param name="protocols">HTTP versions to offer.</param>
/// <param name="logger">For the failures.</param>
internal sealed class EdgeTls(CertificateStore certificates, X509Certificate2? fallback, HttpProtocols protocols, ILogger<EdgeTls> logger)
{
    /// <summary>How long a handshake may take: 10 s.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    // Record: alert, version 3.3, two bytes: fatal, unrecognized_name.
    private static readonly byte[] UnrecognizedName = [21, 3, 3, 0, 2, 2, 112];

    private readonly SslStreamCertificateContext? _fallback =
        fallback is null ? null : SslStreamCertificateContext.Create(fallback, additionalCertificates: null, offline: true);

    public TlsHandshakeCallbackOptions ToOptions() => new() { HandshakeTimeout = HandshakeTimeout, OnConnection = ChooseAsync };

    private async ValueTask<SslServerAuthenticationOptions> ChooseAsync(TlsHandshakeCallbackContext context)
    {
        var name = context.ClientHelloInfo.ServerName;
        var certificate = certificates.Find(name)?.Context ?? _fallback;
        if (certificate is null)
        {
            TransportLog.NoCertificate(logger, name);
            await context.Connection.Transport.Output.WriteAsync(UnrecognizedName, context.CancellationToken);
            throw new AuthenticationException($"There is no certificate for '{name}'.");
        }

        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = Offer(),
            AllowRenegotiation = false,
        };
    }

    private List<SslApplicationProtocol> Offer()
    {
        var offered = new List<SslApplicationProtocol>(2);
        if (protocols.HasFlag(HttpProtocols.Http2))
        {
            offered.Add(SslApplicationProtocol.Http2);
        }

        if (protocols.HasFlag(HttpProtocols.Http1))
        {
            offered.Add(SslApplicationProtocol.Http11);
        }

        return offered;
    }
}
