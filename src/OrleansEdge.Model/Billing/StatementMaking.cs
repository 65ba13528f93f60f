namespace OrleansEdge.Model;

/// <summary>Makes a month's statement of an account: asks for the usage that it needs, and then has it. Not thread safe.</summary>
public sealed class StatementMaking(Account account, UsageMonth month)
{
    private StatementBuilder? _builder;

    /// <summary>What is used of the plans after the month.</summary>
    public PlanUse Use => Builder.Use;

    private StatementBuilder Builder => _builder ?? throw new InvalidOperationException("The statement's usage was not read.");

    /// <summary>What must be read.</summary>
    public IEnumerable<UsageRequest> Requests()
    {
        var history = new PlanHistory(account);
        foreach (var request in history.WalkTo(month))
        {
            yield return request;
        }

        var builder = new StatementBuilder(account.Tenant, month, account.Plans, account.Terms, history.Use);
        yield return new(month, UsageHour.At(month.Start), UsageHour.At(month.End), builder.AddAdjustments, builder.Add);
        _builder = builder;
    }

    /// <summary>The statement, once everything was read.</summary>
    /// <param name="isClosed">Whether nothing more can come.</param>
    public Statement Build(bool isClosed) => Builder.Build(isClosed);
}
