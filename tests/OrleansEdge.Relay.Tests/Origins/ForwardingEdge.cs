using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Tests.Metering;
using OrleansEdge.Relay.Transport;
using Yarp.ReverseProxy.Forwarder;

namespace OrleansEdge.Relay.Tests.Origins;

/// <summary>A real HTTP server that does nothing but forward to the origins of one domain.</summary>
internal sealed class ForwardingEdge : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ForwardingEdge(WebApplication app, string spoolFolder)
    {
        _app = app;
        SpoolFolder = spoolFolder;
        var ports = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address).Port).ToArray();
        (Http1Port, Http2Port) = (ports[0], ports[1]);
    }

    public int Http1Port { get; }

    /// <summary>HTTP/2 without TLS, by prior knowledge.</summary>
    public int Http2Port { get; }

    /// <summary>Where usage is counted.</summary>
    public string SpoolFolder { get; }

    public static async Task<ForwardingEdge> StartAsync(DomainSnapshot domain, OriginOptions? options = null, OriginConnector? connector = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHttpForwarder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.AllowHostHeaderOverride = true;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.RequestHeaderEncodingSelector = name => name == "Connection" ? ConnectionFieldEncoding.Instance : Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        options ??= new OriginOptions();
        connector ??= Given.Connector(options: options);
        var spool = new TestSpool();
        var forwarding = new HttpForwarding(
            connector,
            Given.Forwarded,
            app.Services.GetRequiredService<IHttpForwarder>(),
            spool.Spool,
            Options.Create(options),
            TimeProvider.System,
            NullLogger<HttpForwarding>.Instance);
        app.Lifetime.ApplicationStopped.Register(forwarding.Dispose);
        app.Lifetime.ApplicationStopped.Register(spool.Dispose);
        app.Run(context => forwarding.ForwardAsync(context, domain, ClientOf(context), usedUp: CancellationToken.None));
        await app.StartAsync();
        return new ForwardingEdge(app, spool.Folder);
    }

    /// <summary>A client of the edge, by HTTP/1.1 or HTTP/2.</summary>
    public HttpClient NewClient(bool http2 = false) => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{(http2 ? Http2Port : Http1Port)}"),
        DefaultRequestVersion = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromSeconds(30),
    };

    public Task<ScriptedPeer> ConnectAsync() => ScriptedPeer.ConnectAsync(Http1Port);

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }

    private static ClientConnection ClientOf(HttpContext context)
    {
        var peer = new IPEndPoint(context.Connection.RemoteIpAddress!, context.Connection.RemotePort);
        return new ClientConnection(peer, peer, false, context.Request.IsHttps, context.Request.Host.Host);
    }
}
