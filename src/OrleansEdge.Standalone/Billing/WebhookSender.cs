using System.Collections.Concurrent;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Tells webhooks of events, each at least once: it is tried again, ever more rarely, for three days. Nobody waits for it. Thread
/// safe.</summary>
internal sealed class WebhookSender : IDisposable
{
    private const int MostAtOnce = 16;

    private readonly WebhookKey _key;
    private readonly Func<string, string?> _urlOf;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _http;
    private readonly SemaphoreSlim _slots = new(MostAtOnce);
    private readonly CancellationTokenSource _over = new();
    private readonly ConcurrentDictionary<string, Task> _sending = new(StringComparer.Ordinal);

    /// <summary>Tells nobody yet.</summary>
    /// <param name="key">Gives the secrets.</param>
    /// <param name="urlOf">Where a tenant's webhook is now; null: it has none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes what goes wrong.</param>
    public WebhookSender(WebhookKey key, Func<string, string?> urlOf, TimeProvider time, ILogger logger)
    {
        _key = key;
        _urlOf = urlOf;
        _time = time;
        _logger = logger;

        // A redirect would send what was signed for one place to another.
        _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null, PooledConnectionLifetime = TimeSpan.FromMinutes(1) });
    }

    /// <summary>Notes that an event was delivered, or given up, so that it is not sent again after a restart.</summary>
    public Func<string, AlertRecord, CancellationToken, Task> Done { get; init; } = static (_, _, _) => Task.CompletedTask;

    /// <summary>Begins to tell a tenant's webhook of an event.</summary>
    public void Send(string tenant, AlertRecord alert)
    {
        var sending = Task.Run(() => SendAsync(tenant, alert));
        _sending[alert.Id] = sending;
        _ = sending.ContinueWith(_ => _sending.TryRemove(alert.Id, out Task? _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    /// <summary>Ends all attempts; what was not delivered is sent after the next start.</summary>
    public void Dispose()
    {
        _over.Cancel();
        Task.WaitAll([.. _sending.Values]);
        _http.Dispose();
        _slots.Dispose();
        _over.Dispose();
    }

    private async Task SendAsync(string tenant, AlertRecord alert)
    {
        try
        {
            for (var attempts = 1; await TryAsync(tenant, alert) is { } reason; attempts++)
            {
                var delay = WebhookMessage.DelayAfter(attempts);
                if (reason.IsFinal || _time.GetUtcNow() + delay - alert.At > WebhookMessage.GivenUpAfter)
                {
                    _logger.WebhookGivenUp(tenant, alert.Id, reason.Text);
                    break;
                }

                _logger.WebhookFailed(tenant, alert.Id, delay, reason.Text);
                await Task.Delay(delay, _time, _over.Token);
            }

            await Done(tenant, alert, _over.Token);
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
        catch (Exception failure)
        {
            _logger.BillingWorkFailed(failure);
        }
    }

    /// <summary>One attempt.</summary>
    /// <returns>Why it failed; null: it was delivered.</returns>
    private async Task<Reason?> TryAsync(string tenant, AlertRecord alert)
    {
        await _slots.WaitAsync(_over.Token);
        try
        {
            return _urlOf(tenant) is { } url ? await PostAsync(new(url), tenant, alert) : new("the tenant has no webhook any more", IsFinal: true);
        }
        catch (Exception failure) when (failure is HttpRequestException || DurableFile.IsDiskFailure(failure))
        {
            return new(failure.Message);
        }
        catch (OperationCanceledException) when (!_over.IsCancellationRequested)
        {
            return new($"no answer within {WebhookMessage.AttemptTimeout.TotalSeconds} s");
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<Reason?> PostAsync(Uri url, string tenant, AlertRecord alert)
    {
        using var timeout = new CancellationTokenSource(WebhookMessage.AttemptTimeout, _time);
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _over.Token);
        using var request = Request(url, WebhookMessage.Of(_key.SecretOf(tenant), tenant, alert, _time.GetUtcNow()));
        using var response = await _http.SendAsync(request, attempt.Token);
        if (!response.IsSuccessStatusCode)
        {
            return new($"answered {(int)response.StatusCode}");
        }

        _logger.WebhookDelivered(tenant, alert.Id);
        return null;
    }

    private static HttpRequestMessage Request(Uri url, WebhookMessage message)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(message.Body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("webhook-id", message.Id);
        request.Headers.Add("webhook-timestamp", $"{message.Timestamp}");
        request.Headers.Add("webhook-signature", message.Signature);
        return request;
    }

    private sealed record Reason(string Text, bool IsFinal = false);
}
