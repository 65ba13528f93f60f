using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>A minimal web application on the edge's transport and endpoints, each endpoint on a free loopback port.</summary>
internal sealed class EdgeServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private EdgeServer(WebApplication app, LogLines log)
    {
        _app = app;
        Log = log;
    }

    public LogLines Log { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<EdgeServer> StartAsync(
        RequestDelegate handler, Action<IDictionary<string, string?>>? settings = null, Action<IServiceCollection>? services = null)
    {
        var values = new Dictionary<string, string?>
        {
            ["Kestrel:Endpoints:Edge:Url"] = "http://127.0.0.1:0",
            ["Kestrel:Endpoints:Admin:Url"] = "http://127.0.0.1:0",
        };
        settings?.Invoke(values);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(values);
        var log = new LogLines();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        services?.Invoke(builder.Services);
        builder.WebHost.UseEdgeTransport();
        builder.WebHost.ConfigureKestrel((context, kestrel) =>
            EdgeEndpoints.Configure(kestrel, context.Configuration, kestrel.ApplicationServices));
        var app = builder.Build();
        app.Run(handler);
        await app.StartAsync();
        return new EdgeServer(app, log);
    }

    public IPEndPoint At(string endpoint) =>
        new(IPAddress.Loopback, Services.GetRequiredService<EndpointAddresses>().List().First(e => e.Name == endpoint).Port);

    public Task<RawClient> ConnectAsync(string endpoint = EdgeEndpoints.Edge) => RawClient.ConnectAsync(At(endpoint));

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(EventId Id, string Text)> _lines = new();

    public IEnumerable<string> Of(int eventId) => _lines.Where(line => line.Id.Id == eventId).Select(line => line.Text);

    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("OrleansEdge", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId, formatter(state, exception)));

    public void Dispose()
    {
    }
}
