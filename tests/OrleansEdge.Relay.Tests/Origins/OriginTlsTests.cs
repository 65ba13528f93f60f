using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Origins;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

public sealed class OriginTlsTests : IDisposable
{
    private const string Name = "origin.example.com";

    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public OriginTlsTests()
    {
        var request = new CertificateRequest("CN=test authority", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-40), DateTimeOffset.UtcNow.AddDays(40));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _authorityKey.Dispose();
    }

    [Fact]
    public async Task GoodCertificate_ConnectsByTls()
    {
        using var certificate = Issue(Name);
        var (result, serverName) = await ConnectAsync(certificate, new OriginTlsConfig { ServerName = Name });
        using var connection = result.Connection!;
        Assert.True(connection.UsesTls);
        Assert.Equal(Name, serverName);
        Assert.Same(connection.Tls, connection.Stream);
    }

    [Fact]
    public async Task NoServerName_TheClientsHostIsExpected()
    {
        using var certificate = Issue("chat.example.com");
        var (result, serverName) = await ConnectAsync(certificate, new OriginTlsConfig());
        using var connection = result.Connection;
        Assert.NotNull(connection);
        Assert.Equal("chat.example.com", serverName);
    }

    [Fact]
    public async Task WrongName_IsACertificateError()
    {
        using var certificate = Issue("other.example.com");
        var (result, _) = await ConnectAsync(certificate, new OriginTlsConfig { ServerName = Name });
        Assert.Same(Refusal.OriginTlsCertificate, result.Refusal);
        Assert.Contains("RemoteCertificateNameMismatch", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExpiredCertificate_IsACertificateError()
    {
        using var certificate = Issue(Name, DateTimeOffset.UtcNow.AddDays(-1));
        var (result, _) = await ConnectAsync(certificate, new OriginTlsConfig { ServerName = Name });
        Assert.Same(Refusal.OriginTlsCertificate, result.Refusal);
        Assert.Contains("NotTimeValid", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SelfSignedCertificate_IsACertificateError()
    {
        using var certificate = SelfSign(Name);
        var (result, _) = await ConnectAsync(certificate, new OriginTlsConfig { ServerName = Name });
        Assert.Same(Refusal.OriginTlsCertificate, result.Refusal);
    }

    [Fact]
    public async Task VerificationOff_ASelfSignedCertificateOfAnotherNameWillDo()
    {
        using var certificate = SelfSign("other.example.com");
        var (result, _) = await ConnectAsync(certificate, new OriginTlsConfig { ServerName = Name, Verify = false });
        using var connection = result.Connection;
        Assert.NotNull(connection);
    }

    [Fact]
    public async Task CertificateOfAnAddress_IsGoodForThatAddress()
    {
        using var certificate = Issue(name: null, address: IPAddress.Loopback);
        var (result, _) = await ConnectAsync(certificate, new OriginTlsConfig { ServerName = "127.0.0.1" });
        using var connection = result.Connection;
        Assert.NotNull(connection);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("")]
    public async Task OriginSpeaksNoTls_IsAProtocolError(string answer)
    {
        using var origin = new ScriptedOrigin();
        var connecting = Given.Connector().ConnectAsync(Domain(origin.Port, new OriginTlsConfig()), false, "chat.example.com", CancellationToken.None).AsTask();
        using (var peer = await origin.AcceptAsync())
        {
            await peer.Stream.ReadExactlyAsync(new byte[1]);
            await peer.SendAsync(answer);
        }
        Assert.Same(Refusal.OriginTlsProtocol, (await connecting).Refusal);
    }

    [Fact]
    public async Task OldTls_IsAProtocolError()
    {
        using var certificate = Issue(Name);
#pragma warning disable CA5397, SYSLIB0039 // An origin that speaks nothing newer is what this test is about.
        var (result, _) = await ConnectAsync(certificate, new OriginTlsConfig { ServerName = Name }, System.Security.Authentication.SslProtocols.Tls11);
#pragma warning restore CA5397, SYSLIB0039
        Assert.Same(Refusal.OriginTlsProtocol, result.Refusal);
    }

    [Fact]
    public async Task HandshakeOverTls_UpgradesAndDeliversWhatFollows()
    {
        using var certificate = Issue(Name);
        using var origin = new ScriptedOrigin();
        var connecting = ConnectAsync(origin.Port, new OriginTlsConfig { ServerName = Name });
        using var peer = await origin.AcceptAsync();
        await using var tls = new SslStream(peer.Stream);
        await tls.AuthenticateAsServerAsync(certificate);
        using var connection = (await connecting).Connection!;
        var performing = OriginHandshake.PerformAsync(
            connection, Given.Handshake(), Given.Request(), Given.Forwarded, TimeProvider.System, TimeSpan.FromSeconds(20), CancellationToken.None);
        using var scripted = new ScriptedPeer(tls);
        await scripted.ReadHeadAsync();
        await scripted.SendAsync($"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Given.Accept}\r\n\r\nfirst");
        var result = await performing;
        Assert.Null(result.Refusal);
        Assert.Equal("first", Encoding.ASCII.GetString(result.Leftover.Span));
    }

    private static DomainSnapshot Domain(int port, OriginTlsConfig tls) => Given.Domain(
        config => config with { OriginTls = tls, WebSocket = config.WebSocket with { OriginProtocol = OriginProtocol.Https } }, Given.Origin(port));

    private async Task<(OriginConnectResult Result, string? ServerName)> ConnectAsync(
        X509Certificate2 certificate, OriginTlsConfig tls, System.Security.Authentication.SslProtocols protocols = default)
    {
        using var origin = new ScriptedOrigin();
        var connecting = ConnectAsync(origin.Port, tls);
        var peer = await origin.AcceptAsync();
        string? serverName = null;
        var server = new SslStream(peer.Stream);
        var options = new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = protocols,
            ServerCertificateSelectionCallback = (_, name) =>
            {
                serverName = name;
                return certificate;
            },
        };
        var serving = server.AuthenticateAsServerAsync(options);
        var result = await connecting;
        if (result.Connection is not null)
        {
            await serving;
        }
        else
        {
            await Record.ExceptionAsync(() => serving);
        }
        return (result, serverName);
    }

    private Task<OriginConnectResult> ConnectAsync(int port, OriginTlsConfig tls)
    {
        var chain = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        chain.CustomTrustStore.Add(_authority);
        return Given.Connector(chain: chain).ConnectAsync(Domain(port, tls), false, "chat.example.com", CancellationToken.None).AsTask();
    }

    private X509Certificate2 Issue(string? name, DateTimeOffset? until = null, IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(key, name, address);
        using var certificate = request.Create(
            _authority, DateTimeOffset.UtcNow.AddDays(-30), until ?? DateTimeOffset.UtcNow.AddDays(30), RandomNumberGenerator.GetBytes(8));
        return Usable(certificate.CopyWithPrivateKey(key));
    }

    private static X509Certificate2 SelfSign(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Usable(Request(key, name, null).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)));
    }

    private static CertificateRequest Request(ECDsa key, string? name, IPAddress? address)
    {
        var request = new CertificateRequest("CN=origin", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (name is not null)
        {
            names.AddDnsName(name);
        }
        if (address is not null)
        {
            names.AddIpAddress(address);
        }
        request.CertificateExtensions.Add(names.Build());
        return request;
    }

    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
        }
    }
}
