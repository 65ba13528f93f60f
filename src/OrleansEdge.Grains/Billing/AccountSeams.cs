using OrleansEdge.Contracts;
using OrleansEdge.Grains.Admin;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>Is told what a tenant may have no more of.</summary>
public interface IExhaustedTarget
{
    /// <summary>Puts a decision in force. It may come again, and comes again until it was taken.</summary>
    Task SetExhaustedAsync(string tenant, ExhaustedQuota exhausted);
}

/// <summary>Takes the lines that bills leave in the audit.</summary>
public interface IBillingAudit
{
    /// <summary>Adds a line, once for each key, and chooses its id. A line that was cut off by a crash comes again.</summary>
    Task AddAsync(string key, AuditEntry entry);
}

/// <summary>The tenant's grain and the audit of the cluster.</summary>
internal sealed class AccountSurroundings(IGrainFactory grains, AuditLog audit) : IExhaustedTarget, IBillingAudit
{
    public Task SetExhaustedAsync(string tenant, ExhaustedQuota exhausted) => grains.GetGrain<ITenantGrain>(tenant).SetExhaustedAsync(exhausted);

    public Task AddAsync(string key, AuditEntry entry) => audit.AppendOnceAsync("bill", key, [(1, entry)]);
}
