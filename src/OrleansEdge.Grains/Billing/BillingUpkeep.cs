using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;

namespace OrleansEdge.Grains.Billing;

/// <summary>Wakes the grains that look after accounts and usage, from every silo: where the silo of one dies, another wakes it.</summary>
internal sealed class BillingUpkeep(IGrainFactory grains, ILogger<BillingUpkeepGrain> logger) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly CancellationTokenSource _over = new();
    private Task _waking = Task.CompletedTask;

    /// <inheritdoc/>
    public void Participate(ISiloLifecycle lifecycle)
        => lifecycle.Subscribe(nameof(BillingUpkeep), ServiceLifecycleStage.Active, StartAsync, StopAsync);

    /// <inheritdoc/>
    public void Dispose() => _over.Dispose();

    private Task StartAsync(CancellationToken cancellationToken)
    {
        _waking = WakeAsync();
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _over.CancelAsync();
        await _waking;
    }

    private async Task WakeAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                await TryWakeAllAsync();
            }
            while (await timer.WaitForNextTickAsync(_over.Token));
        }
        catch (OperationCanceledException)
        {
            // The silo stops.
        }
    }

    private async Task TryWakeAllAsync()
    {
        try
        {
            await grains.GetGrain<IUsageUpkeepGrain>(0).WakeAsync();
            await Task.WhenAll(Enumerable.Range(0, IBillingUpkeepGrain.Count).Select(part => grains.GetGrain<IBillingUpkeepGrain>(part).WakeAsync()));
        }
        catch (Exception failure)
        {
            logger.BillingFailed(failure, "all");
        }
    }
}
