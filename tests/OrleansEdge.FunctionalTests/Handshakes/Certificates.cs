using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Handshakes;

/// <summary>Certificates of the edge: chosen by name, renewed without touching a session.</summary>
public sealed class Certificates
{
    [Fact]
    public async Task CertificateIsRenewed_NewConnectionsGetItAndOpenSessionsGoOn()
    {
        await using var edge = await EdgeProcess.StartAsync();
        await edge.Admin.PutTenantAsync(AdminClient.Tenant);
        await using var http1 = await Session.OpenAsync(Way.Tls, edge);
        await using var http2 = await Session.OpenAsync(Way.Http2, edge);
        var renewed = TestCertificates.Create(EdgeProcess.ServerName);
        TestCertificates.Write(edge.CertificateDirectory, EdgeProcess.ServerName, renewed);
        await WaitForCertificateAsync(edge, EdgeProcess.ServerName, renewed.Thumbprint);
        await http1.GreetAsync();
        await http2.GreetAsync();
        await using var later = await Session.OpenAsync(Way.Tls, edge);
        await later.GreetAsync();
    }

    [Fact]
    public async Task NameAsked_ExactThenWildcardOfOneLabel()
    {
        await using var edge = await EdgeProcess.StartAsync();
        var exact = TestCertificates.Create("a.sni.test");
        var wild = TestCertificates.Create("*.sni.test");
        TestCertificates.Write(edge.CertificateDirectory, "a.sni.test", exact);
        TestCertificates.Write(edge.CertificateDirectory, "*.sni.test", wild);
        await WaitForCertificateAsync(edge, "a.sni.test", exact.Thumbprint);
        await WaitForCertificateAsync(edge, "b.sni.test", wild.Thumbprint);
        await WaitForCertificateAsync(edge, "B.SNI.test", wild.Thumbprint);
    }

    [Fact]
    public async Task BrokenPairAppears_TheOldOneStaysInUse()
    {
        await using var edge = await EdgeProcess.StartAsync();
        await using var before = await StreamWire.ConnectTlsAsync(edge.EdgeTls, EdgeProcess.ServerName);
        await File.WriteAllTextAsync(Path.Combine(edge.CertificateDirectory, EdgeProcess.ServerName + ".crt"), "no certificate");
        var added = TestCertificates.Create("added.test");
        TestCertificates.Write(edge.CertificateDirectory, "added.test", added);
        await WaitForCertificateAsync(edge, "added.test", added.Thumbprint);
        await using var after = await StreamWire.ConnectTlsAsync(edge.EdgeTls, EdgeProcess.ServerName);
        Assert.Equal(before.PeerCertificate!.Thumbprint, after.PeerCertificate!.Thumbprint);
    }

    private static async Task WaitForCertificateAsync(EdgeProcess edge, string serverName, string thumbprint)
    {
        var deadline = new Deadline(Wire.Patience);
        while (true)
        {
            string seen;
            try
            {
                await using var wire = await StreamWire.ConnectTlsAsync(edge.EdgeTls, serverName);
                seen = wire.PeerCertificate!.Thumbprint;
            }
            catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
            {
                seen = error.Message;
            }

            if (seen == thumbprint)
            {
                return;
            }

            Assert.True(deadline.Left > TimeSpan.Zero, $"{serverName} still gets {seen}");
            await Task.Delay(50);
        }
    }
}
