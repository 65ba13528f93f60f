using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>A directory of certificate pairs, made by a certificate authority with one intermediate.</summary>
internal sealed class CertificateDirectory : IDisposable
{
    private static readonly X509Certificate2 Root = Sign("Test root", issuer: null, isAuthority: true, ECDsa.Create());

    private static readonly X509Certificate2 Intermediate = Sign("Test intermediate", Root, isAuthority: true, ECDsa.Create());

    public string Path { get; } = Directory.CreateTempSubdirectory("certificates-").FullName;

    public void Use(IDictionary<string, string?> settings)
    {
        settings["Edge:Certificates:Directory"] = Path;
        settings["Kestrel:Endpoints:EdgeTls:Url"] = "https://127.0.0.1:0";
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a pair for the DNS names.</summary>
    /// <returns>The certificate's thumbprint.</returns>
    public string Write(string fileName, params string[] dnsNames) => Write(fileName, Make(dnsNames));

    public string Write(string fileName, (string Certificate, string Key, string Thumbprint) pair)
    {
        System.IO.File.WriteAllText(File(fileName + ".key"), pair.Key);
        System.IO.File.WriteAllText(File(fileName + ".crt"), pair.Certificate);
        return pair.Thumbprint;
    }

    /// <summary>A pair: leaf and intermediate in one PEM text, and its key.</summary>
    public static (string Certificate, string Key, string Thumbprint) Make(
        string[] dnsNames, AsymmetricAlgorithm? algorithm = null, bool isPkcs8 = true, int days = 30)
    {
        using var key = algorithm ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leaf = Sign("leaf", Intermediate, isAuthority: false, key, dnsNames, days);
        var keyPem = (key, isPkcs8) switch
        {
            (RSA rsa, false) => rsa.ExportRSAPrivateKeyPem(),
            (ECDsa ec, false) => ec.ExportECPrivateKeyPem(),
            _ => key.ExportPkcs8PrivateKeyPem(),
        };
        return ($"{leaf.ExportCertificatePem()}\n{Intermediate.ExportCertificatePem()}\n", keyPem + "\n", leaf.Thumbprint);
    }

    /// <summary>Makes a TLS handshake with the server and tells which certificate came, with how many intermediates.</summary>
    public static async Task<(string Thumbprint, int Sent, string Alpn)> AskAsync(EdgeServer server, string? serverName)
    {
        await using var tls = await OpenAsync(server, serverName, out var seen);
        return (seen.Thumbprint, seen.Sent, tls.NegotiatedApplicationProtocol.ToString());
    }

    public static Task<SslStream> OpenAsync(EdgeServer server, string? serverName, out Seen seen)
    {
        var found = new Seen();
        seen = found;
        return HandshakeAsync();

        async Task<SslStream> HandshakeAsync()
        {
            var client = new TcpClient();
            await client.ConnectAsync(server.At(EdgeEndpoints.EdgeTls));
            var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                // An IP address is the way to make .NET send no server name.
                TargetHost = serverName ?? "127.0.0.1",
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                {
                    found.Thumbprint = ((X509Certificate2)certificate!).Thumbprint;
                    found.Sent = chain!.ChainPolicy.ExtraStore.Count(sent => sent.Thumbprint != found.Thumbprint);
                    return true;
                },
            });
            return tls;
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static X509Certificate2 Sign(
        string name, X509Certificate2? issuer, bool isAuthority, AsymmetricAlgorithm key, string[]? dnsNames = null, int days = 60)
    {
        var request = key is RSA rsa
            ? new CertificateRequest($"CN={name}", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={name}", (ECDsa)key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (dnsNames?.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            Array.ForEach(dnsNames, names.AddDnsName);
            request.CertificateExtensions.Add(names.Build());
        }

        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-50), DateTimeOffset.UtcNow.AddDays(days));
        if (issuer is null)
        {
            return request.CreateSelfSigned(from, to);
        }

        var generator = X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!);
        var signed = request.Create(issuer.SubjectName, generator, from, to, RandomNumberGenerator.GetBytes(8));
        return isAuthority ? signed.CopyWithPrivateKey((ECDsa)key) : signed;
    }

    /// <summary>What the server showed.</summary>
    internal sealed class Seen
    {
        public string Thumbprint { get; set; } = "";

        public int Sent { get; set; }
    }
}
