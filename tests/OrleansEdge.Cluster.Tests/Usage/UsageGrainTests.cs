using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Grains.Usage;
using OrleansEdge.Model;

namespace OrleansEdge.Cluster.Tests.Usage;

public sealed class UsageGrainTests : IAsyncLifetime
{
    private const string Acme = "acme";

    private static readonly UsageSourceId A = new(0xA);
    private static readonly UsageSourceId B = new(0xB);

    private MeshUsageHarness _harness = null!;

    private UsageHour Hour => UsageHour.At(_harness.Now);

    private UsageShard Shard => new(Acme, Hour);

    private IUsageGrain Grain => _harness.Mesh.Grains.GetUsageGrain(Shard);

    public async Task InitializeAsync() => _harness = await MeshUsageHarness.StartAsync();

    public async Task DisposeAsync() => await _harness.DisposeAsync();

    [Fact]
    public async Task ReportsOfManyAtOnce_AreTwoWrites()
    {
        _harness.Options.WriteInterval = TimeSpan.FromSeconds(2);
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 1, 0, 5)));

        var many = await Task.WhenAll(Enumerable.Range(1, 200).Select(source => ReportAsync(Report(new((UInt128)source << 8), 1, 0, source))));

        Assert.All(many, static reply => Assert.Equal(UsageReplyKind.Stored, reply));
        Assert.Equal(2, (await ElementsAsync()).Count);
        Assert.Equal(5 + (200 * 201 / 2), await TotalAsync());
    }

    [Fact]
    public async Task RefusedReportOfAGroup_LeavesTheOthersStored()
    {
        _harness.Options.WriteInterval = TimeSpan.FromMilliseconds(500);
        await ReportAsync(Report(A, 1, 0, 5));

        var replies = await Task.WhenAll(ReportAsync(Report(A, 2, 1, 6)), ReportAsync(Report(B, 9, 8, 1)), ReportAsync(Report(new(0xC), 1, 0, 3)));

        Assert.Equal([UsageReplyKind.Stored, UsageReplyKind.Resend, UsageReplyKind.Stored], replies);
        Assert.Equal(9, await TotalAsync());
    }

    [Fact]
    public async Task SecondActivation_ThatWritesByTurns_LosesNothing()
    {
        var other = new UsageShardJournal(_harness.Store, Shard);
        for (var turn = 1; turn <= 20; turn++)
        {
            Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, turn, turn - 1, turn)));
            var ledger = await other.LoadAsync();
            var report = Report(B, turn, turn - 1, 100 * turn);
            ledger.Apply(report, _harness.Now);
            Assert.True(await other.TryStoreAsync(ledger, _harness.Now, [report], isTended: turn % 7 == 0));
        }

        Assert.Equal(2020, await TotalAsync());
    }

    [Fact]
    public async Task RedisPutBack_AsksForEverythingAgain_AndTotalsAreWhatTheyWere()
    {
        await ReportAsync(Report(A, 1, 0, 5));
        await ReportAsync(Report(B, 1, 0, 50));
        var copy = await _harness.Store.Database.KeyDumpAsync(JournalKey);
        await ReportAsync(Report(A, 2, 1, 7));
        await ReportAsync(Report(B, 2, 1, 70) with { Final = true });
        await _harness.Store.Database.KeyDeleteAsync(JournalKey);
        await _harness.Store.Database.KeyRestoreAsync(JournalKey, copy!);

        Assert.Equal(UsageReplyKind.Resend, await ReportAsync(Report(A, 3, 2, 0)));
        Assert.Equal(UsageReplyKind.Resend, await ReportAsync(Report(B, 3, 2, 0) with { Final = true }));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 4, 0, 7)));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(B, 4, 0, 70) with { Final = true }));
        Assert.Equal(77, await TotalAsync());
    }

    [Fact]
    public async Task RedisEmptied_IsFilledAgainWithItsIndexes()
    {
        await ReportAsync(Report(A, 1, 0, 5));
        await _harness.Store.Database.ExecuteAsync("FLUSHALL");

        Assert.Equal(UsageReplyKind.Resend, await ReportAsync(Report(A, 2, 1, 0)));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 3, 0, 5)));

        Assert.Equal(5, await TotalAsync());
        Assert.Equal([Acme], await _harness.Usage.ListOwnersAsync(Hour, new(Hour.Number + 1)));
    }

    [Fact]
    public async Task RedisKilled_IsUnavailableUntilItIsBack_AndNothingIsCountedTwice()
    {
        await ReportAsync(Report(A, 1, 0, 5));
        await _harness.Redis.KillAsync();

        Assert.Equal(UsageReplyKind.Unavailable, await ReportAsync(Report(A, 2, 1, 7)));

        await _harness.Redis.RunAsync();
        UsageReplyKind reply;
        var number = 3;
        do
        {
            reply = await ReportAsync(Report(A, number++, 0, 9));
        }
        while (reply == UsageReplyKind.Unavailable && number < 10_000);

        Assert.Equal(UsageReplyKind.Stored, reply);
        Assert.Equal(9, await TotalAsync());
    }

    [Fact]
    public async Task JournalThatHasGrown_IsWrittenAnew()
    {
        _harness.Options.WriteInterval = TimeSpan.Zero;
        var longest = 0L;
        for (var number = 1; number <= 400; number++)
        {
            await ReportAsync(Report(A, number, number - 1, number, domains: 40));
            longest = Math.Max(longest, (await ElementsAsync()).Sum(static element => (long)element.Length));
        }

        Assert.InRange(longest, 64 << 10, 2 * (64 << 10));
        Assert.InRange((await ElementsAsync()).Count, 1, 399);
        Assert.Equal(400 * 40, await TotalAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task DamagedJournal_IsAnErrorThatNamesTheKey_AndStaysAsItIs(int element)
    {
        await ReportAsync(Report(A, 1, 0, 5));
        await ReportAsync(Report(A, 2, 1, 6));
        var bytes = (await ElementsAsync())[element];
        bytes[^10] ^= 1;
        await _harness.Store.Database.ListSetByIndexAsync(JournalKey, element, bytes);
        await _harness.RestartAsync();

        Assert.Equal(UsageReplyKind.Unavailable, await ReportAsync(Report(A, 3, 2, 7)));
        var damage = await Assert.ThrowsAsync<RedisDamageException>(TotalAsync);
        Assert.Contains(UsageKeys.JournalOf(Shard), damage.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await ElementsAsync()).Count);
    }

    [Fact]
    public async Task UnheardSource_IsSealedByUpkeep_AndFoldedAfterTheClosing()
    {
        await ReportAsync(Report(A, 1, 0, 5));
        await _harness.AdvanceAsync(_harness.DeadAfter);
        var grain = _harness.Mesh.Grains.GetUsageGrain(new(Acme, UsageHour.At(_harness.Now - _harness.DeadAfter)));
        var shard = UsageGrains.ShardOf(grain.GetPrimaryKeyString());

        await grain.TendAsync();
        Assert.True(Assert.Single((await new UsageShardJournal(_harness.Store, shard).LoadAsync()).Sources()).IsSealed);

        await _harness.AdvanceAsync(TimeSpan.FromDays(40));
        await grain.TendAsync();
        var folded = await new UsageShardJournal(_harness.Store, shard).LoadAsync();
        Assert.Empty(folded.Sources());
        Assert.Equal(5, folded.Totals().Single().Counts.BytesUp);
    }

    [Fact]
    public async Task HoursWhoseCorrectionsAreOver_AreFoldedByThemselves()
    {
        var hour = Hour;
        await ReportAsync(Report(A, 1, 0, 5));
        await ReportAsync(Report(B, 1, 0, 6) with { Final = true });
        await _harness.AdvanceAsync(hour.Month.ClosesAt - _harness.Now + TimeSpan.FromDays(5));
        await _harness.RestartAsync();

        var waited = System.Diagnostics.Stopwatch.StartNew();
        while ((await new UsageShardJournal(_harness.Store, new(Acme, hour)).LoadAsync()).Sources().Count > 0)
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), "not folded within 30 s");
            await Task.Delay(10);
        }

        Assert.Equal(11, await TotalAsync());
    }

    [Fact]
    public async Task ReportForAnotherShard_IsRefused()
    {
        var stray = UsageReportsWire.Of([Report(A, 1, 0, 5) with { Shard = new("other", Hour) }]);

        await Assert.ThrowsAsync<ArgumentException>(() => Grain.ReportAsync(stray));
        await Assert.ThrowsAsync<FormatException>(() => Grain.ReportAsync(new() { Bytes = new byte[] { 9, 9 } }));
        Assert.Empty(await ElementsAsync());
    }

    private StackExchange.Redis.RedisKey JournalKey => _harness.Store.Key(UsageKeys.JournalOf(Shard));

    private async Task<List<byte[]>> ElementsAsync() => [.. (await _harness.Store.Database.ListRangeAsync(JournalKey)).Select(static element => (byte[])element!)];

    private UsageReport Report(UsageSourceId source, long number, long acknowledged, long bytes, int domains = 1) => new()
    {
        Source = source,
        Gateway = "edge",
        Shard = Shard,
        Number = number,
        Acknowledged = acknowledged,
        Entries = bytes == 0 ? [] : [.. Enumerable.Range(0, domains).Select(domain
            => new UsageEntry(new($"{domain}.example.com", UsageKind.Websocket, Hour.FirstBucket), new() { BytesUp = bytes }))],
    };

    private async Task<UsageReplyKind> ReportAsync(UsageReport report) => Assert.Single(await _harness.Sink.ReportAsync([report], CancellationToken.None)).Kind;

    private async Task<long> TotalAsync()
    {
        var total = 0L;
        await foreach (var hour in _harness.Usage.ReadAsync(Acme, new(0), new(int.MaxValue)))
        {
            total += hour.Entries.Sum(static entry => entry.Counts.BytesUp);
        }

        return total;
    }
}
