using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Makes the statements of months that have closed for good, when they are first needed or in the background soon after they
/// closed. Thread safe.</summary>
internal sealed class StatementClosing : IDisposable
{
    private readonly Accounts _accounts;
    private readonly Statements _statements;
    private readonly StatementFolder _folder;
    private readonly IUsageStore _usage;
    private readonly ChangeQueue _changes;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _over = new();
    private UsageMonth _last;
    private Task _closing = Task.CompletedTask;

    public StatementClosing(
        Accounts accounts, Statements statements, StatementFolder folder, IUsageStore usage, ChangeQueue changes, TimeProvider time, ILogger logger)
    {
        _accounts = accounts;
        _statements = statements;
        _folder = folder;
        _usage = usage;
        _changes = changes;
        _time = time;
        _logger = logger;
    }

    /// <summary>Begins to close all statements of the last month that can be closed, where that has not been done. Calls must not
    /// overlap.</summary>
    public void CloseLast()
    {
        var month = StatementPeriod.LastSettled(_time.GetUtcNow());
        if (_closing.IsCompleted && month > _last)
        {
            _closing = Task.Run(() => CloseAllAsync(month));
        }
    }

    /// <summary>The statement of a month that has closed, the same from the first time on.</summary>
    /// <exception cref="IOException">The ledger or the statement cannot be read.</exception>
    public async Task<ControlResult<Statement>> GetAsync(TenantAccount account, UsageMonth month, CancellationToken cancellationToken)
    {
        if (_folder.Read(account.Tenant, month) is { } closed)
        {
            return closed;
        }

        // What is used of the plans is noted month by month.
        var next = account.Account.FirstToClose(month);
        for (; next < month; next = next.Next)
        {
            if ((await CloseAsync(account, next, cancellationToken)).Failure is { } failure)
            {
                return failure;
            }
        }

        return await CloseAsync(account, month, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _over.Cancel();
        _closing.Wait();
        _over.Dispose();
    }

    private async Task CloseAllAsync(UsageMonth month)
    {
        try
        {
            _usage.CloseThrough(month);
            var owners = _usage.ListOwners(UsageHour.At(month.Start), UsageHour.At(month.End)).ToHashSet(StringComparer.Ordinal);
            foreach (var account in _accounts.All.Where(account => owners.Contains(account.Tenant) || MayHaveStatement(account.Account, month)))
            {
                await CloseLoggedAsync(account, month);
            }

            _last = month;
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
        catch (Exception failure)
        {
            _logger.BillingWorkFailed(failure);
        }
    }

    private bool MayHaveStatement(Account account, UsageMonth month)
        => account.Plans.AnyWithin(month.Start, month.End)
            || _usage.ListAdjustments(account.Tenant, StatementPeriod.AdjustmentsFrom(month), StatementPeriod.AdjustmentsTo(month)).Count > 0;

    private async Task CloseLoggedAsync(TenantAccount account, UsageMonth month)
    {
        try
        {
            if ((await GetAsync(account, month, _over.Token)).Failure is { } failure)
            {
                _logger.StatementNotMade(account.Tenant, month, failure.Detail);
            }
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            _logger.StatementNotMade(account.Tenant, month, failure.Message);
        }
    }

    private async Task<ControlResult<Statement>> CloseAsync(TenantAccount account, UsageMonth month, CancellationToken cancellationToken)
    {
        _usage.CloseThrough(month);
        while (true)
        {
            // Made outside of the turn, which others wait for; and made again where the account changed meanwhile.
            var current = account.Account;
            var (statement, use) = _statements.Make(current, month, isClosed: true);
            var kept = await _changes.RunAsync<Statement?>(() => Keep(account, current, month, statement, use), cancellationToken);
            if (kept.Failure is { } failure)
            {
                return failure;
            }

            if (kept.Value is { } made)
            {
                return made;
            }
        }
    }

    private ControlResult<Statement?> Keep(TenantAccount account, Account current, UsageMonth month, Statement statement, PlanUse use)
    {
        if (_folder.Read(account.Tenant, month) is { } closed)
        {
            return closed;
        }

        if (!ReferenceEquals(account.Account, current))
        {
            return (Statement?)null;
        }

        if (!statement.IsEmpty)
        {
            _folder.Write(month, statement);
            _logger.StatementMade(account.Tenant, month);
        }

        if (current.NotesClosingOf(month))
        {
            _accounts.Replace(account, current.RecordClosed(month, use));
        }

        return statement;
    }
}
