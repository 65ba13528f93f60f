using Orleans.Concurrency;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>Reads usage of everybody. Holds nothing.</summary>
[StatelessWorker]
internal sealed class ReconciliationGrain(RedisUsageReader usage, EdgeClock clock) : Grain, IReconciliationGrain
{
    /// <inheritdoc/>
    public async Task<Reply<byte[]>> ListAsync(DateTimeOffset from, DateTimeOffset to, PageRequestWire page)
    {
        try
        {
            return BillingJson.Of(await ListAsync(new ReconciliationBuilder(from, to, clock.Now, page.ToPage())));
        }
        catch (Exception failure) when (RedisFailures.IsAway(failure) || failure is RedisDamageException)
        {
            return ControlFailures.Unavailable(failure.Message);
        }
    }

    private async Task<ControlResult<Page<Reconciliation>>> ListAsync(ReconciliationBuilder builder)
    {
        foreach (var hour in builder.Hours())
        {
            var owners = await usage.ListOwnersAsync(hour, new(hour.Number + 1));
            builder.Add(await usage.ReadHourAsync(owners, hour).ToListAsync());
        }

        return builder.Failure is { } failure ? failure : builder.Build();
    }
}
