using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using OrleansEdge.Model;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Sessions;
using OrleansEdge.Relay.Telemetry;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Metering;

public sealed class UsageReporterTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("orleans-edge-spool-").FullName;
    private readonly ManualTimeProvider _time = new();
    private readonly MemoryLedger _ledger;
    private readonly Dictionary<(string Tenant, UsageKey Key), UsageCounts> _truth = [];
    private Process _process;

    public UsageReporterTests()
    {
        _ledger = new(_time);
        _process = Process.Start(_folder, _ledger, _time);
    }

    public void Dispose()
    {
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task CountersThatChanged_AreReportedCumulatively_OthersAreNot()
    {
        Count("acme", "a.test", 10);
        Count("bolt", "b.test", 1);
        await RoundAsync();
        Count("acme", "a.test", 5);
        _ledger.Reports.Clear();

        await RoundAsync();

        var report = Assert.Single(_ledger.Reports, static report => report.Shard.Gateway is null);
        Assert.Equal("acme", report.Shard.Owner);
        Assert.Equal((2, 1, false), (report.Number, report.Acknowledged, report.Final));
        Assert.Equal(15, Assert.Single(report.Entries).Counts.BytesUp);
        _ledger.Reports.Clear();
        await RoundAsync();
        Assert.Empty(_ledger.Reports);
        CheckTotals();
    }

    [Fact]
    public async Task SumsOfTheGateway_AreThoseOfTheTenants()
    {
        for (var i = 0; i < 20; i++)
        {
            Count($"t{i % 4}", $"d{i}.test", i, (UsageKind)(i % 2));
            _time.Advance(TimeSpan.FromMinutes(7));
            await RoundAsync();
        }

        Assert.Equal(_ledger.Sums(ofGateways: false).OrderBy(static sum => sum.Key), _ledger.Sums(ofGateways: true).OrderBy(static sum => sum.Key));
        CheckTotals();
    }

    [Theory]
    [InlineData(MemoryLedger.Fault.Refused)]
    [InlineData(MemoryLedger.Fault.Lost)]
    [InlineData(MemoryLedger.Fault.AnswerLost)]
    [InlineData(MemoryLedger.Fault.Twice)]
    [InlineData(MemoryLedger.Fault.Late)]
    internal async Task LedgerInTrouble_GetsEverythingInTheEnd(MemoryLedger.Fault fault)
    {
        for (var i = 0; i < 12; i++)
        {
            Count("acme", "a.test", 100 + i);
            _ledger.Faults.Enqueue(i % 2 == 0 ? fault : MemoryLedger.Fault.None);
            await RoundAsync();
        }

        await SettleAsync();

        CheckTotals();
        Assert.Equal(0, _process.Figures().Unreported);
    }

    [Fact]
    public async Task LedgerThatNeverAnswers_IsGivenUpAndAskedAgain()
    {
        Count("acme", "a.test", 100);
        _ledger.Faults.Enqueue(MemoryLedger.Fault.Silent);
        var round = _process.Reporter.RoundAsync(isLast: false, CancellationToken.None);
        await _time.WhenArmedAsync(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        await round;
        Assert.Equal(100, _process.Figures().Unreported);

        await SettleAsync();

        CheckTotals();
        Assert.Equal(0, _process.Figures().Unreported);
    }

    [Fact]
    public async Task LedgerThatIsAway_IsLeftAloneForLongerAndLonger()
    {
        Count("acme", "a.test", 1);
        for (var i = 0; i < 1000; i++)
        {
            _ledger.Faults.Enqueue(MemoryLedger.Fault.Refused);
        }

        for (var i = 0; i < 300; i++)
        {
            await RoundAsync();
        }

        // Ten minutes: some four times at first, then every half to whole 30 s.
        Assert.InRange(_ledger.Reports.Count(static report => report.Shard.Gateway is null), 20, 44);
    }

    [Fact]
    public async Task PartOfTheLedgerIsAway_OthersAreReportedAllTheSame_AndItIsLeftAloneForAWhile()
    {
        _ledger.AwayOwner = "acme";
        for (var i = 0; i < 30; i++)
        {
            Count("acme", "a.test", 1);
            for (var tenant = 0; tenant < 300; tenant++)
            {
                Count($"t{tenant}", "b.test", 1);
            }

            await RoundAsync();
            Assert.Equal(i + 1, _process.Figures().Unreported);
        }

        // A minute.
        Assert.InRange(_ledger.Reports.Count(static report => report.Shard.Owner == "acme"), 6, 12);
        _time.Advance(TimeSpan.FromHours(2));
        await RoundAsync();
        await RoundAsync();
        await _process.StopAsync();
        Assert.Equal(30, _process.Figures().Unreported);

        _ledger.AwayOwner = null;
        await SettleAsync();

        CheckTotals();
    }

    [Fact]
    public async Task PartOfTheLedgerWasAwayUntilNow_ProcessThatStopsTriesItOnceMore()
    {
        _ledger.AwayOwner = "acme";
        Count("acme", "a.test", 1);
        Count("bolt", "b.test", 1);
        await RoundAsync();
        _ledger.AwayOwner = null;

        await _process.StopAsync();

        CheckTotals();
    }

    [Fact]
    public async Task LedgerAwayForTwoDays_KeepsItsSharesOnDisk_AndGetsThemAll()
    {
        for (var i = 0; i < 500; i++)
        {
            _ledger.Faults.Enqueue(MemoryLedger.Fault.Refused);
        }

        for (var hour = 0; hour < 48; hour++)
        {
            for (var domain = 0; domain < 20; domain++)
            {
                Count("acme", $"d{domain}.test", (hour * 20) + domain);
            }

            await RoundAsync();
            _time.Advance(TimeSpan.FromHours(1));
            await RoundAsync();
            Assert.InRange(_process.Reporter.SourcesInMemory, 0, 3);
        }

        Assert.InRange(Directory.GetFiles(_folder).Length, 48, 51);
        Assert.Equal(_truth.Values.Sum(static counts => counts.BillableBytes), _process.Figures().Unreported);
        _ledger.Faults.Clear();

        await SettleAsync();

        CheckTotals();
        Assert.Equal(0, _process.Figures().Unreported);
    }

    [Fact]
    public async Task HourThatIsOver_IsSealed_AndItsFileGoesAfterTheTimeForWhichItIsKept()
    {
        Count("acme", "a.test", 3);
        await RoundAsync();
        var file = Assert.Single(Directory.GetFiles(_folder));
        _time.Advance(TimeSpan.FromHours(1) + UsageSpool.CloseAfter);
        await RoundAsync();
        Assert.All(_ledger.Sources(), static source => Assert.True(source.IsSealed));
        Assert.True(File.Exists(file));

        for (var minute = 0; minute < 57; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await RoundAsync();
        }

        Assert.True(File.Exists(file));
        _time.Advance(TimeSpan.FromMinutes(3));
        await RoundAsync();
        Assert.False(File.Exists(file));
        CheckTotals();
    }

    [Fact]
    public async Task HourThatIsOverWhileItsCountersLieInMemory_IsReportedFromThere()
    {
        _time.Advance(TimeSpan.FromHours(2));
        Directory.Move(_folder, _folder + ".away");
        await File.WriteAllTextAsync(_folder, "");
        for (var i = 0; i < 4; i++)
        {
            _ledger.Faults.Enqueue(MemoryLedger.Fault.Refused);
        }

        Count("acme", "a.test", 5);
        await RoundAsync();
        Assert.NotEqual(0, _process.Figures().InMemory);
        _time.Advance(TimeSpan.FromHours(1) + UsageSpool.CloseAfter);
        await RoundAsync();
        await RoundAsync();
        await SettleAsync();

        CheckTotals();
        File.Delete(_folder);
        Directory.Move(_folder + ".away", _folder);
    }

    [Fact]
    public async Task LedgerRestoredFromAnOldCopy_GetsItAllAgain()
    {
        Count("acme", "a.test", 1);
        Count("idle", "i.test", 1);
        await RoundAsync();
        var old = _ledger.Copy();
        Count("acme", "a.test", 10);
        Count("idle", "i.test", 10);
        await RoundAsync();
        _ledger.Restore(old);

        // Who goes on is found out by the next report, who is idle is asked within a minute.
        Count("acme", "a.test", 100);
        await RoundAsync();
        Assert.Equal(111, _ledger.Totals().Single(static total => total.Key.Tenant == "acme").Value.BytesUp);
        _time.Advance(UsageSource.AskAfter);
        await RoundAsync();

        CheckTotals();
    }

    [Fact]
    public async Task LedgerRestoredFromACopyOfBeforeTheHourWasOver_GetsItFromTheFileThatIsKept()
    {
        Count("acme", "a.test", 1);
        await RoundAsync();
        var old = _ledger.Copy();
        Count("acme", "a.test", 10);
        Count("bolt", "b.test", 7);
        await RoundAsync();
        _time.Advance(TimeSpan.FromHours(1) + UsageSpool.CloseAfter);
        await RoundAsync();
        _time.Advance(TimeSpan.FromMinutes(20));
        await RoundAsync();
        _ledger.Restore(old);
        _time.Advance(UsageSource.AskAfter);
        await RoundAsync();
        await RoundAsync();

        CheckTotals();
    }

    [Fact]
    public async Task SourceDeclaredDeadWhileItLives_GoesOnUnderItsSuccessor_AlsoInTheNextProcess()
    {
        Count("acme", "a.test", 1);
        await RoundAsync();
        _ledger.SealUnheard(TimeSpan.Zero);
        Count("acme", "a.test", 10);
        await RoundAsync();
        CheckTotals();
        _ledger.SealUnheard(TimeSpan.Zero);
        Count("acme", "a.test", 100);
        await RoundAsync();
        CheckTotals();

        await RestartAsync(orderly: false);
        CheckTotals();
        Assert.Equal(3, _ledger.Sources().Count(static source => source.Entries.Any(static entry => entry.Key.Domain == "a.test")));
    }

    [Fact]
    public async Task LedgerRestoredToBeforeItDeclaredTheSourceDead_GetsItAllAgainFromTheFirstSourceOn()
    {
        Count("acme", "a.test", 100);
        await RoundAsync();
        var copy = _ledger.Copy();
        _ledger.SealUnheard(TimeSpan.Zero);
        Count("acme", "a.test", 10);
        await RoundAsync();
        await RoundAsync();
        CheckTotals();
        Assert.Equal(2, _ledger.Sources().Count(static source => source.Entries.Any(static entry => entry.Key.Domain == "a.test")));

        _ledger.Restore(copy);
        await SettleAsync();

        CheckTotals();
        Assert.Equal(0, _process.Figures().Unreported);
    }

    [Fact]
    public async Task LedgerLosesASourceThatItDeclaredDead_BeforeItsSuccessorIsTaken_CountsNothingTwice()
    {
        Count("acme", "a.test", 10);
        await RoundAsync();
        _ledger.SealUnheard(TimeSpan.Zero);
        Count("acme", "a.test", 2);
        _ledger.Faults.Enqueue(MemoryLedger.Fault.None);
        _ledger.Faults.Enqueue(MemoryLedger.Fault.Lost);
        await RoundAsync();
        _ledger.Restore([]);
        await RoundAsync();
        await RoundAsync();

        await RestartAsync(orderly: false);
        await SettleAsync();

        CheckTotals();
    }

    [Fact]
    public async Task ProcessThatStops_ReportsTheRestAsFinal()
    {
        Count("acme", "a.test", 5);

        await _process.StopAsync();

        CheckTotals();
        Assert.All(_ledger.Sources(), static source => Assert.True(source.IsSealed));
    }

    [Fact]
    public async Task DeadProcess_IsReportedByTheNext_AndItsFileGoesAfterTheTimeForWhichItIsKept()
    {
        Count("acme", "a.test", 5);
        await RoundAsync();
        Count("acme", "a.test", 6);
        var file = Assert.Single(Directory.GetFiles(_folder));

        await RestartAsync(orderly: false);

        CheckTotals();
        Assert.True(File.Exists(file));
        for (var minute = 0; minute < 62; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await RoundAsync();
        }

        Assert.False(File.Exists(file));
        CheckTotals();
    }

    [Fact]
    public async Task FileThatCannotBeRemoved_IsFoundAgain_AndGoesWhenItCan()
    {
        Count("acme", "a.test", 5);
        var file = Assert.Single(Directory.GetFiles(_folder));
        await RestartAsync(orderly: false);
        await RoundAsync();
        File.Move(file, file + ".away");
        Directory.CreateDirectory(file);
        _time.Advance(TimeSpan.FromMinutes(62));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(RoundAsync);

        Directory.Delete(file);
        File.Move(file + ".away", file);
        File.OpenWrite(file).Dispose();
        for (var minute = 0; minute < 64; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await RoundAsync();
        }

        Assert.False(File.Exists(file));
        CheckTotals();
    }

    [Fact]
    public async Task DeadProcessWhosePartOfTheLedgerIsAway_DoesNotHoldUpThoseOfOthers()
    {
        Count("acme", "a.test", 5);
        _process.Kill();
        _ledger.AwayHour = UsageHour.At(_time.GetUtcNow());
        _time.Advance(TimeSpan.FromHours(1));
        _process = Process.Start(_folder, _ledger, _time);
        Count("acme", "a.test", 7);

        await RestartAsync(orderly: false);
        for (var i = 0; i < 10; i++)
        {
            await RoundAsync();
        }

        Assert.Equal(7, _ledger.Totals().Values.Sum(static counts => counts.BytesUp));
        Assert.Equal(5, _process.Figures().Unreported);
        _ledger.AwayHour = null;
        await SettleAsync();

        CheckTotals();
    }

    [Fact]
    public async Task DeadProcessOfLongAgo_WhoseSourceIsForgotten_IsGivenUpRatherThanCountedTwice()
    {
        Count("acme", "a.test", 5);
        await RoundAsync();
        var before = _ledger.Totals();
        Count("acme", "a.test", 6);
        _process.Kill();
        _time.Advance(TimeSpan.FromDays(40));
        _ledger.SealUnheard(TimeSpan.FromDays(1));
        _ledger.Fold();
        _process = Process.Start(_folder, _ledger, _time);

        await SettleAsync();

        Assert.Equal(before, _ledger.Totals());
        Assert.Equal(0, _process.Figures().Unreported);
    }

    [Fact]
    public async Task FileWithImpossibleCounts_IsLeftAlone_AndHoldsUpNothing()
    {
        Count("acme", "a.test", 5);
        var file = Assert.Single(Directory.GetFiles(_folder));
        _process.Kill();
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[SpoolFormat.HeaderBytes + SpoolFormat.Unit + SpoolFormat.CountersOffset + 7] = 0x40;
        await File.WriteAllBytesAsync(file, bytes);
        _truth.Clear();
        _process = Process.Start(_folder, _ledger, _time);
        Count("acme", "a.test", 7);

        await SettleAsync();

        CheckTotals();
        Assert.True(File.Exists(file));
    }

    [Fact]
    public async Task TenantWithManyDomains_IsReportedInSeveralReports()
    {
        for (var i = 0; i < 2500; i++)
        {
            Count("acme", $"d{i}.test", i + 1);
        }

        await RoundAsync();

        Assert.All(_ledger.Reports, static report => Assert.InRange(report.Entries.Count, 0, ShardReports.MostEntries));
        CheckTotals();
        await RestartAsync(orderly: false);
        CheckTotals();
        var source = Assert.Single(_ledger.Sources(), static source => source.Entries.Any(static entry => entry.Key.Domain == "d0.test"));
        Assert.True(source.IsSealed);
        Assert.Equal(2500, source.Entries.Count);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task AnyCourseOfFaultsKillsAndRestores_EndsInTheTruth(int seed)
    {
        var random = new Random(seed);
        var copy = _ledger.Copy();
        var copiedAt = _time.GetUtcNow();

        // All that was ever counted is kept for as long.
        var emptyUntil = copiedAt + TimeSpan.FromMinutes(50);
        for (var step = 0; step < 400; step++)
        {
            switch (random.Next(15))
            {
                case < 6:
                    Count($"t{random.Next(3)}", $"d{random.Next(4)}.test", random.Next(1000), (UsageKind)random.Next(2));
                    break;
                case < 9:
                    await RoundAsync();
                    break;
                case 9:
                    _time.Advance(TimeSpan.FromMinutes(random.Next(1, 40)));
                    break;
                case 10:
                    _ledger.Faults.Enqueue((MemoryLedger.Fault)random.Next(1, 5));
                    break;
                case 11:
                    _ledger.SealUnheard(TimeSpan.FromSeconds(random.Next(100)));
                    break;
                case 12 when _time.GetUtcNow() - copiedAt < TimeSpan.FromMinutes(10):
                    _ledger.Restore(copy);
                    copy = _ledger.Copy();
                    break;
                case 12:
                    (copy, copiedAt) = (_ledger.Copy(), _time.GetUtcNow());
                    break;
                case 13 when _time.GetUtcNow() < emptyUntil:
                    _ledger.Restore([]);
                    (copy, copiedAt) = (_ledger.Copy(), _time.GetUtcNow());
                    break;
                default:
                    await RestartAsync(orderly: random.Next(2) == 0);
                    break;
            }
        }

        await SettleAsync();
        CheckTotals();
        Assert.Equal(_ledger.Sums(ofGateways: false).OrderBy(static sum => sum.Key), _ledger.Sums(ofGateways: true).OrderBy(static sum => sum.Key));
    }

    /// <summary>Some courses each time; more of them where the environment says how many.</summary>
    public static TheoryData<int> Seeds()
        => [.. Enumerable.Range(1, int.Parse(Environment.GetEnvironmentVariable("ORLEANS_EDGE_SEEDS") ?? "8"))];

    private void Count(string tenant, string domain, int bytes, UsageKind kind = UsageKind.Websocket)
    {
        var counts = new UsageCounts { BytesUp = bytes, MessagesDown = 1, OriginBytesUp = bytes };
        _process.Spool.MeterOf(tenant, domain, kind).Add(counts);
        var key = (tenant, new UsageKey(domain, kind, UsageBucket.At(_time.GetUtcNow())));
        _truth[key] = _truth.GetValueOrDefault(key) + counts;
    }

    private async Task RoundAsync()
    {
        _time.Advance(Interval);
        await _process.Reporter.RoundAsync(isLast: false, CancellationToken.None);
    }

    // Until nothing is unreported: each back-off is over, and every idle shard was asked.
    private async Task SettleAsync()
    {
        _ledger.Faults.Clear();
        for (var i = 0; i < 20; i++)
        {
            _time.Advance(UsageSource.AskAfter);
            await RoundAsync();
        }
    }

    private async Task RestartAsync(bool orderly)
    {
        if (orderly)
        {
            await _process.StopAsync();
        }

        _process.Kill();
        _process = Process.Start(_folder, _ledger, _time);
        await RoundAsync();
        await RoundAsync();
    }

    private void CheckTotals()
    {
        var totals = _ledger.Totals();
        Assert.All(_truth.Keys.Union(totals.Keys), key => Assert.Equal((key, _truth.GetValueOrDefault(key)), (key, totals.GetValueOrDefault(key))));
    }

    /// <summary>What of a gateway's process counts and reports.</summary>
    private sealed class Process : IDisposable
    {
        private readonly ServiceProvider _services;
        private readonly RelayMetrics _metrics;
        private readonly SessionRegistry _sessions;

        private Process(string folder, IUsageSink ledger, TimeProvider time)
        {
            _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
            _metrics = new(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>());
            _sessions = new(new NoDomains(), time);
            Spool = TestSpool.New(folder, time);
            Reporter = new(
                Spool, ledger, _sessions, Options.Create(new MeteringOptions { SpoolDirectory = folder }), _metrics, time, NullLogger<UsageReporter>.Instance);
        }

        public UsageSpool Spool { get; }

        public UsageReporter Reporter { get; }

        public static Process Start(string folder, IUsageSink ledger, TimeProvider time) => new(folder, ledger, time);

        public (long Unreported, int InMemory) Figures() => Reporter.Figures;

        public Task StopAsync() => Reporter.StopAsync(CancellationToken.None);

        /// <summary>The kernel gives the locks free; nothing else is done.</summary>
        public void Kill() => Dispose();

        public void Dispose()
        {
            Reporter.Dispose();
            Spool.Dispose();
            _sessions.Dispose();
            _services.Dispose();
        }
    }

    private sealed class NoDomains : IDomainSource, IDisposable
    {
        public ValueTask<DomainSnapshot?> FindAsync(string host, CancellationToken cancellationToken) => new((DomainSnapshot?)null);

        public IDisposable Subscribe(Action<DomainChange> observer) => this;

        public void Dispose()
        {
            // Nothing was subscribed to.
        }
    }
}
