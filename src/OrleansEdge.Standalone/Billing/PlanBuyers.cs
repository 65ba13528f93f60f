using System.Globalization;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Who bought plans, as the audit tells.</summary>
internal static class PlanBuyers
{
    private const int LinesAtOnce = 1000;

    /// <summary>The tenants that ever bought a plan.</summary>
    public static HashSet<string> List(AuditLog audit)
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
}
