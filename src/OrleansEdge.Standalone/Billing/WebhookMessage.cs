using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>What a tenant's webhook is told, as Standard Webhooks has it (https://www.standardwebhooks.com).</summary>
internal static class WebhookMessage
{
    /// <summary>A call of the webhook. Each attempt is signed anew, with its own time; id and body stay.</summary>
    public static HttpRequestMessage Create(Uri url, byte[] secret, string tenant, AlertRecord alert, DateTimeOffset now)
    {
        var body = Body(tenant, alert);
        var timestamp = now.ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", alert.Id);
        request.Headers.Add("webhook-timestamp", $"{timestamp}");
        request.Headers.Add("webhook-signature", $"v1,{Sign(secret, $"{alert.Id}.{timestamp}.", body)}");
        return request;
    }

    private static byte[] Body(string tenant, AlertRecord alert) => JsonSerializer.SerializeToUtf8Bytes(
        new QuotaEvent(alert.Id, "quota.threshold", alert.At, tenant, alert.Kind, alert.Threshold, alert.UsedBytes, alert.PrepaidBytes), EdgeJson.Options);

    private static string Sign(byte[] secret, string head, byte[] body)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(head), .. body];
        return Convert.ToBase64String(HMACSHA256.HashData(secret, signed));
    }

    private sealed record QuotaEvent(
        string Id, string Type, DateTimeOffset At, string Tenant, UsageKind Kind, int Threshold, Int128 UsedBytes, Int128 PrepaidBytes);
}
