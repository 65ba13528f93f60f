using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>Calls webhooks, one attempt at a time. Thread safe.</summary>
internal sealed class WebhookCaller(WebhookSecrets secrets, EdgeClock clock) : IDisposable
{
    private const int MostAtOnce = 16;

    // A redirect would send what was signed for one place to another.
    private readonly HttpMessageInvoker _http = new(
        new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null, PooledConnectionLifetime = TimeSpan.FromMinutes(1) });

    private readonly SemaphoreSlim _slots = new(MostAtOnce);

    /// <summary>One attempt.</summary>
    /// <returns>Why it failed; null: the webhook has heard of it.</returns>
    public async Task<string?> TryTellAsync(string url, string tenant, AlertRecord alert)
    {
        await _slots.WaitAsync();
        try
        {
            using var timeout = new CancellationTokenSource(WebhookMessage.AttemptTimeout);
            using var request = Request(url, WebhookMessage.Of(await secrets.OfAsync(tenant), tenant, alert, clock.Now));
            using var response = await _http.SendAsync(request, timeout.Token);
            return response.IsSuccessStatusCode ? null : $"answered {(int)response.StatusCode}";
        }
        catch (HttpRequestException failure)
        {
            return failure.Message;
        }
        catch (OperationCanceledException)
        {
            return $"no answer within {WebhookMessage.AttemptTimeout.TotalSeconds} s";
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _slots.Dispose();
    }

    private static HttpRequestMessage Request(string url, WebhookMessage message)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(message.Body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("webhook-id", message.Id);
        request.Headers.Add("webhook-timestamp", $"{message.Timestamp}");
        request.Headers.Add("webhook-signature", message.Signature);
        return request;
    }
}
