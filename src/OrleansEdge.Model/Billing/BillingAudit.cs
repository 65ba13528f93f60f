namespace OrleansEdge.Model;

/// <summary>Lines of the audit that tell of bills.</summary>
public static class BillingAudit
{
    /// <summary>A plan was bought.</summary>
    public static AuditEntry Of(string tenant, PlanRecord plan)
        => new(AuditWords.Id(plan.Audit), plan.BoughtAt, plan.By, AuditWords.Create, AuditWords.Plan, $"{tenant}/{plan.Id}", null);

    /// <summary>A threshold was reached.</summary>
    public static AuditEntry Of(string tenant, AlertRecord alert) => new(
        AuditWords.Id(alert.Audit), alert.At, AuditWords.ByEdge, AuditWords.Alert, AuditWords.Quota, $"{tenant}/{WordOf(alert.Kind)}/{alert.Threshold}", null);

    /// <summary>Lines that a crash prevented.</summary>
    public static IEnumerable<AuditEntry> Missing(AccountRecord record, long lastWritten)
        => record.Plans.Where(plan => plan.Audit > lastWritten).Select(plan => Of(record.Tenant, plan))
            .Concat(record.Alerts.Where(alert => alert.Audit > lastWritten).Select(alert => Of(record.Tenant, alert)));

    /// <summary>The word for a kind in names and JSON.</summary>
    public static string WordOf(UsageKind kind) => kind == UsageKind.Websocket ? "websocket" : "http";
}
