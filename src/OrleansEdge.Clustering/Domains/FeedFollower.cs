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
    private readonly Shard[] _shards;
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
        _shards = [.. Enumerable.Range(0, ConfigFeed.Shards).Select(number => new Shard(number, domains, known[number]))];
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

    private async Task FollowAsync(Shard shard, CancellationToken stopping)
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

    private async Task SyncAsync(Shard shard)
    {
        var observer = shard.Observer ??= _grains.CreateObjectReference<IConfigFeedObserver>(shard);
        FeedDeltaWire delta;
        do
        {
            delta = await _grains.GetGrain<IConfigFeedGrain>(shard.Number).SyncAsync(shard.Cursor, observer);
            shard.Take(delta);
        }
        while (delta.HasMore);

        if (shard.NoteAnswered() && Interlocked.Increment(ref _answered) == ConfigFeed.Shards)
        {
            _logger.FeedComplete(_shards.Sum(static some => some.Count));
        }
    }

    /// <summary>Up to where one shard is known. Thread safe.</summary>
    private sealed class Shard(int number, ClusterDomains domains, IEnumerable<string> known) : IConfigFeedObserver
    {
        private readonly Lock _gate = new();
        private readonly HashSet<string> _names = new(known, StringComparer.Ordinal);
        private TaskCompletionSource _gap = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private HashSet<string>? _missing;
        private bool _hasAnswered;

        public int Number => number;

        public FeedCursorWire Cursor { get; private set; } = FeedCursorWire.None;

        public IConfigFeedObserver? Observer { get; set; }

        /// <summary>Names of domains.</summary>
        public int Count
        {
            get
            {
                lock (_gate)
                {
                    return _names.Count(static name => name.StartsWith(ConfigFeed.Domain, StringComparison.Ordinal));
                }
            }
        }

        /// <summary>Takes the answer to a sync; at the end of a whole set, notes what was known and is not in it.</summary>
        public void Take(FeedDeltaWire delta)
        {
            lock (_gate)
            {
                if (delta.After != Cursor)
                {
                    // A new course, and its beginning.
                    _missing = new(_names, StringComparer.Ordinal);
                }

                Apply(delta, isNewCourse: _missing is not null);
                if (!delta.HasMore && _missing is not null)
                {
                    NoteMissing(_missing);
                    _missing = null;
                }
            }
        }

        /// <inheritdoc/>
        public Task ChangedAsync(FeedDeltaWire delta)
        {
            lock (_gate)
            {
                if (delta.After == Cursor && _missing is null)
                {
                    Apply(delta, isNewCourse: false);
                }
                else if (delta.Next.Epoch != Cursor.Epoch || delta.Next.Sequence > Cursor.Sequence)
                {
                    _gap.TrySetResult();
                }
            }

            return Task.CompletedTask;
        }

        public bool NoteAnswered()
        {
            var isFirst = !_hasAnswered;
            _hasAnswered = true;
            return isFirst;
        }

        /// <summary>Waits until it is time to sync, which it is at once where a hint was missed.</summary>
        public async Task WaitAsync(TimeSpan time, TimeProvider clock, CancellationToken stopping)
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            await Task.WhenAny(Volatile.Read(ref _gap).Task, Task.Delay(time, clock, over.Token));
            await over.CancelAsync();
            Volatile.Write(ref _gap, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        // They stay among the names, to be missed again in every whole set that lacks them.
        private void NoteMissing(HashSet<string> missing)
        {
            foreach (var name in missing.Where(static name => name.StartsWith(ConfigFeed.Domain, StringComparison.Ordinal)))
            {
                domains.NoteOrphaned(name[ConfigFeed.Domain.Length..]);
            }
        }

        private void Apply(FeedDeltaWire delta, bool isNewCourse)
        {
            foreach (var change in delta.Changes)
            {
                _missing?.Remove(change.Name);
                _ = change.Deleted ? _names.Remove(change.Name) : _names.Add(change.Name);
                domains.Apply(change, isNewCourse);
            }

            Cursor = delta.Next;
        }
    }
}
