using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansEdge.Model;

/// <summary>What a tenant's webhook is told, as Standard Webhooks has it (https://www.standardwebhooks.com). Each attempt is signed anew,
/// with its own time; id and body stay.</summary>
/// <param name="Id">Header <c>webhook-id</c>.</param>
/// <param name="Timestamp">Header <c>webhook-timestamp</c>, seconds since 1970.</param>
/// <param name="Signature">Header <c>webhook-signature</c>.</param>
/// <param name="Body">JSON, UTF-8.</param>
public sealed record WebhookMessage(string Id, long Timestamp, string Signature, ReadOnlyMemory<byte> Body)
{
    /// <summary>Bytes of the key from which the secrets of all tenants follow.</summary>
    public const int KeyBytes = 32;

    /// <summary>Time from the first attempt to the second; each later one waits twice as long as the one before.</summary>
    public static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(10);

    /// <summary>Longest time between two attempts.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    /// <summary>How long after it happened an event is given up.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromDays(3);

    /// <summary>How long an attempt may take.</summary>
    public static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The message of one attempt.</summary>
    /// <param name="secret">The tenant's (<see cref="SecretOf"/>).</param>
    /// <param name="tenant">Who is told.</param>
    /// <param name="alert">What happened.</param>
    /// <param name="now">When the attempt is made.</param>
    public static WebhookMessage Of(byte[] secret, string tenant, AlertRecord alert, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(alert);
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new QuotaEvent(alert.Id, "quota.threshold", alert.At, tenant, alert.Kind, alert.Threshold, alert.UsedBytes, alert.PrepaidBytes), EdgeJson.Options);
        var timestamp = now.ToUnixTimeSeconds();
        return new(alert.Id, timestamp, $"v1,{Sign(secret, $"{alert.Id}.{timestamp}.", body)}", body);
    }

    /// <summary>The secret of a tenant.</summary>
    public static byte[] SecretOf(byte[] key, string tenant) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(tenant));

    /// <summary>A secret as the tenant gets it.</summary>
    public static string TextOf(byte[] secret) => $"whsec_{Convert.ToBase64String(secret)}";

    /// <summary>How long to wait after an attempt that failed.</summary>
    /// <param name="attempts">Attempts so far, from 1.</param>
    public static TimeSpan DelayAfter(int attempts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        var delay = FirstDelay;
        for (; attempts > 1 && delay < LongestDelay; attempts--)
        {
            delay *= 2;
        }

        return delay < LongestDelay ? delay : LongestDelay;
    }

    private static string Sign(byte[] secret, string head, byte[] body)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(head), .. body];
        return Convert.ToBase64String(HMACSHA256.HashData(secret, signed));
    }

    private sealed record QuotaEvent(
        string Id, string Type, DateTimeOffset At, string Tenant, UsageKind Kind, int Threshold, Int128 UsedBytes, Int128 PrepaidBytes);
}
