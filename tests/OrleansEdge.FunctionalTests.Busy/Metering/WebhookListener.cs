using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>A call of a webhook as it came.</summary>
public sealed record WebhookCall(OriginRequest Request, byte[] Body)
{
    public JsonElement Event => JsonDocument.Parse(Body).RootElement;

    /// <summary>The signature is one by this secret over what came, and the time is now (Standard Webhooks).</summary>
    public void AssertSignedBy(string secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        var (id, time) = (Request.Headers["webhook-id"], Request.Headers["webhook-timestamp"]);
        Assert.False(string.IsNullOrEmpty(id), Request.Raw);
        var at = DateTimeOffset.FromUnixTimeSeconds(long.Parse(time!, CultureInfo.InvariantCulture));
        Assert.InRange(DateTimeOffset.UtcNow - at, TimeSpan.FromSeconds(-2), TimeSpan.FromMinutes(2));
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{id}.{time}."), .. Body];
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), signed));
        Assert.Contains($"v1,{signature}", Request.Headers["webhook-signature"]!.Split(' '));
    }
}

/// <summary>A customer's HTTP server that takes calls of a webhook.</summary>
public sealed class WebhookListener : IAsyncDisposable
{
    private readonly ScriptedOrigin _listener = ScriptedOrigin.Start();
    private readonly CancellationTokenSource _over = new();
    private readonly Channel<WebhookCall> _calls = Channel.CreateUnbounded<WebhookCall>();
    private readonly Task _accepting;

    public WebhookListener() => _accepting = AcceptAsync();

    public string Url => $"http://127.0.0.1:{_listener.Port}/hook";

    /// <summary>The next call.</summary>
    public async Task<WebhookCall> NextAsync(string what)
    {
        try
        {
            return await _calls.Reader.ReadAsync().AsTask().WaitAsync(Wire.Patience);
        }
        catch (TimeoutException)
        {
            throw new WireException($"the webhook was not called for {what} within {Wire.Patience.TotalSeconds} s");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _listener.DisposeAsync();
        await _accepting;
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await _listener.AcceptAsync(TimeSpan.FromHours(1), _over.Token)));
            }
        }
        catch (Exception end) when (end is WireException or ObjectDisposedException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(StreamWire wire)
    {
        try
        {
            while (true)
            {
                var request = new OriginRequest(await wire.ReadHeadAsync("a call", Timeout.InfiniteTimeSpan));
                var body = await wire.ReadBodyAsync(request.Headers);
                await wire.SendAsync("HTTP/1.1 204 No Content\r\n\r\n");
                _calls.Writer.TryWrite(new(request, body));
            }
        }
        catch (Exception end) when (end is WireException or WireCutException or ObjectDisposedException)
        {
            // The caller has gone, or the test is over.
        }
    }
}
