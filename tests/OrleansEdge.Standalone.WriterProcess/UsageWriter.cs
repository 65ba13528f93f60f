using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Model;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.WriterProcess;

/// <summary>Reports usage to a ledger as fast as it can, two sources at a time, until it is killed. Prints each call before it is made and
/// after it was acknowledged: "try|done SOURCE NUMBER OWNER:HOUR:BYTES …", with the hour counted from the one given. Each report of a
/// source has all that the source has for its shard; the number is that of the call.</summary>
internal static class UsageWriter
{
    // So that the journal is moved all the time.
    private const int JournalBytes = 4000;

    public static async Task RunAsync(string folder, int seed, int hour)
    {
        using var ledger = new FileUsageLedger(folder, TimeProvider.System, NullLogger<FileUsageLedger>.Instance, new() { JournalBytes = JournalBytes });
        Console.WriteLine("ready");
        await Task.WhenAll(ReportAsync(ledger, new(seed), hour), ReportAsync(ledger, new(seed + 1), hour));
    }

    private static async Task ReportAsync(FileUsageLedger ledger, Random random, int hour)
    {
        var source = UsageSourceId.New();
        var counters = new Dictionary<UsageShard, long>();
        for (var number = 1L; ; number++)
        {
            var shards = Enumerable.Range(0, random.Next(1, 4)).Select(_ => new UsageShard($"tenant-{random.Next(3)}", new(hour + random.Next(2)))).ToHashSet();
            foreach (var shard in shards)
            {
                counters[shard] = counters.GetValueOrDefault(shard) + random.Next(1, 1000);
            }

            var said = string.Join(' ', shards.Select(shard => string.Create(CultureInfo.InvariantCulture, $"{shard.Owner}:{shard.Hour.Number - hour}:{counters[shard]}")));
            Console.WriteLine($"try {source} {number} {said}");
            var replies = await ledger.ReportAsync([.. shards.Select(shard => ReportOf(source, number, shard, counters[shard]))], CancellationToken.None);
            if (replies.All(reply => reply.Kind == UsageReplyKind.Stored))
            {
                Console.WriteLine($"done {source} {number} {said}");
            }
            else
            {
                await Console.Error.WriteLineAsync($"not stored: {string.Join(' ', replies.Select(reply => reply.Kind))}");
            }
        }
    }

    private static UsageReport ReportOf(UsageSourceId source, long number, UsageShard shard, long bytes) => new()
    {
        Source = source,
        Gateway = "writer",
        Shard = shard,
        Number = number,
        Acknowledged = 0,
        Entries = [new(new("chat.example.com", UsageKind.Websocket, shard.Hour.FirstBucket), new() { BytesUp = bytes })],
    };
}
