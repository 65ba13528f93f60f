using System.Collections.Concurrent;
using System.Diagnostics;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Usage;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Usage;

public class FileUsageLedgerTests : LedgerTests
{
    [Fact]
    public async Task CallersThatWaitTogether_ShareOneBatch()
    {
        var batches = new ConcurrentQueue<int>();
        using var entered = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        Harness.Ledger.Stored = shards =>
        {
            batches.Enqueue(shards.Count);
            entered.Release();
            Assert.True(go.Wait(TimeSpan.FromSeconds(30)));
        };

        var first = ReportAsync(1, 1, "first");
        Assert.True(await entered.WaitAsync(TimeSpan.FromSeconds(30)));
        var before = new FileInfo(Harness.JournalPath).Length;
        var others = Enumerable.Range(0, 50).Select(number => ReportAsync(1, 1, $"other-{number}")).ToList();
        go.Release(2);
        await Task.WhenAll(others.Append(first));

        Assert.Equal([1, 50], batches);
        Assert.True(new FileInfo(Harness.JournalPath).Length > before);
    }

    [Fact]
    public async Task StoredUsage_IsAnnouncedBeforeItIsAnswered()
    {
        var announced = new List<UsageShard>();
        Harness.Ledger.Stored = announced.AddRange;

        await ReportAsync(1, 10);
        await ReportAsync(2, 0);
        await ReportAsync(9, 10, "lost");
        await ReportAsync(1, 10, "other");

        Assert.Equal([new UsageShard(Acme, Hour), new UsageShard("other", Hour)], announced);
    }

    [Fact]
    public async Task ObserverThatFails_HindersNothing()
    {
        Harness.Ledger.Stored = static _ => throw new InvalidOperationException("an observer's own fault");

        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(1, 10));
        Assert.Single(Harness.Log.Events, entry => entry.Id == 3210);
    }

    [Fact]
    public async Task FaultBesideStoring_IsSaidAndHindersNothing()
    {
        await using var clock = new HeldTime(Harness.Now);
        using var ledger = new FileUsageLedger(Path.Combine(Harness.NewFolder("faulty"), "usage"), clock, Harness.Log, new() { JournalBytes = 1 });
        clock.FaultsOnceAfter = 2;

        Assert.Equal(UsageReplyKind.Stored, (await ledger.ReportAsync([Report(Hour, A, 1, 0, 1)], CancellationToken.None))[0].Kind);
        var next = ledger.ReportAsync([Report(Hour, A, 2, 1, 2)], CancellationToken.None);

        Assert.Equal(UsageReplyKind.Stored, (await next.WaitAsync(TimeSpan.FromSeconds(30)))[0].Kind);
        Assert.Single(Harness.Log.Events, entry => entry.Id == 3211);
    }

    [Fact]
    public async Task DiskThatHangs_SoManyReportsWaitAndMoreAreUnavailable()
    {
        using var entered = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        Harness.Ledger.Stored = _ =>
        {
            entered.Release();
            Assert.True(go.Wait(TimeSpan.FromSeconds(30)));
        };
        var first = ReportAsync(1, 1, "first");
        Assert.True(await entered.WaitAsync(TimeSpan.FromSeconds(30)));

        var others = Enumerable.Range(0, FileUsageLedger.MostWaiting).Select(number => ReportAsync(1, 1, $"other-{number}")).ToList();
        Assert.Equal(UsageReplyKind.Unavailable, await ReportAsync(1, 1, "more").WaitAsync(TimeSpan.FromSeconds(30)));

        go.Release(2);
        Assert.All(await Task.WhenAll(others.Append(first)), kind => Assert.Equal(UsageReplyKind.Stored, kind));
    }

    [Fact]
    public async Task AfterTheEnd_ReportsAreUnavailable()
    {
        var ledger = Harness.Ledger;
        Harness.Stop();

        var reply = Assert.Single(await ledger.ReportAsync([Report(Hour, A, 1, 0, 1)], CancellationToken.None));

        Assert.Equal(UsageReplyKind.Unavailable, reply.Kind);
        ledger.Dispose();
    }

    [Theory]
    [InlineData("file/below")]
    [InlineData("file")]
    [InlineData("/proc/nowhere")]
    public void FolderThatCannotBe_IsRefusedInOneSentence(string path)
    {
        var folder = Harness.NewFolder("other");
        File.WriteAllText(Path.Combine(folder, "file"), "x");

        var refused = Assert.Throws<DataDirectoryException>(() => new FileUsageLedger(Path.Combine(folder, path), Harness.Time, Harness.Log));

        Assert.StartsWith("The usage ledger ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task JournalThatBecomesLong_IsMovedIntoTheHours()
    {
        Harness.Options = new() { JournalBytes = 2000 };
        await Harness.RestartAsync();
        for (var number = 1; number <= 100; number++)
        {
            await ReportAsync(number, number);
            Assert.InRange(new FileInfo(Harness.JournalPath).Length, 8, 2200);
        }

        Assert.Single(Harness.Segments);
        Assert.Single(Directory.GetFiles(Harness.Folder, "journal-*"));
        Assert.Equal(100, Total());
    }

    [Fact]
    public async Task HourThatIsOver_IsWrittenAndLetGo()
    {
        await ReportAsync(1, 10);
        var hour = Hour;
        await Harness.AdvanceAsync(TimeSpan.FromMinutes(70));
        Assert.Single(Harness.Segments);
        Assert.Equal(8, new FileInfo(Harness.JournalPath).Length);

        Assert.Equal(10, Total(hour: hour));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(hour, A, 2, 1, 12)));
        Assert.Equal(12, Total(hour: hour));
        await Harness.RestartAsync();
        Assert.Equal(12, Total(hour: hour));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(hour, A, 3, 2, 13)));
    }

    [Fact]
    public async Task SourcesSealedAndFolded_FilesAreWrittenOnceForEach()
    {
        await ReportAsync(1, 10);
        await ReportAsync(Report(Hour, B, 1, 0, 3));
        var hour = Hour;
        await Harness.AdvanceAsync(TimeSpan.FromHours(26));
        await Harness.AdvanceAsync(hour.Month.ClosesAt - Harness.Now + UsageMonth.CorrectionWindow);
        for (var look = 0; look < 5; look++)
        {
            await Harness.AdvanceAsync(TimeSpan.FromMinutes(11));
        }

        Assert.Equal(2, Harness.Log.Events.Count(entry => entry.Id == 3208));
        Assert.Equal(13, Total(hour: hour));
        Assert.Equal(UsageReplyKind.Forgotten, await ReportAsync(Report(hour, A, 2, 0, 99)));
        Assert.Equal(13, Total(hour: hour));
    }

    [Fact]
    public async Task LedgerRestoredFromAnOlderCopy_HealsByWhatTheSourcesSendAgain()
    {
        await ReportAsync(1, 10);
        await ReportAsync(Report(Hour, B, 1, 0, 5));
        var copy = Harness.NewFolder("copy");
        Harness.CopyTo(copy);
        await ReportAsync(2, 20);
        await ReportAsync(Report(Hour, B, 2, 1, 6) with { Final = true });
        await ReportAsync(1, 7, "new");
        Harness.Stop();
        Harness.RestoreFrom(copy);
        Harness.Start();
        Assert.Equal(15, Total());

        // Each asks with what it was acknowledged, and sends all it has.
        Assert.Equal(UsageReplyKind.Resend, await ReportAsync(Report(Hour, A, 3, 2, 0)));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(Hour, A, 4, 0, 20)));
        Assert.Equal(UsageReplyKind.Resend, await ReportAsync(Report(Hour, B, 3, 2, 0)));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(Hour, B, 4, 0, 6) with { Final = true }));
        Assert.Equal(UsageReplyKind.Resend, await ReportAsync(2, 0, "new"));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(Hour, A, 3, 0, 7, "new")));

        Assert.Equal((26, 7), (Total(), Total("new")));
    }

    [Fact]
    public async Task ReadJustAfterTheClosing_SeesWhatWasBeingStoredBefore()
    {
        await using var clock = new HeldTime(Hour.Month.ClosesAt.AddSeconds(-1));
        using var ledger = new FileUsageLedger(Path.Combine(Harness.NewFolder("held"), "usage"), clock, Harness.Log);
        clock.Hold();
        var storing = ledger.ReportAsync([Report(Hour, A, 1, 0, 10)], CancellationToken.None);
        await clock.Held;
        var totals = new List<UsageHourTotals>();
        var reader = new Thread(() => totals.AddRange(ledger.Read(Acme, Hour, new(Hour.Number + 1)))) { IsBackground = true };

        // It has looked at the report and takes the time to store it with.
        clock.Release(thenHold: true);
        await clock.Held;
        clock.Now = Hour.Month.ClosesAt;
        reader.Start();
        var waited = Stopwatch.StartNew();
        while (reader.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted) || !(reader.ThreadState.HasFlag(System.Threading.ThreadState.WaitSleepJoin) || !reader.IsAlive))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), "the reader neither waits nor ends");
        }

        clock.Release(thenHold: false);
        Assert.True(reader.Join(TimeSpan.FromSeconds(30)));
        await storing;

        Assert.Equal([Up(Hour, 10)], totals.SelectMany(hour => hour.Entries));
        Assert.Empty(ledger.ListAdjustments(Acme, default, DateTimeOffset.MaxValue));
    }

    [Fact]
    public async Task MonthWhoseStatementsAreMade_TakesWhatComesThenAsLate_WhateverTheClockSays_AlsoAfterARestart()
    {
        var month = Hour.Month;
        await ReportAsync(1, 10);
        Harness.Ledger.CloseThrough(month);
        Harness.Ledger.CloseThrough(month.Previous);
        await ReportAsync(2, 12);
        await Harness.RestartAsync();
        Assert.Equal(month, Harness.Ledger.ClosedThrough);
        await ReportAsync(3, 15);

        var late = Assert.Single(Harness.Ledger.ListAdjustments(Acme, default, DateTimeOffset.MaxValue));
        Assert.Equal((month.ClosesAt, 5), (late.At, late.Delta.BytesUp));
        await Harness.AdvanceAsync(month.ClosesAt.AddMinutes(5) - Harness.Now);
        await ReportAsync(Report(UsageHour.At(late.Key.Bucket.Start), A, 4, 3, 16));
        Assert.Equal(month.ClosesAt.AddMinutes(5), Harness.Ledger.ListAdjustments(Acme, default, DateTimeOffset.MaxValue)[^1].At);
    }

    [Fact]
    public void MarkThatNamesNoMonth_StopsTheStart()
    {
        Harness.Stop();
        File.WriteAllText(Path.Combine(Harness.Folder, "closed"), "soon\n");

        var refused = Assert.Throws<DataDirectoryException>(Harness.Start);

        Assert.Contains("names no month", refused.Message, StringComparison.Ordinal);
    }

    [SmallDiskFact]
    public async Task FullDisk_ReportsAreUnavailableAndNothingHasChangedUntilThereIsRoom()
    {
        await using var disk = SmallDisk.Mount("160k");
        using var ledger = new FileUsageLedger(Path.Combine(disk.Path, "usage"), Harness.Time, Harness.Log, new() { JournalBytes = 30_000 });
        var number = 0L;
        UsageReplyKind kind;
        do
        {
            number++;
            kind = await StoreManyAsync(ledger, number);
        }
        while (kind == UsageReplyKind.Stored && number < 2000);

        Assert.Equal(UsageReplyKind.Unavailable, kind);
        Assert.Equal(UsageReplyKind.Unavailable, await StoreManyAsync(ledger, number));
        Assert.Equal(number - 1, TotalOf(ledger));
        Assert.Equal(number - 1, await TotalOfACopyAsync(disk.Path));

        disk.GiveRoom("4m");
        Harness.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(UsageReplyKind.Stored, await StoreManyAsync(ledger, number));
        Assert.Equal(UsageReplyKind.Stored, await StoreManyAsync(ledger, number + 1));
        ledger.Dispose();
        Assert.Equal(number + 1, await TotalOfACopyAsync(disk.Path));
    }

    private async Task<UsageReplyKind> StoreManyAsync(FileUsageLedger ledger, long number)
    {
        // Many domains, so that the files grow.
        var entries = Enumerable.Range(0, 5).Select(index => Up(Hour, number, domain: $"d{(number * 5) + index}.example")).Append(Up(Hour, number, domain: "all"));
        var report = Report(Hour, A, number, number - 1, 0) with { Entries = [.. entries] };
        return Assert.Single(await ledger.ReportAsync([report], CancellationToken.None)).Kind;
    }

    private long TotalOf(FileUsageLedger ledger)
        => ledger.Read(Acme, Hour, new(Hour.Number + 1)).SelectMany(totals => totals.Entries).Where(entry => entry.Key.Domain == "all").Sum(entry => entry.Counts.BytesUp);

    // What somebody finds who starts after a kill at this instant.
    private Task<long> TotalOfACopyAsync(string from)
    {
        var copy = Harness.NewFolder(Guid.NewGuid().ToString());
        foreach (var path in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(path, to);
        }

        using var ledger = new FileUsageLedger(Path.Combine(copy, "usage"), Harness.Time, Harness.Log);
        return Task.FromResult(TotalOf(ledger));
    }

    /// <summary>A clock that can hold the next who reads it, with the time that was then.</summary>
    private sealed class HeldTime(DateTimeOffset now) : TimeProvider, IAsyncDisposable
    {
        private readonly SemaphoreSlim _release = new(0);
        private TaskCompletionSource? _hold;
        private Task _held = Task.CompletedTask;

        public DateTimeOffset Now { get; set; } = now;

        /// <summary>After how many more times of being read it fails, once; below 0: never.</summary>
        public int FaultsOnceAfter { get; set; } = -1;

        public Task Held => _held.WaitAsync(TimeSpan.FromSeconds(30));

        public void Hold()
        {
            var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _held = hold.Task;
            Interlocked.Exchange(ref _hold, hold);
        }

        public void Release(bool thenHold)
        {
            if (thenHold)
            {
                Hold();
            }

            _release.Release();
        }

        public override DateTimeOffset GetUtcNow()
        {
            var time = Now;
            if (FaultsOnceAfter >= 0 && FaultsOnceAfter-- == 0)
            {
                throw new InvalidOperationException("a clock's own fault");
            }

            if (Interlocked.Exchange(ref _hold, null) is { } hold)
            {
                hold.SetResult();
                Assert.True(_release.Wait(TimeSpan.FromSeconds(30)));
            }

            return time;
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => new Timer(callback, state, Timeout.Infinite, Timeout.Infinite);

        public ValueTask DisposeAsync()
        {
            _release.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
