using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Standalone.Tests.Billing;

/// <summary>A tenant's web server that takes events, and answers as a test says.</summary>
internal sealed class WebhookListener : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Call> _calls = new();
    private readonly SemaphoreSlim _arrived = new(0);

    private WebhookListener()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Answers a call; the first is number 1.</summary>
    public Func<int, HttpContext, Task> Respond { get; set; } = static (_, context) =>
    {
        context.Response.StatusCode = 204;
        return Task.CompletedTask;
    };

    public string Url => $"{_app.Urls.Single()}/hook?secret=1";

    public IReadOnlyCollection<Call> Calls => _calls;

    public static async Task<WebhookListener> StartAsync()
    {
        var listener = new WebhookListener();
        await listener._app.StartAsync();
        return listener;
    }

    /// <summary>The next call that arrives.</summary>
    public async Task<Call> NextAsync(int number)
    {
        Assert.True(await _arrived.WaitAsync(Patience), $"call {number} did not come within {Patience.TotalSeconds} s");
        return _calls.ElementAt(number - 1);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var headers = context.Request.Headers;
        _calls.Enqueue(new(
            $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {context.Request.ContentType}",
            headers["webhook-id"].ToString(),
            headers["webhook-timestamp"].ToString(),
            headers["webhook-signature"].ToString(),
            Encoding.UTF8.GetString(body.ToArray())));
        var number = _calls.Count;
        _arrived.Release();
        await Respond(number, context);
    }

    internal sealed record Call(string Request, string Id, string Timestamp, string Signature, string Body);
}
