using System.Diagnostics;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Usage;

/// <summary>The ledger of one owner and hour. Reentrant, alone among the grains: what comes while a write is under way, or less than an
/// interval after the last one, goes with the next, and each write answers all whose reports are in it.</summary>
[Reentrant]
internal sealed class UsageGrain(
    RedisStore redis, UsageMark mark, EdgeClock clock, IOptions<UsageGrainOptions> options, UsageTrouble trouble) : Grain, IUsageGrain
{
    // Bounds what is written at once, not what a caller may send.
    private const int ReportsOfAWrite = 5_000;

    private const int MostAttempts = 3;

    // A caller waits for at most about this and one time-out of Redis.
    private static readonly TimeSpan LastAttemptAfter = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    private readonly Queue<UsageCall> _waiting = new();
    private UsageShard _shard;
    private UsageShardJournal _journal = null!;
    private UsageTelling _telling = null!;
    private UsageShardLedger? _ledger;
    private Task _storing = Task.CompletedTask;
    private long? _wroteAt;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _shard = UsageGrains.ShardOf(this.GetPrimaryKeyString());
        _journal = new(redis, _shard);
        _telling = new(GrainFactory, _shard);
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<UsageRepliesWire> ReportAsync(UsageReportsWire reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        return UsageRepliesWire.Of(_shard.Hour, await WhenStoredAsync(Read(reports)));
    }

    /// <inheritdoc/>
    public async Task TendAsync()
    {
        await WhenStoredAsync([]);
        if (_waiting.Count == 0 && clock.Now >= _shard.Hour.Month.ClosesAt)
        {
            // Nobody is likely to ask for it again, and there are very many.
            DeactivateOnIdle();
        }
    }

    private IReadOnlyList<UsageReport> Read(UsageReportsWire wire)
    {
        var reports = wire.ToReports();
        foreach (var report in reports)
        {
            UsageReportRules.Check(report);
            if (report.Shard != _shard)
            {
                throw new ArgumentException($"A report for {report.Shard.Owner} in {report.Shard.Hour} came to {_shard.Owner} in {_shard.Hour}.", nameof(wire));
            }
        }

        return reports;
    }

    private Task<IReadOnlyList<UsageReply>> WhenStoredAsync(IReadOnlyList<UsageReport> reports)
    {
        var call = new UsageCall(reports);
        _waiting.Enqueue(call);
        if (_storing.IsCompleted)
        {
            _storing = StoreWaitingAsync();
        }

        return call.Replies;
    }

    private async Task StoreWaitingAsync()
    {
        while (_waiting.Count > 0)
        {
            if (_wroteAt is { } wroteAt && options.Value.WriteInterval - Stopwatch.GetElapsedTime(wroteAt) is var left && left > TimeSpan.Zero)
            {
                await Task.Delay(left);
            }

            var group = TakeGroup();
            try
            {
                await StoreAsync(group);
            }
            catch (Exception failure)
            {
                _ledger = null;
                trouble.Note(_shard, failure);
                group.ForEach(call => call.AnswerUnavailable(failure));
            }
        }
    }

    private List<UsageCall> TakeGroup()
    {
        var group = new List<UsageCall>();
        for (var reports = 0; reports < ReportsOfAWrite && _waiting.TryDequeue(out var call); reports += call.Reports.Count)
        {
            group.Add(call);
        }

        return group;
    }

    // What Redis does not take as it was decided is read and decided again: another activation may have written, or the store went back.
    private async Task StoreAsync(List<UsageCall> group)
    {
        var began = Stopwatch.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await TryStoreAsync(group) is { } replies)
                {
                    Answer(group, replies);
                    return;
                }
            }
            catch (Exception failure) when (RedisFailures.IsAway(failure) && attempt < MostAttempts && Stopwatch.GetElapsedTime(began) < LastAttemptAfter)
            {
                // It is not known whether it was written: what is read next tells. A connection that broke is soon there again.
                await Task.Delay(RetryDelay);
            }

            _ledger = null;
            if (attempt == MostAttempts)
            {
                throw new InvalidOperationException($"The journal was written by others {MostAttempts} times while it was being written.");
            }
        }
    }

    /// <returns>A reply for each report; null: the journal is not what it was taken for, and nothing was stored.</returns>
    private async Task<List<UsageReply>?> TryStoreAsync(List<UsageCall> group)
    {
        var ledger = _ledger ??= await _journal.LoadAsync();
        var now = (await mark.ReadAsync()).At(clock.Now);
        var isTended = ledger.SealUnheard(now, options.Value.DeadAfter) | (ledger.FoldableAt <= now && ledger.Fold(now));
        var (replies, taken) = (new List<UsageReply>(), new List<UsageReport>());
        foreach (var report in group.SelectMany(static call => call.Reports))
        {
            var isTaken = ledger.Judge(report).Kind == UsageReplyKind.Stored;
            replies.Add(ledger.Apply(report, now));
            if (isTaken)
            {
                taken.Add(report);
            }
        }

        var isStored = (!isTended && taken.Count == 0) || await WriteAsync(ledger, now, taken, isTended);
        if (isStored && taken.Exists(static report => report.Entries.Count > 0))
        {
            _telling.NoteGrown();
        }

        return isStored ? replies : null;
    }

    private async Task<bool> WriteAsync(UsageShardLedger ledger, DateTimeOffset now, List<UsageReport> taken, bool isTended)
    {
        _wroteAt = Stopwatch.GetTimestamp();
        return await _journal.TryStoreAsync(ledger, now, taken, isTended);
    }

    private static void Answer(List<UsageCall> group, List<UsageReply> replies)
    {
        var answered = 0;
        foreach (var call in group)
        {
            call.Answer(replies.GetRange(answered, call.Reports.Count));
            answered += call.Reports.Count;
        }
    }
}
