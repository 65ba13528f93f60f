using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>Certificates made for a test run. No private key is ever stored in the repository.</summary>
public static class TestCertificates
{
    /// <summary>What scripted TLS origins show; nobody trusts it.</summary>
    public static X509Certificate2 Origin { get; } = Create("origin.test");

    public static X509Certificate2 Create(params string[] names)
    {
        ArgumentNullException.ThrowIfNull(names);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            alternatives.AddDnsName(name);
        }

        alternatives.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        using var ephemeral = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        return X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    /// <summary>Writes <c>NAME.crt</c> and <c>NAME.key</c> as the edge reads them: first the key, each file by a rename.</summary>
    public static void Write(string directory, string fileName, X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        using var key = certificate.GetECDsaPrivateKey()!;
        Replace(Path.Combine(directory, fileName + ".key"), key.ExportPkcs8PrivateKeyPem());
        Replace(Path.Combine(directory, fileName + ".crt"), certificate.ExportCertificatePem());
    }

    /// <summary>The edge of a test shows a certificate that this run made.</summary>
    internal static bool AcceptTestCertificate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        => certificate is not null;

    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text + "\n");
        File.Move(path + ".new", path, overwrite: true);
    }
}
