using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Limits;

/// <summary>A gateway's shares of the limits of domains. It counts the connections of all domains, so that those that are open count when
/// a limit is set. Thread safe; a place within the share is taken without a call.</summary>
internal sealed class SharedLimits : BackgroundService, ISharedLimits
{
    private static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMilliseconds(250);

    private readonly Guid _gateway = Guid.NewGuid();
    private readonly ConcurrentDictionary<string, LimitShare> _shares = new(StringComparer.Ordinal);
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ClusterConnection? _connection;
    private readonly IDisposable _subscription;

    /// <summary>Follows the limits of domains.</summary>
    /// <param name="grains">The grains.</param>
    /// <param name="domains">Tells of changes of the domains.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes the events 4100–4199.</param>
    /// <param name="connection">Without it the client is connected.</param>
    public SharedLimits(
        IGrainFactory grains, IDomainSource domains, TimeProvider time, ILogger<SharedLimits> logger, ClusterConnection? connection = null)
    {
        (_grains, _time, _logger, _connection) = (grains, time, logger, connection);
        _subscription = domains.Subscribe(Follow);
    }

    /// <inheritdoc/>
    public async ValueTask<SharedLimit> TryTakeAsync(DomainSnapshot domain, CancellationToken cancellationToken)
    {
        var share = Enter(domain);
        try
        {
            if (share.TryTake() is { } known)
            {
                return known;
            }

            await RenewAsync(domain.Domain, share).WaitAsync(AnswerTimeout, _time, cancellationToken);
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
            share.Leave();
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
        foreach (var (domain, _) in _shares.Where(static share => share.Value.IsLeased))
        {
            _grains.GetGrain<ILimitGrain>(domain).EndAsync(_gateway).Ignore();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _subscription.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(RenewInterval, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await RenewAllAsync();
        }
    }

    private bool IsConnected => _connection?.IsMade != false;

    private LimitShare Enter(DomainSnapshot domain)
    {
        while (true)
        {
            var share = _shares.GetOrAdd(domain.Domain, static (_, clock) => new(clock), _time);
            if (share.TryEnter(domain))
            {
                return share;
            }

            _shares.TryRemove(KeyValuePair.Create(domain.Domain, share));
        }
    }

    // Gateways tell what they have open as soon as there is a limit: the first to ask would get their places too.
    private void Follow(DomainChange change)
    {
        if (_shares.TryGetValue(change.Domain, out var share) && share.Follow(change.Current))
        {
            _ = RegisterAsync(change.Domain, share);
        }
    }

    private async Task RegisterAsync(string domain, LimitShare share)
    {
        // Who tells of a change is not to wait.
        await Task.Yield();
        await TryRenewAsync(domain, share);
    }

    private async Task TryRenewAsync(string domain, LimitShare share)
    {
        try
        {
            var isOver = share.TryEnd();
            if (isOver)
            {
                _shares.TryRemove(KeyValuePair.Create(domain, share));
            }

            if (!isOver && share.IsLimited)
            {
                await RenewAsync(domain, share);
            }
            else if (share.IsLeased)
            {
                share.IsLeased = false;
                await _grains.GetGrain<ILimitGrain>(domain).EndAsync(_gateway);
            }
        }
        catch (Exception failure)
        {
            _logger.ShareNotRenewed(domain, failure.Message);
        }
    }

    private async Task RenewAsync(string domain, LimitShare share)
    {
        if (!IsConnected)
        {
            throw new TimeoutException("The gateway is not connected to the cluster yet.");
        }

        share.IsLeased = true;
        var asked = share.Ask(_gateway);
        var grant = await _grains.GetGrain<ILimitGrain>(domain).RenewAsync(asked.Wire);
        share.Take(asked, grant);
    }
}
