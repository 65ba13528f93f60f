using System.Threading.Channels;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Usage;

/// <summary>The usage ledger of one process on local files. What is answered stored is on the disk; reports of callers who wait at the same
/// time share one flush. One process at a time may use the folder, which is the data directory's lock to see to. Thread safe.</summary>
public sealed class FileUsageLedger : IUsageStore
{
    // Bounds what is written at once, not what a caller may send.
    private const int ReportsInBatch = 20_000;

    /// <summary>Most calls that wait to be stored: who gave up waiting for a disk that hangs leaves his behind.</summary>
    internal const int MostWaiting = 256;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMinutes(1);

    private readonly FileUsageLedgerOptions _options;
    private readonly ILogger _logger;
    private readonly UsageStore _store;
    private readonly UsageUpkeep _upkeep;
    private readonly Channel<Waiting> _waiting = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly Task _storing;
    private readonly ITimer _timer;

    /// <summary>Opens the ledger, creates it where it is missing, and finishes what a crash interrupted.</summary>
    /// <param name="folder">Path below a data directory that is there and locked.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Takes the events 3200–3299.</param>
    /// <param name="options">How it works.</param>
    /// <exception cref="DataDirectoryException">The folder cannot be used, or is damaged so that usage would be lost.</exception>
    public FileUsageLedger(string folder, TimeProvider time, ILogger<FileUsageLedger> logger, FileUsageLedgerOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _options = options ?? new();
        _logger = logger;
        _store = Open(Path.GetFullPath(folder), time, logger);
        _upkeep = new(_store, time, logger, _options);
        _storing = Task.Run(StoreAsync);
        _timer = time.CreateTimer(_ => _upkeep.Look(), null, LookInterval, LookInterval);
    }

    /// <inheritdoc/>
    public Action<IReadOnlyCollection<UsageShard>> Stored { get; set; } = static _ => { };

    /// <inheritdoc/>
    public UsageMonth? ClosedThrough => _store.ClosedThrough;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A report is malformed (<see cref="UsageReportRules.Check"/>): none is stored.</exception>
    public async Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reports);
        foreach (var report in reports)
        {
            UsageReportRules.Check(report);
        }

        var waiting = new Waiting(reports);
        return _waiting.Writer.TryWrite(waiting)
            ? await waiting.Replies.Task.WaitAsync(cancellationToken)
            : waiting.Unavailable();
    }

    /// <inheritdoc/>
    public void CloseThrough(UsageMonth month) => _store.CloseThrough(month);

    /// <inheritdoc/>
    public IEnumerable<UsageHourTotals> Read(string owner, UsageHour from, UsageHour to) => _store.Read(owner, from, to);

    /// <inheritdoc/>
    public IReadOnlyList<string> ListOwners(UsageHour from, UsageHour to) => _store.ListOwners(from, to);

    /// <inheritdoc/>
    public IReadOnlyList<UsageAdjustment> ListAdjustments(string owner, DateTimeOffset from, DateTimeOffset to) => _store.ListAdjustments(owner, from, to);

    /// <summary>Stores what was reported, brings it into the files of the hours, and closes them.</summary>
    public void Dispose()
    {
        if (!_waiting.Writer.TryComplete())
        {
            return;
        }

        _timer.Dispose();
        _storing.Wait();
        _upkeep.Finish();
        _store.Dispose();
    }

    /// <summary>Does what is due.</summary>
    internal void Look() => _upkeep.Look();

    private static UsageStore Open(string folder, TimeProvider time, ILogger logger)
    {
        try
        {
            return new(folder, time, logger);
        }
        catch (UsageDamageException damage)
        {
            logger.LedgerDamaged(damage.Message);
            throw new DataDirectoryException(damage.Message, damage);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            throw new DataDirectoryException($"The usage ledger {folder} cannot be used: {failure.Message.ReplaceLineEndings(" ")}", failure);
        }
    }

    private async Task StoreAsync()
    {
        while (await _waiting.Reader.WaitToReadAsync())
        {
            var batch = new List<Waiting>();
            for (var count = 0; count < ReportsInBatch && _waiting.Reader.TryRead(out var waiting); count += waiting.Reports.Count)
            {
                batch.Add(waiting);
            }

            Store(batch);
            LookAtJournal();
        }
    }

    // Whatever goes wrong there, reports go on being taken.
    private void LookAtJournal()
    {
        try
        {
            _upkeep.LookAtJournal();
        }
        catch (Exception failure)
        {
            _logger.LedgerFailed(failure);
        }
    }

    private void Store(List<Waiting> batch)
    {
        List<UsageReport> reports = [.. batch.SelectMany(static waiting => waiting.Reports)];
        IReadOnlyList<UsageReply> replies;
        try
        {
            replies = _store.Store(reports);
            Announce(reports, replies);
        }
        catch (Exception failure)
        {
            _logger.LedgerFailed(failure);
            batch.ForEach(static waiting => waiting.Replies.SetResult(waiting.Unavailable()));
            return;
        }

        var answered = 0;
        foreach (var waiting in batch)
        {
            waiting.Replies.SetResult([.. replies.Skip(answered).Take(waiting.Reports.Count)]);
            answered += waiting.Reports.Count;
        }
    }

    private void Announce(List<UsageReport> reports, IReadOnlyList<UsageReply> replies)
    {
        var shards = reports.Zip(replies)
            .Where(static pair => pair.Second.Kind == UsageReplyKind.Stored && pair.First.Entries.Count > 0)
            .Select(static pair => pair.First.Shard)
            .ToHashSet();
        try
        {
            if (shards.Count > 0)
            {
                Stored(shards);
            }
        }
        catch (Exception failure)
        {
            _logger.ObserverFailed(failure);
        }
    }

    private sealed record Waiting(IReadOnlyList<UsageReport> Reports)
    {
        public TaskCompletionSource<IReadOnlyList<UsageReply>> Replies { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public UsageReply[] Unavailable() => [.. Enumerable.Repeat(UsageReply.Unavailable, Reports.Count)];
    }
}
