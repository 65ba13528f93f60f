using System.Text;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Admin;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Documents;

/// <summary>One document with its versions. A change is announced, written and then followed up: audit, feed, and what else the kind of
/// document needs. What of that a crash cuts off is done when the grain is next activated, which the announcement brings about.</summary>
internal abstract class DocumentGrain(
    IPersistentState<DocumentRecord> state, RedisFence fence, EdgeClock clock, AuditLog audit, ILogger logger) : Grain, IDocumentGrain
{
    private const int MostAttempts = 4;

    // What is known to be stored: reading calls come in between while a change is being written.
    private DocumentRecord _record = new();
    private bool _isStale = true;
    private long _followed;

    /// <summary>The word for the kind of document.</summary>
    protected abstract string Word { get; }

    /// <summary>Name in the feed.</summary>
    protected abstract string FeedName { get; }

    /// <summary>Name of the document.</summary>
    protected string Name => this.GetPrimaryKeyString();

    /// <summary>What is stored, as far as this activation knows.</summary>
    protected DocumentRecord Record => _record;

    /// <summary>The clock.</summary>
    protected EdgeClock Clock => clock;

    /// <inheritdoc/>
    public async Task<Reply<DocumentWire>> GetAsync()
    {
        await RefreshAsync();
        return Record.Newest() is { Json: not null } newest ? newest.ToWire() : ControlFailures.NotFound(Word, Name);
    }

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> PutAsync(byte[] json, PreconditionWire precondition, string by)
        => DecidingAsync<DocumentWire>(() => PutAsync(json, precondition.ToPrecondition(), by, action: null));

    /// <inheritdoc/>
    public Task<Reply<long>> DeleteAsync(PreconditionWire precondition, string by)
        => DecidingAsync<long>(async () =>
        {
            if (CurrentVersion is not { } version)
            {
                return ControlFailures.NotFound(Word, Name);
            }

            var failure = ControlFailures.Check(Word, Name, version, precondition.ToPrecondition()) ?? await MayDeleteAsync();
            return failure is null ? (await CommitAsync(null, by, AuditWords.Delete)).Version : failure;
        });

    /// <inheritdoc/>
    public async Task<Reply<PageWire<VersionWire>>> ListVersionsAsync(PageRequestWire page)
    {
        await RefreshAsync();
        if (Record.Versions.Count == 0)
        {
            return ControlFailures.NotFound(Word, Name);
        }

        if (!Paging.TryParseNumber(page.After, out var before))
        {
            return ControlFailures.BadCursor(page.After!);
        }

        var limit = Paging.LimitOf(page.ToPage());
        var rest = Record.Versions.Reverse().Where(version => before == 0 || version.Version < before).ToList();
        var items = rest.Take(limit).Select(static version => version.ToVersionWire()).ToArray();
        return new PageWire<VersionWire>(items, rest.Count > limit ? AuditWords.Id(items[^1].Version) : null);
    }

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> RollbackAsync(long version, PreconditionWire precondition, string by)
        => DecidingAsync<DocumentWire>(async () =>
        {
            if (Record.Versions.Count == 0)
            {
                return ControlFailures.NotFound(Word, Name);
            }

            if (Record.Versions.FirstOrDefault(kept => kept.Version == version) is not { } kept)
            {
                return ControlFailures.VersionNotFound(Word, Name, version);
            }

            return kept.Json is { } json
                ? await PutAsync(Encoding.UTF8.GetBytes(json), precondition.ToPrecondition(), by, AuditWords.Rollback)
                : ControlFailures.VersionIsDeletion(Word, Name, version);
        });

    /// <inheritdoc/>
    public async Task<long> SettleAsync()
    {
        // What was never confirmed may be from a store that went back.
        _isStale = true;
        await RefreshAsync();
        await FollowAsync();
        return Record.Revision;
    }

    /// <inheritdoc/>
    public Task<Reply<DocumentWire>> RereadAsync()
    {
        _isStale = true;
        return GetAsync();
    }

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_record, _isStale) = (state.State, false);
        await TryFollowAsync();
    }

    /// <summary>Reads and checks a document.</summary>
    /// <returns>The document as it is served, or all its faults.</returns>
    protected abstract Task<(byte[]? Json, IReadOnlyList<ConfigError> Errors)> PrepareAsync(ReadOnlyMemory<byte> json);

    /// <summary>Makes sure, durably, of what a document that was prepared needs of others.</summary>
    /// <returns>Faults that it has by now; none: it can be written.</returns>
    protected virtual Task<IReadOnlyList<ConfigError>> ReserveAsync(byte[] json) => Task.FromResult<IReadOnlyList<ConfigError>>([]);

    /// <summary>What forbids to delete the document now; <see langword="null"/>: nothing.</summary>
    protected virtual Task<ControlFailure?> MayDeleteAsync() => Task.FromResult<ControlFailure?>(null);

    /// <summary>What else follows on a change, which may be a further change. May be done more than once.</summary>
    protected virtual Task FollowUpAsync() => Task.CompletedTask;

    /// <summary>Takes a document that the store lost, at the version that it had, unless anything but such a document stands by now.</summary>
    protected Task<Reply<long>> RestoreAsync(byte[] json, long version, string by)
    {
        _isStale = true;
        return DecidingAsync<long>(async () =>
        {
            if (Record.Newest() is { } newest && (newest.Action != AuditWords.Restored || newest.Version >= version))
            {
                // Who offers does not know it from the feed: that is told again too.
                return newest.Version;
            }

            var (prepared, errors) = await PrepareAndReserveAsync(json);
            return prepared is null
                ? ControlFailures.Invalid(Word, errors)
                : (await CommitAsync(Encoding.UTF8.GetString(prepared), by, AuditWords.Restored, version)).Version;
        });
    }

    /// <summary>Writes a record, unless what is stored is another than this activation knows.</summary>
    protected async Task WriteAsync(DocumentRecord record)
    {
        await Feed.AnnounceAsync(FeedName, record.Revision);
        state.State = record;
        try
        {
            await state.WriteStateAsync();

            // What is acknowledged must outlive a kill of Redis.
            await fence.WaitAsync();
            _record = record;
        }
        catch
        {
            // It may have been written all the same.
            _isStale = true;
            throw;
        }
    }

    /// <summary>Makes a decision on what is stored, and makes it again where that was another than this activation knew.</summary>
    protected async Task<Reply<T>> DecidingAsync<T>(Func<Task<Reply<T>>> decide)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await RefreshAsync();
                var reply = await decide();
                await TryFollowAsync();
                return reply;
            }
            catch (InconsistentStateException) when (attempt < MostAttempts)
            {
                logger.ChangedElsewhere(Word, Name);
            }
            catch (Exception failure) when (IsStoreFailure(failure))
            {
                return ControlFailures.Unavailable($"The change of {Word} \"{Name}\" may or may not have been made: {failure.Message}");
            }
        }
    }

    private long? CurrentVersion => Record.Newest() is { Json: not null } newest ? newest.Version : null;

    private IConfigFeedGrain Feed => GrainFactory.GetGrain<IConfigFeedGrain>(ConfigFeed.ShardOf(FeedName));

    private static bool IsStoreFailure(Exception failure)
        => failure is RedisException or TimeoutException or OrleansException or InvalidOperationException;

    private async Task<Reply<DocumentWire>> PutAsync(ReadOnlyMemory<byte> json, Precondition precondition, string by, string? action)
    {
        var (prepared, errors) = await PrepareAsync(json);
        if (prepared is null)
        {
            return ControlFailures.Invalid(Word, errors);
        }

        if (ControlFailures.Check(Word, Name, CurrentVersion, precondition) is { } failure)
        {
            return failure;
        }

        errors = await ReserveAsync(prepared);
        if (errors.Count > 0)
        {
            return ControlFailures.Invalid(Word, errors);
        }

        var created = CurrentVersion is null;
        var made = await CommitAsync(Encoding.UTF8.GetString(prepared), by, action ?? (created ? AuditWords.Create : AuditWords.Replace));
        return made.ToWire(created);
    }

    private async Task<(byte[]? Json, IReadOnlyList<ConfigError> Errors)> PrepareAndReserveAsync(byte[] json)
    {
        var (prepared, errors) = await PrepareAsync(json);
        if (prepared is not null)
        {
            errors = await ReserveAsync(prepared);
        }

        return errors.Count == 0 ? (prepared, errors) : (null, errors);
    }

    private async Task<VersionRecord> CommitAsync(string? json, string by, string action, long? number = null)
    {
        var version = new VersionRecord(number ?? (Record.Version() + 1), clock.Now, by, action, json);
        await WriteAsync(Revised(Record.With(version)));
        logger.DocumentChanged(Word, Name, action, by, version.Version);
        return version;
    }

    /// <summary>The record with what follows of its newest version.</summary>
    protected virtual DocumentRecord Revised(DocumentRecord record) => record;

    private async Task RefreshAsync()
    {
        if (_isStale)
        {
            await state.ReadStateAsync();

            // A revision that was followed may be another one by now.
            (_record, _isStale, _followed) = (state.State, false, 0);
        }
    }

    private async Task TryFollowAsync()
    {
        try
        {
            await FollowAsync();
        }
        catch (Exception failure) when (IsStoreFailure(failure))
        {
            // The announcement has the feed ask for it.
            logger.ChangeNotFinished(Word, Name, Record.Version(), failure.Message);
        }
    }

    private async Task FollowAsync()
    {
        while (Record.Revision != _followed && Record.Newest() is { } newest)
        {
            var revision = Record.Revision;
            await audit.AppendOnceAsync(Word, Name, Record.Versions.Select(version => (version.Version, AuditOf(version))));
            await Feed.ConfirmAsync(new(FeedName, revision, newest.Json is null, Record.Flags, Record.RevisedAt));
            await FollowUpAsync();
            _followed = revision;
        }
    }

    private AuditEntry AuditOf(VersionRecord version) => new("", version.At, version.By, version.Action, Word, Name, version.Version);
}
