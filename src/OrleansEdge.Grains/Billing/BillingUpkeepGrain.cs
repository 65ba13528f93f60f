using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;

namespace OrleansEdge.Grains.Billing;

/// <summary>Wakes the accounts of its part in which something may come due, so that they are active although nobody calls them.</summary>
internal sealed class BillingUpkeepGrain(WatchedAccounts watched, ILogger<BillingUpkeepGrain> logger) : Grain, IBillingUpkeepGrain
{
    private const int AccountsAtOnce = 32;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(LookAsync, new GrainTimerCreationOptions { DueTime = TimeSpan.FromSeconds(1), Period = Interval, KeepAlive = true, Interleave = true });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task WakeAsync() => Task.CompletedTask;

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            var some = new List<string>(AccountsAtOnce);
            await foreach (var tenant in watched.ListAsync(this.GetPrimaryKeyLong()))
            {
                some.Add(tenant.ToString());
                if (some.Count == AccountsAtOnce)
                {
                    await TendAsync(some);
                    some.Clear();
                }
            }

            await TendAsync(some);
        }
        catch (Exception failure)
        {
            logger.BillingFailed(failure, $"part {this.GetPrimaryKeyLong()} of all");
        }
    }

    private Task TendAsync(List<string> tenants) => Task.WhenAll(tenants.Select(TendAsync));

    private async Task TendAsync(string tenant)
    {
        try
        {
            await GrainFactory.GetGrain<IAccountGrain>(tenant).TendAsync();
        }
        catch (Exception failure)
        {
            logger.BillingFailed(failure, tenant);
        }
    }
}
