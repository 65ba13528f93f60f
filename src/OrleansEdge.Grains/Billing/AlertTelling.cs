using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>Tells a tenant's webhook of alerts, each at least once, without holding up the account: it is tried again, ever more rarely,
/// for three days. Not thread safe; used within one grain.</summary>
internal sealed class AlertTelling(IAccountGrain account, string tenant, WebhookCaller webhooks, EdgeClock clock, ILogger logger)
{
    private readonly Dictionary<string, Attempts> _attempts = new(StringComparer.Ordinal);

    /// <summary>Begins the attempts that are due.</summary>
    /// <param name="alerts">All alerts that somebody has to be told.</param>
    /// <param name="url">Where the webhook is now; null: the tenant has none any more.</param>
    public void Tell(IReadOnlyCollection<AlertRecord> alerts, string? url)
    {
        foreach (var alert in alerts)
        {
            var attempts = _attempts.TryGetValue(alert.Id, out var known) ? known : _attempts[alert.Id] = new();
            if (!attempts.IsUnderWay && clock.Now >= attempts.NextAt)
            {
                attempts.IsUnderWay = true;
                _ = TellAsync(alert, url, attempts);
            }
        }
    }

    private async Task TellAsync(AlertRecord alert, string? url, Attempts attempts)
    {
        try
        {
            var reason = url is null ? "the tenant has no webhook any more" : await webhooks.TryTellAsync(url, tenant, alert);
            attempts.Count++;
            attempts.NextAt = clock.Now + WebhookMessage.DelayAfter(attempts.Count);
            if (reason is null || url is null || attempts.NextAt - alert.At > WebhookMessage.GivenUpAfter)
            {
                await account.NoteToldAsync(alert.Id);
                _attempts.Remove(alert.Id);
            }

            logger.WebhookCalled(tenant, alert.Id, reason ?? "delivered");
        }
        catch (Exception failure)
        {
            // It stays in the account as one that has to be told.
            logger.BillingFailed(failure, tenant);
        }
        finally
        {
            attempts.IsUnderWay = false;
        }
    }

    private sealed class Attempts
    {
        public int Count { get; set; }

        public DateTimeOffset NextAt { get; set; }

        public bool IsUnderWay { get; set; }
    }
}
