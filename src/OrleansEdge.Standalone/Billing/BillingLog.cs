using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Events 3100–3199.</summary>
internal static partial class BillingLog
{
    [LoggerMessage(3100, LogLevel.Information, "Billing opened: {Tenants} tenants, {Plans} plans, {Exhausted} tenants without quota")]
    public static partial void BillingOpened(this ILogger logger, int tenants, int plans, int exhausted);

    [LoggerMessage(3101, LogLevel.Information, "Tenant {Tenant}: plan {Plan} bought by {By}")]
    public static partial void PlanBought(this ILogger logger, string tenant, string plan, string by);

    [LoggerMessage(3102, LogLevel.Information, "Tenant {Tenant}: prepaid traffic used up: {Exhausted}")]
    public static partial void QuotaChanged(this ILogger logger, string tenant, ExhaustedQuota exhausted);

    [LoggerMessage(3103, LogLevel.Information, "Tenant {Tenant}: {Threshold} % of the prepaid {Kind} traffic are used")]
    public static partial void ThresholdReached(this ILogger logger, string tenant, int threshold, UsageKind kind);

    [LoggerMessage(3104, LogLevel.Error, "Tenant {Tenant}: the account could not be written, which is tried again: {Reason}")]
    public static partial void AccountNotWritten(this ILogger logger, string tenant, string reason);

    [LoggerMessage(3105, LogLevel.Error, "Tenant {Tenant}: usage could not be read, so its quota stays as it was, which is tried again: {Reason}")]
    public static partial void UsageNotRead(this ILogger logger, string tenant, string reason);

    [LoggerMessage(3106, LogLevel.Debug, "Tenant {Tenant}: statement {Month} closed")]
    public static partial void StatementMade(this ILogger logger, string tenant, UsageMonth month);

    [LoggerMessage(3107, LogLevel.Error, "Tenant {Tenant}: the statement {Month} could not be closed, which is tried again when it is asked for: {Reason}")]
    public static partial void StatementNotMade(this ILogger logger, string tenant, UsageMonth month, string reason);

    [LoggerMessage(3108, LogLevel.Error, "Billing failed at its work in the background, which is tried again")]
    public static partial void BillingWorkFailed(this ILogger logger, Exception failure);

    [LoggerMessage(3110, LogLevel.Debug, "Tenant {Tenant}: event {Event} delivered to the webhook")]
    public static partial void WebhookDelivered(this ILogger logger, string tenant, string @event);

    [LoggerMessage(3111, LogLevel.Warning, "Tenant {Tenant}: event {Event} not delivered to the webhook, which is tried again in {Delay}: {Reason}")]
    public static partial void WebhookFailed(this ILogger logger, string tenant, string @event, TimeSpan delay, string reason);

    [LoggerMessage(3112, LogLevel.Error, "Tenant {Tenant}: event {Event} given up, the webhook never got it: {Reason}")]
    public static partial void WebhookGivenUp(this ILogger logger, string tenant, string @event, string reason);
}
