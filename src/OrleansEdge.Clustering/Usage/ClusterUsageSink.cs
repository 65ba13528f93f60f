using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Usage;

/// <summary>Brings usage to the grains of the shards that it is for. A shard that does not answer in time keeps no other from being
/// stored. Thread safe.</summary>
public sealed class ClusterUsageSink(IGrainFactory grains, TimeProvider time, ILogger<ClusterUsageSink> logger) : IUsageSink
{
    // A busy shard answers up to half a second later, so that fewer at once would make a reporter with thousands of them wait for nothing.
    private const int ShardsAtOnce = 1024;

    // Whoever reports waits ten seconds.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(8);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A report is malformed (<see cref="UsageReportRules.Check"/>): none is stored.</exception>
    public async Task<IReadOnlyList<UsageReply>> ReportAsync(IReadOnlyList<UsageReport> reports, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reports);
        foreach (var report in reports)
        {
            UsageReportRules.Check(report);
        }

        var replies = new UsageReply[reports.Count];
        Array.Fill(replies, UsageReply.Unavailable);
        var shards = Enumerable.Range(0, reports.Count).GroupBy(index => reports[index].Shard, static (shard, indexes) => (Shard: shard, Indexes: indexes.ToArray()));
        using var timeout = new CancellationTokenSource(AnswerTimeout, time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var failures = 0;
        await Parallel.ForEachAsync(shards, new ParallelOptions { MaxDegreeOfParallelism = ShardsAtOnce }, async (shard, _) =>
        {
            if (await TryReportAsync(shard.Shard, Array.ConvertAll(shard.Indexes, index => reports[index]), giveUp.Token) is { } answered)
            {
                foreach (var (index, reply) in shard.Indexes.Zip(answered))
                {
                    replies[index] = reply;
                }
            }
            else if (Interlocked.Increment(ref failures) == 1)
            {
                logger.ShardNotReached(shard.Shard.Owner, shard.Shard.Hour);
            }
        });
        cancellationToken.ThrowIfCancellationRequested();
        return replies;
    }

    /// <returns>One for each report; null: whether they are stored is not known.</returns>
    private async Task<IReadOnlyList<UsageReply>?> TryReportAsync(UsageShard shard, UsageReport[] reports, CancellationToken giveUp)
    {
        try
        {
            giveUp.ThrowIfCancellationRequested();
            var answer = await ReportAsync(grains.GetUsageGrain(shard), UsageReportsWire.Of(reports)).WaitAsync(giveUp);
            var replies = answer.ToReplies(shard.Hour);
            return replies.Count == reports.Length
                ? replies
                : throw new InvalidOperationException($"The shard gave {replies.Count} answers to {reports.Length} reports.");
        }
        catch (Exception failure)
        {
            // Nothing that a shard does may keep what the others answered from the reporter, who tries this one again.
            logger.ShardFailed(failure, shard.Owner, shard.Hour);
            return null;
        }
    }

    // What a silo that is just going refuses, another takes.
    private static async Task<UsageRepliesWire> ReportAsync(IUsageGrain grain, UsageReportsWire reports)
    {
        try
        {
            return await grain.ReportAsync(reports);
        }
        catch (OrleansException)
        {
            return await grain.ReportAsync(reports);
        }
    }
}
