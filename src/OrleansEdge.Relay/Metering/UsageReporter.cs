using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Telemetry;

namespace OrleansEdge.Relay.Metering;

/// <summary>Brings what was counted to the ledger: open files at each interval, closed ones to their end, and keeps all of it for a while
/// in case the ledger loses it. What it holds in memory is bounded by the open hour and one closed one, however long the ledger is away.</summary>
internal sealed class UsageReporter : IHostedService, IDisposable
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryShardAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FindInterval = TimeSpan.FromSeconds(30);

    // So that what piled up while the ledger was away does not keep the open hour from being reported.
    private static readonly TimeSpan MostOnClosed = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    // A ledger that never comes to an end with a source must not keep the others from being reported.
    private const int MostFruitlessReports = 16;

    private readonly UsageSpool _spool;
    private readonly IUsageSink _sink;
    private readonly SessionRegistry _sessions;
    private readonly MeteringOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ClosedSourceFinder _finder;
    private readonly Dictionary<SpoolFile, UsageSource> _living = [];
    private readonly List<(SpoolFile File, UsageSource Source)> _closing = [];
    private readonly List<ClosedSource> _closed = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private long? _foundAt;
    private long _retryAt;
    private TimeSpan _backOff;
    private bool _hasAnswered;
    private long _unreported;
    private int _inMemory;

    public UsageReporter(
        UsageSpool spool,
        IUsageSink sink,
        SessionRegistry sessions,
        IOptions<MeteringOptions> options,
        RelayMetrics metrics,
        TimeProvider time,
        ILogger<UsageReporter> logger)
    {
        _spool = spool;
        _sink = sink;
        _sessions = sessions;
        _options = options.Value;
        _time = time;
        _logger = logger;
        _finder = new(spool.Folder, logger);
        metrics.ObserveMetering(() => Figures.UnreportedBytes, () => Figures.CountersInMemory);
    }

    /// <summary>What was not reported, and what a kill would lose, after the last round.</summary>
    internal (long UnreportedBytes, int CountersInMemory) Figures => (Volatile.Read(ref _unreported), Volatile.Read(ref _inMemory));

    /// <summary>Files whose counters are in memory.</summary>
    internal int SourcesInMemory => _living.Count + _closing.Count;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Reports the rest, for at most five seconds; what is left then is found by the next process.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _running;
        using var limit = new CancellationTokenSource(FlushTimeout, _time);
        await TryRoundAsync(isLast: true, limit.Token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Dispose();
        foreach (var closed in _closed)
        {
            closed.Dispose();
        }

        foreach (var (file, _) in _closing)
        {
            file.Dispose();
        }
    }

    /// <summary>One round of reports.</summary>
    /// <param name="isLast">Whether nothing more will be counted.</param>
    /// <param name="cancellationToken">Gives up waiting for the ledger.</param>
    internal async Task RoundAsync(bool isLast, CancellationToken cancellationToken)
    {
        _sessions.MeterTime();
        foreach (var file in _spool.Tend(isLast))
        {
            _living.Remove(file, out var source);
            _closing.Add((file, source ?? new(file.Header)));
        }

        Count();
        _hasAnswered = false;
        if (isLast || _time.GetTimestamp() >= _retryAt)
        {
            await ReportAsync(isLast, cancellationToken);
        }

        ReleaseClosing();
        if (!isLast)
        {
            FindClosed();
        }

        NoteFigures();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(_options.ReportInterval, _time);
        try
        {
            do
            {
                await TryRoundAsync(isLast: false, _stopping.Token);
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private async Task TryRoundAsync(bool isLast, CancellationToken cancellationToken)
    {
        try
        {
            await RoundAsync(isLast, cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            _logger.ReportingFaulted(fault);
        }
        catch (OperationCanceledException)
        {
            // The host stops, or the flush took too long; what is unreported stays in the spool.
        }
    }

    private void Count()
    {
        foreach (var file in _spool.OpenFiles)
        {
            if (!_living.TryGetValue(file, out var source))
            {
                _living[file] = source = new(file.Header);
            }

            source.Count(Cells(file));
        }

        foreach (var (file, source) in _closing)
        {
            source.Count(Cells(file));
        }
    }

    private static IEnumerable<(SpoolAccount Account, UsageBucket Bucket, UsageCounts Counts)> Cells(SpoolFile file)
        => file.Cells().Select(static cell => (cell.Account, cell.Bucket, cell.Sum()));

    private async Task ReportAsync(bool isLast, CancellationToken cancellationToken)
    {
        foreach (var source in _living.Values)
        {
            if (!await TrySendAsync(source, isFinal: false, cancellationToken))
            {
                return;
            }
        }

        foreach (var (_, source) in _closing)
        {
            if (isLast)
            {
                source.RetryAll();
            }

            if (!await TrySendAsync(source, isFinal: true, cancellationToken))
            {
                return;
            }
        }

        await ReportClosedAsync(cancellationToken);
    }

    // From then on they are found like those of any other process. Counters that lie in memory alone are reported from there.
    private void ReleaseClosing()
    {
        foreach (var (file, source) in _closing.ToArray())
        {
            file.Tend();
            if (source.IsSettled || file.CountersInMemory == 0)
            {
                _closing.Remove((file, source));
                file.Dispose();
                _foundAt = null;
            }
        }
    }

    private void FindClosed()
    {
        var now = _time.GetTimestamp();
        if (_foundAt is null || _time.GetElapsedTime(_foundAt.Value, now) >= FindInterval)
        {
            _foundAt = now;
            _closed.AddRange(_finder.Find());
        }
    }

    // One after the other: only one is in memory at a time.
    private async Task ReportClosedAsync(CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        foreach (var closed in _closed.ToArray())
        {
            if (_time.GetElapsedTime(began) > MostOnClosed)
            {
                return;
            }

            if (closed.RetryAt > began)
            {
                continue;
            }

            var outcome = closed.SettledAt is null
                ? await SettleAsync(closed, cancellationToken)
                : await ConfirmAsync(closed, cancellationToken);
            if (outcome == Outcome.Failed)
            {
                return;
            }

            if (outcome == Outcome.Refused)
            {
                // It may be the only one whose part of the ledger is away, so the others have their turn, and what is counted now too.
                closed.RetryAt = RetryAt(RetryShardAfter);
            }
            else if (closed.SettledAt is { } settled && _time.GetElapsedTime(settled) >= _options.Retain)
            {
                // Where it cannot be removed it is found again later, like that of any dead process.
                _closed.Remove(closed);
                using (closed)
                {
                    closed.Delete();
                }
            }
        }
    }

    private async Task<Outcome> SettleAsync(ClosedSource closed, CancellationToken cancellationToken)
    {
        var source = closed.Load();
        Outcome outcome;
        try
        {
            outcome = await SendAsync(source, isFinal: true, cancellationToken);
        }
        catch (ArgumentException refused)
        {
            // The disk has changed its counters: they are not under a checksum.
            _finder.NoteDamage(closed.FilePath, refused.Message);
            _closed.Remove(closed);
            closed.Dispose();
            return Outcome.Answered;
        }

        closed.UnreportedBytes = source.UnreportedBytes;
        if (source.IsSettled)
        {
            closed.Stored = source.Stored;
            closed.SettledAt = closed.AskedAt = _time.GetTimestamp();
        }
        else if (outcome == Outcome.Answered)
        {
            closed.RetryAt = RetryAt(RetryShardAfter);
        }

        return outcome;
    }

    private async Task<Outcome> ConfirmAsync(ClosedSource closed, CancellationToken cancellationToken)
    {
        var now = _time.GetTimestamp();
        if (_time.GetElapsedTime(closed.AskedAt, now) < UsageSource.AskAfter)
        {
            return Outcome.Answered;
        }

        foreach (var some in closed.Stored.Chunk(ShardReports.MostEntries / UsageHour.Buckets))
        {
            var asks = some.Select(stored => stored.Ask(closed.Header.Gateway)).ToArray();
            if (await TrySendAsync(asks, cancellationToken) is not { } replies)
            {
                return Outcome.Failed;
            }

            if (!_hasAnswered)
            {
                return Outcome.Refused;
            }

            if (some.Zip(replies).FirstOrDefault(static pair => pair.Second.Kind != UsageReplyKind.Unavailable && !StoredShard.Confirms(pair.Second)) is { First: { } lost })
            {
                _logger.UsageSentAgain(lost.Shard.Owner);
                closed.SettledAt = null;
                return Outcome.Answered;
            }
        }

        closed.AskedAt = now;
        return Outcome.Answered;
    }

    // False: the ledger is away.
    private async Task<bool> TrySendAsync(UsageSource source, bool isFinal, CancellationToken cancellationToken)
    {
        var outcome = await SendAsync(source, isFinal, cancellationToken);
        if (outcome == Outcome.Refused)
        {
            BackOff(null);
        }

        return outcome == Outcome.Answered;
    }

    // Until there is nothing to tell that somebody takes.
    private async Task<Outcome> SendAsync(UsageSource source, bool isFinal, CancellationToken cancellationToken)
    {
        var fruitless = 0;
        var began = _time.GetTimestamp();
        var askBefore = began - Ticks(UsageSource.AskAfter);
        while (fruitless < MostFruitlessReports && source.Take(isFinal, askBefore, began) is { Count: > 0 } reports)
        {
            if (await TrySendAsync(reports, cancellationToken) is not { } replies)
            {
                return Outcome.Failed;
            }

            if (!_hasAnswered)
            {
                return Outcome.Refused;
            }

            foreach (var (report, reply) in reports.Zip(replies))
            {
                source.Note(report, reply, _time.GetTimestamp(), RetryAt(RetryShardAfter));
                if (reply.Kind == UsageReplyKind.Resend)
                {
                    _logger.UsageSentAgain(report.Shard.Owner);
                }
            }

            fruitless = replies.Any(static reply => reply.Kind == UsageReplyKind.Stored) ? 0 : fruitless + 1;
        }

        return Outcome.Answered;
    }

    private async Task<IReadOnlyList<UsageReply>?> TrySendAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
    {
        try
        {
            var replies = await _sink.ReportAsync(reports, cancellationToken).WaitAsync(AnswerTimeout, _time, cancellationToken);
            if (replies.Count == reports.Count)
            {
                NoteAnswer(replies);
                return replies;
            }

            throw new InvalidOperationException($"The ledger gave {replies.Count} answers to {reports.Count} reports.");
        }
        catch (Exception failure) when (failure is not ArgumentException && (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested))
        {
            BackOff(failure);
            return null;
        }
    }

    // A part of the ledger that is away is none of the others' business; where no part has answered in this round, all of it may be.
    private void NoteAnswer(IReadOnlyList<UsageReply> replies)
    {
        if (replies.Any(static reply => reply.Kind != UsageReplyKind.Unavailable))
        {
            _hasAnswered = true;
            if (_backOff > TimeSpan.Zero)
            {
                _backOff = TimeSpan.Zero;
                _logger.LedgerBack();
            }
        }
    }

    private void BackOff(Exception? failure)
    {
        if (_backOff == TimeSpan.Zero)
        {
            _logger.LedgerAway(failure);
        }

        _backOff = _backOff == TimeSpan.Zero ? _options.ReportInterval : TimeSpan.FromTicks(Math.Min(_backOff.Ticks * 2, LongestBackOff.Ticks));
        _retryAt = RetryAt(_backOff);
    }

    // Spread, so that gateways do not all come back in one instant.
    private long RetryAt(TimeSpan after) => _time.GetTimestamp() + Ticks(after * (0.5 + (Random.Shared.NextDouble() / 2)));

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _time.TimestampFrequency);

    private void NoteFigures()
    {
        var open = _living.Values.Concat(_closing.Select(static closing => closing.Source)).Sum(static source => source.UnreportedBytes);
        var closed = _closed.Where(static closed => closed.SettledAt is null).Sum(static closed => closed.UnreportedBytes);
        Volatile.Write(ref _unreported, open + closed);
        Volatile.Write(ref _inMemory, _living.Keys.Concat(_closing.Select(static closing => closing.File)).Sum(static file => file.CountersInMemory));
    }

    private enum Outcome
    {
        /// <summary>The ledger is there, though some part of it may be away.</summary>
        Answered,

        /// <summary>Every part that was asked in this round is away.</summary>
        Refused,

        /// <summary>The call failed, or took too long.</summary>
        Failed,
    }
}
