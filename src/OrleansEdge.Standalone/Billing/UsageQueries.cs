using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Answers questions about usage from the ledger. Thread safe.</summary>
internal sealed class UsageQueries
{
    private readonly IUsageReader _usage;

    public UsageQueries(IUsageReader usage) => _usage = usage;

    /// <summary>Usage of a tenant in intervals.</summary>
    /// <exception cref="IOException">The ledger cannot be read.</exception>
    public ControlResult<UsageAnswer> Query(string tenant, UsageQuery query, CancellationToken cancellationToken)
    {
        var answer = new UsageAnswerBuilder(tenant, query);
        foreach (var hour in answer.IsTooBig ? [] : _usage.Read(tenant, answer.From, answer.To))
        {
            cancellationToken.ThrowIfCancellationRequested();
            answer.Add(hour);
            if (answer.IsTooBig)
            {
                break;
            }
        }

        return answer.Build();
    }

    /// <summary>Sums over gateways beside sums over tenants.</summary>
    /// <exception cref="IOException">The ledger cannot be read.</exception>
    public ControlResult<Page<Reconciliation>> Reconcile(
        DateTimeOffset from, DateTimeOffset to, DateTimeOffset now, PageRequest page, CancellationToken cancellationToken)
    {
        var builder = new ReconciliationBuilder(from, to, now, page);
        foreach (var hour in builder.Hours())
        {
            cancellationToken.ThrowIfCancellationRequested();
            UsageHour next = new(hour.Number + 1);
            builder.Add(_usage.ListOwners(hour, next).SelectMany(owner => _usage.Read(owner, hour, next).Select(totals => (owner, totals))));
        }

        return builder.Failure is { } failure ? failure : builder.Build();
    }
}
