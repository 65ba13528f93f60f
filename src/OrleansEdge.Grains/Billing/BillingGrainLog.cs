using Microsoft.Extensions.Logging;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>Events 6300–6399.</summary>
internal static partial class BillingGrainLog
{
    [LoggerMessage(6300, LogLevel.Information, "Tenant {Tenant}: plan {Plan} bought by {By}")]
    public static partial void PlanBought(this ILogger logger, string tenant, string plan, string by);

    [LoggerMessage(6301, LogLevel.Information, "Tenant {Tenant}: prepaid traffic used up: {Exhausted}")]
    public static partial void QuotaChanged(this ILogger logger, string tenant, ExhaustedQuota exhausted);

    [LoggerMessage(6302, LogLevel.Warning, "Tenant {Tenant}: what is used up could not be told, which is tried again")]
    public static partial void QuotaNotTold(this ILogger logger, Exception failure, string tenant);

    [LoggerMessage(6303, LogLevel.Information, "Tenant {Tenant}: {Threshold} % of the prepaid {Kind} traffic are used")]
    public static partial void ThresholdReached(this ILogger logger, string tenant, int threshold, UsageKind kind);

    [LoggerMessage(6304, LogLevel.Information, "Tenant {Tenant}: statement {Month} closed")]
    public static partial void StatementClosed(this ILogger logger, string tenant, string month);

    [LoggerMessage(6305, LogLevel.Debug, "Tenant {Tenant}: event {Event} to the webhook: {Outcome}")]
    public static partial void WebhookCalled(this ILogger logger, string tenant, string @event, string outcome);

    [LoggerMessage(6306, LogLevel.Error, "Tenant {Tenant}: billing failed at its work in the background, which is tried again")]
    public static partial void BillingFailed(this ILogger logger, Exception failure, string tenant);
}
