using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The ledger before there is one: usage waits in the spool.</summary>
internal sealed class LedgerAway : IUsageSink
{
    public Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<UsageReply>>([.. reports.Select(static _ => UsageReply.Unavailable)]);
}
