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
    /// <summary>Adds a line, whose id it chooses itself. A line that was cut off by a crash comes again.</summary>
    Task AddAsync(AuditEntry entry);
}

/// <summary>Where there is nobody to tell.</summary>
internal sealed class NoSurroundings : IExhaustedTarget, IBillingAudit
{
    public Task SetExhaustedAsync(string tenant, ExhaustedQuota exhausted) => Task.CompletedTask;

    public Task AddAsync(AuditEntry entry) => Task.CompletedTask;
}
