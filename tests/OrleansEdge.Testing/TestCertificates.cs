using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OrleansEdge.Testing;

/// <summary>A certificate authority for one test run, as PEM files in a directory. Disposing deletes the directory.</summary>
public sealed class TestCertificates : IDisposable
{
    private readonly X509Certificate2 _authority;

    /// <summary>Makes the authority and writes its certificate.</summary>
    public TestCertificates(string commonName = "OrleansEdge test CA")
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("orleans-edge-certificates-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2));
        AuthorityFile = Path.Combine(Directory, "ca.pem");
        File.WriteAllText(AuthorityFile, _authority.ExportCertificatePem());
    }

    /// <summary>Where the files lie.</summary>
    public string Directory { get; }

    /// <summary>The authority's certificate, PEM, for clients that trust it.</summary>
    public string AuthorityFile { get; }

    /// <summary>The authority's certificate without its key.</summary>
    public X509Certificate2 Authority => X509CertificateLoader.LoadCertificate(_authority.RawData);

    /// <summary>Issues a server certificate and writes <c>NAME.crt</c> and <c>NAME.key</c>.</summary>
    /// <param name="directory">Where to; made if it is missing.</param>
    /// <param name="name">Name of the files, and the subject.</param>
    /// <param name="names">DNS names (<c>*.</c> prefix allowed) and IP addresses that it is valid for; default: <paramref name="name"/>.</param>
    /// <returns>The paths of the two files.</returns>
    public (string Certificate, string Key) Issue(string directory, string name, params IReadOnlyList<string> names)
    {
        System.IO.Directory.CreateDirectory(directory);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Request(key, name, names.Count == 0 ? [name] : names)
            .Create(_authority, DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(12));
        var files = (Certificate: Path.Combine(directory, $"{name}.crt"), Key: Path.Combine(directory, $"{name}.key"));
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        return files;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _authority.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static CertificateRequest Request(ECDsa key, string subject, IReadOnlyList<string> names)
    {
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        return request;
    }
}
