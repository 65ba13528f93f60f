using System.Globalization;
using OrleansEdge.Model;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Usage;

/// <summary>A process that stores usage as fast as it can is killed again and again.</summary>
public class KilledLedgerTests
{
    private const int Kills = 30;

    private readonly Dictionary<(string Source, string Shard), (long Number, long Bytes)> _acknowledged = [];
    private readonly Dictionary<string, Call> _underWay = new(StringComparer.Ordinal);

    [Fact]
    public async Task WriterKilledAtRandomInstants_NothingAcknowledgedIsLostAndNoCallIsHalf()
    {
        var random = new Random();
        var hour = UsageHour.At(DateTimeOffset.UtcNow);
        await using var harness = new LedgerHarness(start: false);
        for (var kill = 0; kill < Kills; kill++)
        {
            await WriteUntilKilledAsync(harness.Folder, hour, random);
            harness.Start();
            Check(harness, hour);
            await CheckNumbersAsync(harness, hour);
            harness.Stop();
            _underWay.Clear();
        }

        Assert.True(_acknowledged.Count >= Kills, "hardly anything was written");
    }

    private async Task WriteUntilKilledAsync(string folder, UsageHour hour, Random random)
    {
        string[] arguments =
        [
            RepositoryFiles.Built("tests/OrleansEdge.Standalone.WriterProcess"),
            "usage",
            folder,
            random.Next().ToString(CultureInfo.InvariantCulture),
            hour.Number.ToString(CultureInfo.InvariantCulture),
        ];
        await using var writer = ChildProcess.Start("writer", "dotnet", arguments);
        await writer.Output.TakeAsync(line => line == "ready" ? line : null, "ready");

        // A slow machine gets as far as a fast one; the delay is for hitting any instant within a call.
        for (var calls = random.Next(1, 30); calls > 0; calls--)
        {
            await writer.Output.TakeAsync(line => line.StartsWith("done", StringComparison.Ordinal) ? line : null, "a call that is done");
        }

        await Task.Delay(random.Next(20));
        writer.Kill();
        await writer.WaitForExitAsync();
        Assert.Empty(writer.Errors.Snapshot());
        foreach (var line in writer.Output.Snapshot().Where(static line => line != "ready"))
        {
            Note(line.Split(' '));
        }
    }

    private void Note(string[] words)
    {
        var values = words[3..].Select(static part => part.Split(':')).ToDictionary(static part => $"{part[0]}:{part[1]}", static part => Number(part[2]));
        var call = new Call(Number(words[2]), values);
        if (words[0] == "try")
        {
            _underWay[words[1]] = call;
        }
        else
        {
            _underWay.Remove(words[1]);
            Add(_acknowledged, words[1], call);
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static void Add(Dictionary<(string Source, string Shard), (long Number, long Bytes)> held, string source, Call call)
    {
        foreach (var (shard, bytes) in call.Values)
        {
            held[(source, shard)] = (call.Number, bytes);
        }
    }

    /// <summary>Each call under way was stored as a whole or not at all; what it was is taken as acknowledged from now on.</summary>
    private void Check(LedgerHarness harness, UsageHour hour)
    {
        var calls = _underWay.ToList();
        var outcomes = Enumerable.Range(0, 1 << calls.Count).Select(chosen => calls.Where((_, index) => (chosen & (1 << index)) != 0).ToList());
        var found = Totals(harness, hour);
        var outcome = outcomes.FirstOrDefault(stored => found.SequenceEqual(Expected(stored)));
        Assert.True(outcome is not null, $"found {string.Join(' ', found)}, acknowledged {string.Join(' ', Expected([]))}, tried {string.Join(' ', Expected(calls))}");
        outcome.ForEach(call => Add(_acknowledged, call.Key, call.Value));
    }

    private SortedDictionary<string, long> Expected(List<KeyValuePair<string, Call>> stored)
    {
        var held = new Dictionary<(string Source, string Shard), (long Number, long Bytes)>(_acknowledged);
        stored.ForEach(call => Add(held, call.Key, call.Value));
        var totals = held.GroupBy(static value => value.Key.Shard, static value => value.Value.Bytes).ToDictionary(static group => group.Key, static group => group.Sum());
        return new(totals, StringComparer.Ordinal);
    }

    private static SortedDictionary<string, long> Totals(LedgerHarness harness, UsageHour hour)
    {
        var totals = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var owner in harness.Ledger.ListOwners(hour, new(hour.Number + 2)))
        {
            foreach (var read in harness.Ledger.Read(owner, hour, new(hour.Number + 2)))
            {
                totals[$"{owner}:{read.Hour.Number - hour.Number}"] = Assert.Single(read.Entries).Counts.BytesUp;
            }
        }

        return totals;
    }

    /// <summary>Who asks for what was acknowledged is told that it is there.</summary>
    private async Task CheckNumbersAsync(LedgerHarness harness, UsageHour hour)
    {
        var asked = _acknowledged.Select(held => Ask(held.Key.Source, held.Key.Shard.Split(':'), held.Value.Number, hour)).ToList();
        Assert.All(await harness.Ledger.ReportAsync(asked, CancellationToken.None), static reply => Assert.Equal(UsageReplyKind.Stored, reply.Kind));
    }

    private static UsageReport Ask(string source, string[] shard, long number, UsageHour hour) => new()
    {
        Source = new(UInt128.Parse(source, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
        Gateway = "writer",
        Shard = new(shard[0], new(hour.Number + (int)Number(shard[1]))),
        Number = number,
        Acknowledged = number,
        Entries = [],
    };

    private sealed record Call(long Number, Dictionary<string, long> Values);
}
