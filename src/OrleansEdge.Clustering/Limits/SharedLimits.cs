using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Limits;

/// <summary>A gateway's shares of the limits of domains. Thread safe; a place within the share is taken without a call.</summary>
internal sealed class SharedLimits(
    IGrainFactory grains, TimeProvider time, ILogger<SharedLimits> logger, ClusterConnection? connection = null) : BackgroundService, ISharedLimits
{
    private static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMilliseconds(250);

    private readonly Guid _gateway = Guid.NewGuid();
    private readonly ConcurrentDictionary<string, LimitShare> _shares = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async ValueTask<SharedLimit> TryTakeAsync(DomainSnapshot domain, CancellationToken cancellationToken)
    {
        var share = _shares.GetOrAdd(domain.Domain, static (_, clock) => new(clock), time);
        share.SetLimits(domain.Config.WebSocket.MaxConnections, domain.Config.WebSocket.HandshakesPerSecond);
        if (share.TryTake() is { } known)
        {
            return known;
        }

        share.Wait(1);
        try
        {
            await RenewAsync(domain.Domain, share).WaitAsync(AnswerTimeout, time, cancellationToken);
            return share.TryTake() ?? SharedLimit.Connections;
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Registered with the next renewal.
            share.TakeOnItsOwn();
            return SharedLimit.Within;
        }
        finally
        {
            share.Wait(-1);
        }
    }

    /// <inheritdoc/>
    public void Return(string domain)
    {
        if (_shares.TryGetValue(domain, out var share) && share.Return())
        {
            _ = TryRenewAsync(domain, share);
        }
    }

    /// <summary>Renews every lease that is of use, and ends the others.</summary>
    internal Task RenewAllAsync() => Task.WhenAll(_shares.Select(share => TryRenewAsync(share.Key, share.Value)));

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        foreach (var domain in IsConnected ? _shares.Keys : [])
        {
            grains.GetGrain<ILimitGrain>(domain).EndAsync(_gateway).Ignore();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(RenewInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await RenewAllAsync();
        }
    }

    private bool IsConnected => connection?.IsMade != false;

    private async Task TryRenewAsync(string domain, LimitShare share)
    {
        try
        {
            if (share.IsUnused && IsConnected)
            {
                _shares.TryRemove(KeyValuePair.Create(domain, share));
                await grains.GetGrain<ILimitGrain>(domain).EndAsync(_gateway);
            }
            else
            {
                await RenewAsync(domain, share);
            }
        }
        catch (Exception failure)
        {
            logger.ShareNotRenewed(domain, failure.Message);
        }
    }

    private async Task RenewAsync(string domain, LimitShare share)
    {
        if (!IsConnected)
        {
            throw new TimeoutException("The gateway is not connected to the cluster yet.");
        }

        var (connections, handshakes) = share.Limits;
        var grant = await grains.GetGrain<ILimitGrain>(domain).RenewAsync(new(_gateway, share.Used, share.Waiting, connections, handshakes));
        share.Take(grant);
    }
}
