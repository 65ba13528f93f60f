using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OrleansEdge.Relay.Transport;

/// <summary>A certificate with its key and the intermediates to send with it, loaded from a pair of PEM files. Immutable.</summary>
internal sealed class CertificatePair
{
    private CertificatePair(string name, X509Certificate2 certificate, X509Certificate2Collection intermediates)
    {
        Name = name;
        NotAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        Context = SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
        AlternativeNames = [.. certificate.Extensions
            .OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(extension => extension.EnumerateDnsNames())
            .Select(Normalize)];
    }

    /// <summary>File name without extension.</summary>
    public string Name { get; }

    /// <summary>End of its validity.</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>What TLS serves. One for the pair's whole life, since TLS sessions are resumed by it.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>Lower-case DNS names that the certificate is for; wildcards begin with <c>*.</c>.</summary>
    public IReadOnlyList<string> AlternativeNames { get; }

    /// <summary>Reads a pair.</summary>
    /// <returns>The pair, or null and what is wrong with it (a half-written file, a key of another certificate ...).</returns>
    public static (CertificatePair? Pair, string? Fault) Load(string certificatePath, string keyPath)
    {
        try
        {
            var pem = File.ReadAllText(certificatePath);
            using var unbound = X509Certificate2.CreateFromPem(pem, File.ReadAllText(keyPath));
            var intermediates = new X509Certificate2Collection();
            intermediates.ImportFromPem(pem);
            intermediates.RemoveAt(0);
            return (new CertificatePair(Path.GetFileNameWithoutExtension(certificatePath), Rebind(unbound), intermediates), null);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return (null, e.Message);
        }
    }

    /// <summary>A host name or wildcard as it is compared.</summary>
    public static string Normalize(string name) => name.TrimEnd('.').ToLowerInvariant();

    // On some systems TLS does not take a key that exists in memory only.
    private static X509Certificate2 Rebind(X509Certificate2 certificate) =>
        X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
}
