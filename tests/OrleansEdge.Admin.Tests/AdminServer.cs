using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansEdge.Model;
using OrleansEdge.Testing;

namespace OrleansEdge.Admin.Tests;

/// <summary>The API on a real Kestrel on a free loopback port.</summary>
internal sealed class AdminServer : IAsyncDisposable
{
    private AdminServer(WebApplication application, FakeControlPlane control, CapturedLog log, ManualTimeProvider time)
    {
        Application = application;
        Control = control;
        Log = log;
        Time = time;
        Address = new Uri(application.Urls.Single());
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address };
    }

    public WebApplication Application { get; }

    public FakeControlPlane Control { get; }

    public CapturedLog Log { get; }

    public ManualTimeProvider Time { get; }

    public Uri Address { get; }

    public HttpClient Client { get; }

    /// <param name="keys">Names and keys.</param>
    /// <param name="peer">The address that requests seem to come from, where it is not the real one.</param>
    public static async Task<AdminServer> StartAsync((string Name, string Key)[]? keys = null, string? peer = null)
    {
        var control = new FakeControlPlane();
        var time = new ManualTimeProvider();
        var log = new CapturedLog();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(Settings(keys ?? []));
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<IControlPlane>(control);
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddAdminApi(builder.Configuration);
        var application = builder.Build();
        application.Use((context, next) =>
        {
            context.Connection.RemoteIpAddress = peer is null ? context.Connection.RemoteIpAddress : IPAddress.Parse(peer);
            return next(context);
        });
        application.MapAdminApi();
        await application.StartAsync();
        return new AdminServer(application, control, log, time);
    }

    public static string Sha256(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>Sends bytes as they are and reads until the server closes.</summary>
    public async Task<string> SendRawAsync(string request)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Address.Port, deadline.Token);
        await socket.SendAsync(Encoding.UTF8.GetBytes(request), deadline.Token);
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer, deadline.Token) is var count and > 0)
        {
            answer.Append(Encoding.UTF8.GetString(buffer, 0, count));
        }

        return answer.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Application.DisposeAsync();
    }

    private static IEnumerable<KeyValuePair<string, string?>> Settings((string Name, string Key)[] keys)
        => keys.SelectMany((key, i) => new KeyValuePair<string, string?>[]
        {
            new($"Edge:Admin:Keys:{i}:name", key.Name),
            new($"Edge:Admin:Keys:{i}:sha256", Sha256(key.Key)),
        });
}

/// <summary>All lines that were logged.</summary>
internal sealed class CapturedLog : ILoggerProvider, ILogger
{
    public ConcurrentQueue<(LogLevel Level, EventId Id, string Text)> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => Lines.Enqueue((logLevel, eventId, $"{formatter(state, exception)} {exception}"));

    public void Dispose()
    {
    }
}
