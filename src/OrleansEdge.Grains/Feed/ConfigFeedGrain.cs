using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Orleans.Utilities;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Feed;

/// <inheritdoc cref="IConfigFeedGrain"/>
internal sealed class ConfigFeedGrain(RedisStore redis, EdgeClock clock, ILogger<ConfigFeedGrain> logger) : Grain, IConfigFeedGrain
{
    private const int MostChanges = 2000;
    private const int MostAppended = 1000;
    private const int MostAttempts = 4;

    private static readonly TimeSpan SubscriptionTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SettleInterval = TimeSpan.FromSeconds(5);

    private readonly ObserverManager<IConfigFeedObserver> _observers = new(SubscriptionTime, logger);
    private RedisJournal _journal = null!;
    private FeedShard? _shard;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _journal = redis.Journal($"feed/{this.GetPrimaryKeyLong()}");
        this.RegisterGrainTimer(TendAsync, new() { DueTime = SettleInterval, Period = SettleInterval, KeepAlive = true });
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task AnnounceAsync(string name, long revision) => WriteAsync(_ => new(name, revision, clock.Now));

    /// <inheritdoc/>
    public async Task ConfirmAsync(FeedChangeWire change)
    {
        var before = (await ShardAsync()).Cursor;
        var made = await WriteAsync(shard => new(
            change.Name, change.Revision, change.At, shard.Sequence + 1, BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)), change.Deleted, change.Flags));
        if (made is not null)
        {
            // Where the shard was read again in between, gateways see a gap and sync.
            var delta = new FeedDeltaWire(before, [change], _shard!.Cursor, HasMore: false);
            await _observers.Notify(observer => observer.ChangedAsync(delta));
        }
    }

    /// <inheritdoc/>
    public async Task<FeedDeltaWire> SyncAsync(FeedCursorWire cursor, IConfigFeedObserver? observer)
    {
        var shard = await ShardAsync();
        if (shard.WentBackFor(cursor))
        {
            logger.FeedWentBack(this.GetPrimaryKeyLong(), cursor.Sequence, shard.Sequence);
            await RenewAsync();
        }

        if (observer is not null)
        {
            _observers.Subscribe(observer, observer);
        }

        return _shard!.Since(cursor, MostChanges);
    }

    /// <inheritdoc/>
    public async Task<string[]> ListNamesAsync(string prefix, string? after, int limit)
        => [.. (await ShardAsync()).Names
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && (after is null || string.CompareOrdinal(name, after) > 0))
            .Order(StringComparer.Ordinal)
            .Take(limit)];

    private async Task<FeedShard> ShardAsync()
    {
        if (_shard is { } known)
        {
            return known;
        }

        var elements = await _journal.LoadAsync();
        var shard = elements.Count == 0
            ? new FeedShard(Guid.NewGuid())
            : new FeedShard(JsonSerializer.Deserialize(elements[0].Span, FeedJson.Default.FeedBaseRecord)!);
        foreach (var element in elements.Skip(1))
        {
            shard.Apply(JsonSerializer.Deserialize(element.Span, FeedJson.Default.FeedStepRecord)!);
        }

        if (elements.Count == 0 && !await _journal.TryAppendAsync(BaseOf(shard)))
        {
            return await ShardAsync();
        }

        return _shard = shard;
    }

    /// <summary>Writes a step, if it says anything new; decides again where the journal is another than was known.</summary>
    /// <returns>The step; <see langword="null"/>: it says nothing new.</returns>
    private async Task<FeedStepRecord?> WriteAsync(Func<FeedShard, FeedStepRecord> decide)
    {
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var shard = await ShardAsync();
            var step = decide(shard);
            if (!shard.IsNews(step))
            {
                return null;
            }

            if (await WritingAsync(() => _journal.TryAppendAsync(JsonSerializer.SerializeToUtf8Bytes(step, FeedJson.Default.FeedStepRecord))))
            {
                shard.Apply(step);
                await CompactAsync();
                return step;
            }
        }

        throw new InvalidOperationException("Another activation writes the same shard of the feed all the time.");
    }

    private async Task<bool> WritingAsync(Func<Task<bool>> write)
    {
        try
        {
            if (await write())
            {
                return true;
            }

            _shard = null;
            return false;
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException)
        {
            // Whether it was written is not known.
            _shard = null;
            throw;
        }
    }

    private async Task RenewAsync()
    {
        do
        {
            (await ShardAsync()).Renew(Guid.NewGuid());
        }
        while (!await WritingAsync(() => _journal.TryReplaceAsync(BaseOf(_shard!))));
    }

    private async Task CompactAsync()
    {
        if (_journal.Count > MostAppended)
        {
            await WritingAsync(() => _journal.TryReplaceAsync(BaseOf(_shard!)));
        }
    }

    private async Task TendAsync(CancellationToken cancellationToken)
    {
        try
        {
            // A store that went back is to be found out even where nobody writes.
            if (_shard is not null && !await _journal.IsCurrentAsync())
            {
                _shard = null;
            }

            await SettleAnnouncedAsync();
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException)
        {
            logger.FeedNotRead(this.GetPrimaryKeyLong(), failure.Message);
        }
    }

    // Who was to confirm may be gone. Its grain is not waited for here: it may be waiting for this one.
    private async Task SettleAnnouncedAsync()
    {
        var shard = await ShardAsync();
        foreach (var announced in shard.Announced.Where(announced => clock.Now - announced.At >= SettleInterval).ToArray())
        {
            SettleAsync(announced).Ignore();
        }
    }

    private async Task SettleAsync(FeedStepRecord announced)
    {
        var revision = await GrainOf(announced.Name).SettleAsync();
        if (revision < announced.Revision)
        {
            _shard?.Forget(announced.Name, announced.Revision);
        }
    }

    private IDocumentGrain GrainOf(string name)
        => name.StartsWith(ConfigFeed.Domain, StringComparison.Ordinal)
            ? GrainFactory.GetGrain<IDomainGrain>(name[ConfigFeed.Domain.Length..])
            : GrainFactory.GetGrain<ITenantGrain>(name[ConfigFeed.Tenant.Length..]);

    private static byte[] BaseOf(FeedShard shard) => JsonSerializer.SerializeToUtf8Bytes(shard.ToRecord(), FeedJson.Default.FeedBaseRecord);
}
