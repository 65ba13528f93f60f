using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>Certificates by server name, from a directory that changes.</summary>
public sealed class CertificateTests : IDisposable
{
    private readonly CertificateDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task ServerName_ChoosesExactThenWildcardThenDefault()
    {
        var exact = _directory.Write("chat.example.com", "other.example.org");
        var wildcard = _directory.Write("_.example.com", "x.test");
        var starred = _directory.Write("*.example.net");
        var fallback = _directory.Write("default", "default.test");
        await using var server = await StartAsync();

        Assert.Equal(exact, await ShownAsync(server, "chat.example.com"));
        Assert.Equal(exact, await ShownAsync(server, "CHAT.Example.com"));
        Assert.Equal(exact, await ShownAsync(server, "other.example.org"));
        Assert.Equal(wildcard, await ShownAsync(server, "a.example.com"));
        Assert.Equal(starred, await ShownAsync(server, "a.example.net"));
        Assert.Equal(fallback, await ShownAsync(server, "a.b.example.com"));
        Assert.Equal(fallback, await ShownAsync(server, "example.com"));
        Assert.Equal(fallback, await ShownAsync(server, "default.test"));
        Assert.Equal(fallback, await ShownAsync(server, serverName: null));
    }

    [Fact]
    public async Task SeveralForOneName_FileNameWinsThenTheLongerValid()
    {
        var named = _directory.Write("a.test", CertificateDirectory.Make(["unrelated.test"], days: 1));
        _directory.Write("x.test", CertificateDirectory.Make(["a.test", "b.test"], days: 20));
        var longer = _directory.Write("y.test", CertificateDirectory.Make(["a.test", "b.test"], days: 40));
        _directory.Write("z.test", CertificateDirectory.Make(["a.test", "b.test"], days: 10));
        await using var server = await StartAsync();

        Assert.Equal(named, await ShownAsync(server, "a.test"));
        Assert.Equal(longer, await ShownAsync(server, "b.test"));
    }

    [Fact]
    public async Task NoCertificateForTheName_HandshakeFailsWithUnrecognizedName()
    {
        _directory.Write("a.test", "a.test");
        await using var server = await StartAsync();

        var e = await Assert.ThrowsAsync<AuthenticationException>(() => ShownAsync(server, "b.test"));

        Assert.Contains("UnrecognizedName", e.ToString().Replace("unrecognized name", "UnrecognizedName", StringComparison.OrdinalIgnoreCase), StringComparison.Ordinal);
        Assert.NotEmpty(await ShownAsync(server, "a.test"));
    }

    [Theory]
    [InlineData("ec", true)]
    [InlineData("ec", false)]
    [InlineData("rsa", true)]
    [InlineData("rsa", false)]
    public async Task KeyOfAnyCommonForm_IsServedWithTheIntermediate(string kind, bool isPkcs8)
    {
        AsymmetricAlgorithm key = kind == "rsa" ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var shown = _directory.Write("a.test", CertificateDirectory.Make(["a.test"], key, isPkcs8));
        await using var server = await StartAsync();

        Assert.Equal((shown, 1, "h2"), await CertificateDirectory.AskAsync(server, "a.test"));
    }

    [Fact]
    public async Task PairIsReplaced_NewHandshakesGetTheNewOneAndOldConnectionsGoOn()
    {
        var first = _directory.Write("a.test", "a.test", "localhost");
        await using var server = await StartAsync();
        using var client = HttpTests.NewClient(server, EdgeEndpoints.EdgeTls);
        var connection = await client.GetStringAsync(new Uri("/", UriKind.Relative));
        Assert.Equal(first, await ShownAsync(server, "a.test"));

        var second = _directory.Write("a.test", "a.test", "localhost");
        await ShownInTheEndAsync(server, "a.test", second);

        Assert.Equal(connection, await client.GetStringAsync(new Uri("/", UriKind.Relative)));
    }

    [Fact]
    public async Task PairIsAddedAndRemoved_FollowedWhileRunning()
    {
        var fallback = _directory.Write("default", "x.test");
        await using var server = await StartAsync();
        Assert.Equal(fallback, await ShownAsync(server, "a.test"));

        var added = _directory.Write("a.test", "a.test");
        await ShownInTheEndAsync(server, "a.test", added);
        File.Delete(_directory.File("a.test.crt"));
        await ShownInTheEndAsync(server, "a.test", fallback);
    }

    [Fact]
    public async Task DirectoryIsNotWatched_LookingFindsTheChange()
    {
        var time = new ManualTimeProvider();
        _directory.Write("a.test", "a.test");
        var link = Directory.CreateTempSubdirectory("linked-").FullName;
        File.CreateSymbolicLink(Path.Combine(link, "a.test.crt"), _directory.File("a.test.crt"));
        File.CreateSymbolicLink(Path.Combine(link, "a.test.key"), _directory.File("a.test.key"));
        await using var server = await EdgeServer.StartAsync(Answer, settings =>
        {
            _directory.Use(settings);
            settings["Edge:Certificates:Directory"] = link;
        }, services => services.AddSingleton<TimeProvider>(time));
        await time.WhenArmedAsync(TimeSpan.FromSeconds(5));

        // Behind links nothing changes in the directory itself.
        var second = _directory.Write("a.test", "a.test");
        time.Advance(TimeSpan.FromSeconds(5));

        await ShownInTheEndAsync(server, "a.test", second);
        Directory.Delete(link, recursive: true);
    }

    [Theory]
    [InlineData("half a certificate")]
    [InlineData("half a key")]
    [InlineData("another key")]
    [InlineData("no key")]
    [InlineData("empty files")]
    [InlineData("certificates swapped")]
    public async Task PairIsBroken_TheOneBeforeStaysAndAWarningSaysSoOnce(string how)
    {
        var first = _directory.Write("a.test", "a.test");
        var store = new CertificateStore(
            Microsoft.Extensions.Options.Options.Create(new CertificateOptions { Directory = _directory.Path }),
            TimeProvider.System,
            new ForwardingLogger<CertificateStore>(out var log));

        Break(how);
        store.Rescan();
        store.Rescan();

        Assert.Equal(first, store.Find("a.test")?.Context.TargetCertificate.Thumbprint);
        Assert.Contains("stays in use", Assert.Single(log.Of(1021)), StringComparison.Ordinal);

        var repaired = _directory.Write("a.test", "a.test");
        store.Rescan();
        Assert.Equal(repaired, store.Find("a.test")?.Context.TargetCertificate.Thumbprint);
    }

    [Fact]
    public async Task BrokenPairBesideAGoodOne_TheGoodOneIsServed()
    {
        var good = _directory.Write("a.test", "a.test");
        await File.WriteAllTextAsync(_directory.File("b.test.crt"), "nonsense");
        await using var server = await StartAsync();

        Assert.Equal(good, await ShownAsync(server, "a.test"));
        Assert.Contains("b.test.crt", Assert.Single(server.Log.Of(1021)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DirectoryIsMissing_PickedUpWhenItAppears()
    {
        var path = Path.Combine(_directory.Path, "later");
        await using var server = await EdgeServer.StartAsync(Answer, settings =>
        {
            _directory.Use(settings);
            settings["Edge:Certificates:Directory"] = path;
            settings["Edge:Certificates:RescanInterval"] = "00:00:00.1";
        });
        Assert.Single(server.Log.Of(1022));

        var pair = CertificateDirectory.Make(["a.test"]);
        Directory.CreateDirectory(path);
        await File.WriteAllTextAsync(Path.Combine(path, "a.test.key"), pair.Key);
        await File.WriteAllTextAsync(Path.Combine(path, "a.test.crt"), pair.Certificate);

        await ConnectionEndTests.UntilAsync(() => server.Services.GetRequiredService<CertificateStore>().Find("a.test") is not null);
    }

    [Fact]
    public async Task HandshakeDoesNotBegin_ClosedAfterTenSeconds()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync(EdgeEndpoints.EdgeTls);
        var begun = System.Diagnostics.Stopwatch.StartNew();

        await client.ReadToEndAsync();

        Assert.InRange(begun.Elapsed.TotalSeconds, 9.5, 20);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
#pragma warning disable SYSLIB0039, CA5397 // That it is refused is what is tested.
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397
    public async Task TlsVersion_Is12Or13(SslProtocols version, bool isServed)
    {
        _directory.Write("default", "a.test");
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync(EdgeEndpoints.EdgeTls);
        await using var tls = new System.Net.Security.SslStream(new NetworkStream(client.Socket), false, (_, _, _, _) => true);

        var failure = await Record.ExceptionAsync(() => tls.AuthenticateAsClientAsync("a.test", null, version, false));

        Assert.Equal(isServed, failure is null);
    }

    private void Break(string how)
    {
        var (certificate, key, _) = CertificateDirectory.Make(["a.test"]);
        switch (how)
        {
            case "half a certificate":
                File.WriteAllText(_directory.File("a.test.crt"), certificate[..(certificate.Length / 4)]);
                break;
            case "half a key":
                File.WriteAllText(_directory.File("a.test.key"), key[..(key.Length / 2)]);
                break;
            case "another key":
                File.WriteAllText(_directory.File("a.test.key"), key);
                break;
            case "no key":
                File.Delete(_directory.File("a.test.key"));
                break;
            case "empty files":
                File.WriteAllText(_directory.File("a.test.crt"), "");
                File.WriteAllText(_directory.File("a.test.key"), "");
                break;
            default:
                File.WriteAllText(_directory.File("a.test.crt"), key);
                File.WriteAllText(_directory.File("a.test.key"), certificate);
                break;
        }
    }

    private Task<EdgeServer> StartAsync() => EdgeServer.StartAsync(Answer, _directory.Use);

    private static Task Answer(HttpContext context) => context.Response.WriteAsync(context.Connection.Id);

    private static async Task<string> ShownAsync(EdgeServer server, string? serverName) =>
        (await CertificateDirectory.AskAsync(server, serverName)).Thumbprint;

    private static async Task ShownInTheEndAsync(EdgeServer server, string serverName, string thumbprint)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (await ShownAsync(server, serverName) != thumbprint)
        {
            Assert.False(late.IsCancellationRequested, $"{serverName} never got the certificate {thumbprint}.");
            await Task.Delay(20);
        }
    }
}
