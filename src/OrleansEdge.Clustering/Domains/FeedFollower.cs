using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Contracts;

namespace OrleansEdge.Clustering.Domains;

/// <summary>Keeps what a gateway knows of the domains up to date: syncs with each shard of the feed every few seconds, and takes its hints
/// in between.</summary>
internal sealed class FeedFollower : BackgroundService
{
    private static readonly TimeSpan SyncInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly IGrainFactory _grains;
    private readonly ClusterConnection? _connection;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FollowedShard[] _shards;
    private int _answered;

    /// <param name="grains">The grains.</param>
    /// <param name="source">What the gateway knows.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes the events 4100–4199.</param>
    /// <param name="connection">What is waited for before the first call; <see langword="null"/>: the client is connected.</param>
    public FeedFollower(
        IGrainFactory grains, ClusterDomainSource source, TimeProvider time, ILogger<FeedFollower> logger, ClusterConnection? connection = null)
    {
        _grains = grains;
        _connection = connection;
        _time = time;
        _logger = logger;
        // What a gateway knows from the disk is missed too where the feed has it not.
        var domains = source.Domains;
        var known = domains.NamesInUse.Select(static name => ConfigFeed.Domain + name).ToLookup(ConfigFeed.ShardOf);
        _shards = [.. Enumerable.Range(0, ConfigFeed.Shards).Select(number => new FollowedShard(number, domains, known[number]))];
    }

    /// <summary>Whether every shard has answered once.</summary>
    public bool IsComplete => Volatile.Read(ref _answered) == ConfigFeed.Shards;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A gateway that knows its domains from the disk serves them meanwhile.
        await (_connection?.WaitAsync(stoppingToken) ?? Task.CompletedTask);
        await Task.WhenAll(_shards.Select(shard => FollowAsync(shard, stoppingToken)));
    }

    private async Task FollowAsync(FollowedShard shard, CancellationToken stopping)
    {
        await Task.Yield();
        var isAway = false;
        while (!stopping.IsCancellationRequested)
        {
            var wait = SyncInterval * (0.8 + (Random.Shared.NextDouble() * 0.4));
            try
            {
                await SyncAsync(shard);
                if (isAway)
                {
                    _logger.FeedBack(shard.Number);
                }

                isAway = false;
            }
            catch (Exception failure)
            {
                if (!isAway)
                {
                    _logger.FeedAway(shard.Number, failure.Message);
                }

                (isAway, wait) = (true, RetryAfter);
            }

            await shard.WaitAsync(wait, _time, stopping);
        }
    }

    private async Task SyncAsync(FollowedShard shard)
    {
        var observer = shard.Observer ??= _grains.CreateObjectReference<IConfigFeedObserver>(shard);
        FeedCursorWire asked;
        FeedDeltaWire delta;
        do
        {
            asked = shard.BeginSync();
            delta = await _grains.GetGrain<IConfigFeedGrain>(shard.Number).SyncAsync(asked, observer);
        }
        while (shard.Take(asked, delta));

        if (shard.NoteAnswered() && Interlocked.Increment(ref _answered) == ConfigFeed.Shards)
        {
            _logger.FeedComplete(_shards.Sum(static some => some.Count));
        }
    }
}
