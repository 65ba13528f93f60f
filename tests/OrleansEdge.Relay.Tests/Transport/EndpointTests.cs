using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>The endpoints by name.</summary>
public sealed class EndpointTests
{
    [Theory]
    [InlineData(EdgeEndpoints.Edge, "1.1")]
    [InlineData(EdgeEndpoints.EdgeTls, "1.1")]
    [InlineData(EdgeEndpoints.EdgeTls, "2.0")]
    [InlineData(EdgeEndpoints.Admin, "1.1")]
    [InlineData(EdgeEndpoints.Health, "1.1")]
    public async Task Request_KnowsItsEndpointAndConnection(string endpoint, string version)
    {
        using var certificates = new CertificateDirectory();
        certificates.Write("default", "localhost");
        await using var server = await EdgeServer.StartAsync(
            context => context.Response.WriteAsync($"{EdgeEndpoints.NameOf(context)} {context.Features.Get<IEdgeConnection>()!.Socket.Connected}"),
            settings =>
            {
                certificates.Use(settings);
                settings["Kestrel:Endpoints:Health:Url"] = "http://127.0.0.1:0";
            });
        using var client = HttpTests.NewClient(server, endpoint, version);

        Assert.Equal($"{endpoint} True", await client.GetStringAsync(new Uri("/", UriKind.Relative)));
    }

    [Theory]
    [InlineData("http://127.0.0.1:0", "127.0.0.1")]
    [InlineData("http://[::1]:0", "::1")]
    [InlineData("http://*:0", "127.0.0.1")]
    [InlineData("http://*:0", "::1")]
    [InlineData("http://0.0.0.0:0", "127.0.0.1")]
    [InlineData("http://localhost:FREE", "127.0.0.1")]
    [InlineData("http://localhost:FREE", "::1")]
    public async Task AddressOfAnyForm_IsServedAndNamed(string url, string address)
    {
        await using var server = await EdgeServer.StartAsync(
            context => context.Response.WriteAsync($"<{EdgeEndpoints.NameOf(context)} {context.Connection.RemoteIpAddress}>"),
            settings => settings["Kestrel:Endpoints:Edge:Url"] = url.Replace("FREE", FreePort().ToString(), StringComparison.Ordinal));
        using var client = await RawClient.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), server.At(EdgeEndpoints.Edge).Port));
        await client.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

        await client.ReadToAsync($"<Edge {address}>");
    }

    [Fact]
    public async Task Http2Client_IsOfferedExtendedConnect()
    {
        using var certificates = new CertificateDirectory();
        certificates.Write("default", "localhost");
        await using var server = await EdgeServer.StartAsync(_ => Task.CompletedTask, certificates.Use);
        await using var tls = await CertificateDirectory.OpenAsync(server, "localhost", out _);
        await tls.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"u8.ToArray());

        var settings = await ReadSettingsAsync(tls);

        Assert.Equal(1u, settings[8]);
        Assert.Equal(256u, settings[3]);
        Assert.Equal(128u * 1024, settings[4]);
    }

    [Fact]
    public void NothingSet_EdgeAndAdminHaveTheirDefaults()
    {
        Assert.Empty(EdgeEndpoints.Validate(new ConfigurationBuilder().Build()));
    }

    [Fact]
    public async Task UserSetsAnotherMemberOfAnEndpoint_TheDefaultAddressStays()
    {
        // Ports 8080 and 8081 are the product's defaults; where they are taken, the failure names them.
        var failure = await Record.ExceptionAsync(async () =>
        {
            await using var server = await EdgeServer.StartAsync(_ => Task.CompletedTask, settings =>
            {
                settings.Remove("Kestrel:Endpoints:Edge:Url");
                settings["Kestrel:Endpoints:Edge:Protocols"] = "Http1";
            });
            Assert.Equal("http://127.0.0.1:8080", server.Services.GetRequiredService<EndpointAddresses>().List()[0].Url);
        });

        Assert.True(failure is null || failure.Message.Contains("http://127.0.0.1:8080", StringComparison.Ordinal), failure?.ToString());
    }

    [Theory]
    [InlineData("Kestrel:Endpoints:Egde:Url", "http://127.0.0.1:0", "Kestrel:Endpoints:Egde is unknown; the endpoints are Edge, EdgeTls, Admin, Health.")]
    [InlineData("Kestrel:Endpoints:EdgeTls:Url", "http://127.0.0.1:0", "must begin with https://")]
    [InlineData("Kestrel:Endpoints:Edge:Url", "https://127.0.0.1:0", "must begin with http://")]
    [InlineData("Kestrel:Endpoints:Edge:Url", "ftp://127.0.0.1:0", "must begin with http:// or https://")]
    [InlineData("Kestrel:Endpoints:Edge:Url", "127.0.0.1", "'127.0.0.1' is not a URL")]
    [InlineData("Kestrel:Endpoints:Edge:Url", "http://unix:/tmp/x.sock", "must be an address and port")]
    [InlineData("Kestrel:Endpoints:Edge:Url", "http://127.0.0.1:0/path", "must not have a path")]
    [InlineData("Kestrel:Endpoints:Health:Protocols", "Http1", "Kestrel:Endpoints:Health:Url is missing.")]
    public async Task BadEndpoint_StartFailsAndNamesIt(string key, string value, string sentence)
    {
        var e = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            EdgeServer.StartAsync(_ => Task.CompletedTask, settings => settings[key] = value));

        Assert.Contains(sentence, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KestrelsOwnCertificate_ServesWhereTheDirectoryHasNone()
    {
        using var certificates = new CertificateDirectory();
        var own = certificates.Write("endpoint", "x.test");
        await using var server = await EdgeServer.StartAsync(_ => Task.CompletedTask, settings =>
        {
            settings["Kestrel:Endpoints:EdgeTls:Url"] = "https://127.0.0.1:0";
            settings["Kestrel:Endpoints:EdgeTls:Certificate:Path"] = certificates.File("endpoint.crt");
            settings["Kestrel:Endpoints:EdgeTls:Certificate:KeyPath"] = certificates.File("endpoint.key");
        });

        Assert.Equal(own, (await CertificateDirectory.AskAsync(server, "any.test")).Thumbprint);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    // The first frame of the server: length (3), type 4, flags, stream (4), then settings of 2 + 4 bytes.
    private static async Task<Dictionary<int, uint>> ReadSettingsAsync(SslStream tls)
    {
        var head = new byte[9];
        await tls.ReadExactlyAsync(head);
        Assert.Equal(4, head[3]);
        var body = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await tls.ReadExactlyAsync(body);
        return Enumerable.Range(0, body.Length / 6).ToDictionary(
            i => (body[i * 6] << 8) | body[(i * 6) + 1],
            i => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan((i * 6) + 2)));
    }
}
