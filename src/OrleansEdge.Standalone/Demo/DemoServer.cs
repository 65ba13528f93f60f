using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections;

namespace OrleansEdge.Standalone.Demo;

/// <summary>The live-comments application: an ordinary origin that happens to live in this process, on a loopback port.</summary>
internal sealed partial class DemoServer : IAsyncDisposable
{
    /// <summary>Where the page opens its WebSocket.</summary>
    public const string SocketPath = "/comments";

    // Shorter than a domain's default timeout, so that a quiet page stays connected.
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(20);

    private readonly WebApplication _app;

    private DemoServer(WebApplication app, int port)
    {
        _app = app;
        Port = port;
    }

    /// <summary>The loopback port it listens on.</summary>
    public int Port { get; }

    /// <summary>Starts it.</summary>
    /// <param name="port">The port; 0: a free one.</param>
    /// <param name="time">For the times of comments and their rate.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns><see langword="null"/> where the port is taken.</returns>
    public static async Task<DemoServer?> StartAsync(int port, TimeProvider time, CancellationToken cancellationToken)
    {
        var app = Build(port, time);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException failure) when (failure.InnerException is AddressInUseException)
        {
            await app.DisposeAsync();
            return null;
        }

        return new(app, new Uri(app.Urls.Single()).Port);
    }

    /// <summary>Ends the pages' connections with 1001.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static WebApplication Build(int port, TimeProvider time)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        // A host of its own must not take the process's signals, nor count its requests among the edge's.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton<IMeterFactory, ApartMeters>();
        var app = builder.Build();
        app.UseWebSockets(new() { KeepAliveInterval = KeepAlive });
        var room = new DemoRoom(time);
        var page = Page.Load();
        app.Run(context => AnswerAsync(context, room, page, time, app.Lifetime.ApplicationStopping));
        return app;
    }

    private static Task AnswerAsync(HttpContext context, DemoRoom room, Page page, TimeProvider time, CancellationToken stopping)
        => (context.Request.Path.Value, HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)) switch
        {
            (SocketPath, _) when context.WebSockets.IsWebSocketRequest => WatchAsync(context, room, time, stopping),
            (SocketPath, _) => AnswerAsync(context, StatusCodes.Status426UpgradeRequired),
            ("/", true) => page.SendAsync(context),
            ("/", false) => AnswerAsync(context, StatusCodes.Status405MethodNotAllowed),
            ("/favicon.ico", true) => AnswerAsync(context, StatusCodes.Status204NoContent),
            _ => AnswerAsync(context, StatusCodes.Status404NotFound),
        };

    private static Task AnswerAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static async Task WatchAsync(HttpContext context, DemoRoom room, TimeProvider time, CancellationToken stopping)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var viewer = new DemoViewer(socket, room, time);
        await viewer.RunAsync(stopping);
    }

    /// <summary>The page, and a policy that lets nothing run but its own script and style.</summary>
    private sealed partial class Page(byte[] html, string policy)
    {
        public static Page Load()
        {
            using var resource = typeof(DemoServer).Assembly.GetManifestResourceStream("demo.html")!;
            using var reader = new StreamReader(resource, Encoding.UTF8);
            var html = reader.ReadToEnd();
            var policy = $"default-src 'none'; script-src {Hash(Script(), html)}; style-src {Hash(Style(), html)}; connect-src 'self' ws: wss:; "
                + "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
            return new(Encoding.UTF8.GetBytes(html), policy);
        }

        public async Task SendAsync(HttpContext context)
        {
            var headers = context.Response.Headers;
            headers.ContentType = "text/html; charset=utf-8";
            headers.ContentLength = html.Length;
            headers.CacheControl = "no-cache";
            headers.ContentSecurityPolicy = policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            if (HttpMethods.IsGet(context.Request.Method))
            {
                await context.Response.Body.WriteAsync(html, context.RequestAborted);
            }
        }

        private static string Hash(Regex element, string html)
            => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(element.Match(html).Groups["text"].Value)))}'";

        [GeneratedRegex("<script>(?<text>.*)</script>", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
        private static partial Regex Script();

        [GeneratedRegex("<style>(?<text>.*)</style>", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
        private static partial Regex Style();
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class ApartMeters : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter("Demo." + options.Name);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose() => _meters.ForEach(meter => meter.Dispose());
    }
}
