using System.Globalization;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Lines of the audit that tell of bills.</summary>
internal static class BillingAudit
{
    private const int LinesAtOnce = 1000;

    public static AuditEntry Of(string tenant, PlanRecord plan)
        => new(AuditWords.Id(plan.Audit), plan.BoughtAt, plan.By, AuditWords.Create, AuditWords.Plan, $"{tenant}/{plan.Id}", null);

    public static AuditEntry Of(string tenant, AlertRecord alert) => new(
        AuditWords.Id(alert.Audit), alert.At, AuditWords.ByEdge, AuditWords.Alert, AuditWords.Quota, $"{tenant}/{WordOf(alert.Kind)}/{alert.Threshold}", null);

    /// <summary>The tenants that ever bought a plan.</summary>
    public static HashSet<string> ListBuyers(AuditLog audit)
    {
        var buyers = new HashSet<string>(StringComparer.Ordinal);
        for (string? next = AuditWords.Id(0); next is not null;)
        {
            var page = audit.List(long.Parse(next, NumberStyles.None, CultureInfo.InvariantCulture), LinesAtOnce);
            buyers.UnionWith(page.Items.Where(static line => line.Kind == AuditWords.Plan).Select(static line => line.Name.Split('/')[0]));
            next = page.Next;
        }

        return buyers;
    }

    /// <summary>Lines that a crash prevented.</summary>
    public static IEnumerable<AuditEntry> Missing(AccountRecord record, long lastWritten)
        => record.Plans.Where(plan => plan.Audit > lastWritten).Select(plan => Of(record.Tenant, plan))
            .Concat(record.Alerts.Where(alert => alert.Audit > lastWritten).Select(alert => Of(record.Tenant, alert)));

    /// <summary>The word for a kind in names and JSON.</summary>
    public static string WordOf(UsageKind kind) => kind == UsageKind.Websocket ? "websocket" : "http";
}
