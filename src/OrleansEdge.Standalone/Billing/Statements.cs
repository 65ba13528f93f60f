using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Makes statements out of the ledger. Thread safe.</summary>
internal sealed class Statements
{
    private readonly IUsageReader _usage;

    public Statements(IUsageReader usage) => _usage = usage;

    /// <summary>A month's statement, and what is used of the plans after it.</summary>
    /// <exception cref="IOException">The ledger cannot be read.</exception>
    public (Statement Statement, PlanUse Use) Make(Account account, UsageMonth month, bool isClosed)
    {
        var making = new StatementMaking(account, month);
        Read(account.Tenant, making.Requests());
        return (making.Build(isClosed), making.Use);
    }

    /// <summary>Reads what a calculation asks for.</summary>
    /// <exception cref="IOException">The ledger cannot be read.</exception>
    public void Read(string tenant, IEnumerable<UsageRequest> requests)
    {
        foreach (var request in requests)
        {
            if (request.WantsLate)
            {
                request.AddLate(_usage.ListAdjustments(tenant, StatementPeriod.AdjustmentsFrom(request.Month), StatementPeriod.AdjustmentsTo(request.Month)));
            }

            if (request.From < request.To)
            {
                foreach (var hour in _usage.Read(tenant, request.From, request.To))
                {
                    request.AddHour(hour);
                }
            }
        }
    }
}
