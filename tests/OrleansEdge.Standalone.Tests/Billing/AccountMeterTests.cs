using OrleansEdge.Model;
using OrleansEdge.Standalone.Billing;
using OrleansEdge.Standalone.Tests.ControlPlane;

namespace OrleansEdge.Standalone.Tests.Billing;

public class AccountMeterTests
{
    private const string Chat = "chat.example.com";
    private static readonly DateTimeOffset Start = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Usage arrives on time, late, and too late for its statement, while months begin and close: what the meter says is always
    /// what statements take that are made from the beginning.</summary>
    [Fact]
    public async Task UsageInAnyOrderOverMonths_IsMeasuredAsStatementsTakeIt()
    {
        for (var seed = 0; seed < 25; seed++)
        {
            var random = new Random(seed);
            var time = new ManualTime();
            using var ledger = new MemoryUsage(time);
            var statements = new Statements(ledger);
            var account = new Account(RandomRecord(random));
            var meter = new AccountMeter();
            ledger.Stored = shards => shards.ToList().ForEach(shard => meter.Touch(shard.Hour));
            for (var step = 0; step < 60; step++)
            {
                time.Advance(RandomStep(random));
                for (var report = random.Next(3); report > 0; report--)
                {
                    await ReportAsync(ledger, RandomTime(random, time.GetUtcNow()), random.Next(1, 30));
                }

                account = MaybeClosed(random, account, statements, time.GetUtcNow());
                var current = UsageMonth.At(time.GetUtcNow());
                var history = new PlanHistory(new(account.Record with { ClosedMonth = null }));
                statements.Read(account.Tenant, history.WalkTo(current.Next));
                var expected = history.Use;
                Assert.True(
                    Uses(expected, account).SequenceEqual(Uses(meter.Measure(account, statements, time.GetUtcNow()), account)),
                    $"seed {seed}, step {step}, {time.GetUtcNow():u}: {string.Join(' ', Uses(expected, account))} expected, not "
                        + string.Join(' ', Uses(meter.Measure(account, statements, time.GetUtcNow()), account)));
            }
        }
    }

    [Fact]
    public async Task UsageOfTheRunningHour_IsMeasuredByReadingItOnce()
    {
        var time = new ManualTime();
        using var ledger = new MemoryUsage(time);
        var plan = new PlanRecord("plan-1", UsageKind.Http, 100, Start.AddHours(-1), Start.AddHours(1), Start, "alice", "k", 1, 0);
        var account = new Account(RandomRecord(new(1)) with { Plans = [plan] });
        var (statements, meter) = (new Statements(ledger), new AccountMeter());
        ledger.Stored = shards => shards.ToList().ForEach(shard => meter.Touch(shard.Hour));
        meter.Measure(account, statements, time.GetUtcNow());
        var reads = ledger.Reads;

        await ReportAsync(ledger, Start, 1);
        await ReportAsync(ledger, Start, 1);
        meter.Measure(account, statements, time.GetUtcNow());
        meter.Measure(account, statements, time.GetUtcNow());

        Assert.Equal(1, ledger.Reads - reads);
    }

    private static Account MaybeClosed(Random random, Account account, Statements statements, DateTimeOffset now)
    {
        var next = account.Closed?.Next ?? account.Plans.FirstMonth!.Value;
        return next <= StatementPeriod.LastSettled(now) && random.Next(3) == 0
            ? new(account.RecordClosed(next, statements.Make(account, next, isClosed: true).Use), account)
            : account;
    }

    private static TimeSpan RandomStep(Random random) => random.Next(4) switch
    {
        0 => TimeSpan.FromDays(random.Next(1, 5)),
        1 => TimeSpan.Zero,
        _ => TimeSpan.FromMinutes(random.Next(1, 500)),
    };

    private static DateTimeOffset RandomTime(Random random, DateTimeOffset now) => random.Next(6) switch
    {
        0 => now.AddDays(-random.Next(60)),
        1 => now.AddDays(-random.Next(5)),
        2 => now.AddHours(random.Next(3)),
        _ => now.AddMinutes(-random.Next(200)),
    };

    private static AccountRecord RandomRecord(Random random)
        => Account.NewRecord("acme", 1, new([new(Start, new())])) with
        {
            Plans = [.. Enumerable.Range(1, 5).Select(number =>
            {
                var from = Start.AddHours(-12).AddHours(random.Next(60 * 24));
                return new PlanRecord(
                    $"plan-{number}", (UsageKind)(number % 2), random.Next(50, 500), from, from.AddHours(random.Next(1, 60 * 24)), Start, "alice", $"{number}", number, 0);
            })],
        };

    private static IEnumerable<long> Uses(PlanUse use, Account account) => Enumerable.Range(0, account.Plans.All.Length).Select(plan => use[plan]);

    private static async Task ReportAsync(MemoryUsage ledger, DateTimeOffset time, long bytes)
    {
        var bucket = UsageBucket.At(time);
        await ledger.ReportAsync(
            [
                new()
                {
                    Source = UsageSourceId.New(),
                    Gateway = "edge-1",
                    Shard = new("acme", bucket.Hour),
                    Number = 1,
                    Acknowledged = 0,
                    Entries = [new(new(Chat, UsageKind.Websocket, bucket), new() { BytesUp = bytes }), new(new(Chat, UsageKind.Http, bucket), new() { BytesDown = bytes })],
                },
            ],
            CancellationToken.None);
    }
}
