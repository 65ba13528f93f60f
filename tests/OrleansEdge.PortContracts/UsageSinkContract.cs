using OrleansEdge.Model;

namespace OrleansEdge.PortContracts;

/// <summary>Reporting usage, and reading it.</summary>
public abstract class UsageSinkContract : IAsyncLifetime
{
    private const string Acme = "acme";
    private const string Chat = "chat.example.com";

    private static readonly UsageSourceId A = new(0xA);
    private static readonly UsageSourceId B = new(0xB);

    /// <summary>The ledger of the running test.</summary>
    protected UsageHarness Harness { get; private set; } = null!;

    private UsageHour Hour { get; set; }

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        Harness = await StartAsync();
        Hour = UsageHour.At(Harness.Now);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync() => await Harness.DisposeAsync();

    /// <summary>Starts the implementation, empty.</summary>
    protected abstract Task<UsageHarness> StartAsync();

    [Fact]
    public async Task ReportsOfTwoSources_AreSummedAndKept()
    {
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 1, 0, Up(10), Up(7, bucket: 3))));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(B, 1, 0, Up(5))));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 2, 1, Up(12))));
        Assert.Equal([Up(17), Up(7, bucket: 3)], Entries());

        await Harness.RestartAsync();

        Assert.Equal([Up(17), Up(7, bucket: 3)], Entries());
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 3, 2, Up(13))));
        Assert.Equal([Up(18), Up(7, bucket: 3)], Entries());
    }

    [Fact]
    public async Task ReportRepeated_ChangesNothing()
    {
        var first = Report(A, 1, 0, Up(10));
        var second = Report(A, 2, 1, Up(12));
        await ReportAsync(first);
        await ReportAsync(second);

        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(second));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(first));

        Assert.Equal([Up(12)], Entries());
    }

    [Fact]
    public async Task AcknowledgedNumberIsUnknown_EverythingIsAskedFor()
    {
        Assert.Equal(UsageReplyKind.Resend, await ReportAsync(Report(A, 7, 6, Up(1))));
        Assert.Empty(Entries());

        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 8, 0, Up(12))));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 9, 8)));
        Assert.Equal([Up(12)], Entries());
    }

    [Fact]
    public async Task SeveralReportsAtOnce_AreAnsweredInTheirOrderAndTakenInIt()
    {
        var replies = await Harness.Sink.ReportAsync(
            [
                Report(A, 1, 0, Up(10)),
                Report(B, 4, 3, Up(1)),
                Report(A, 2, 1, Up(12)) with { Final = true },
                Report(A, 3, 2, Up(15)),
                Report(A.Successor(), 1, 0, Up(3)) with { Predecessor = UsagePredecessor.Of(A, [Up(12)]) },
                Report(B, 1, 0, Up(100)) with { Shard = new("other", Hour) },
            ],
            CancellationToken.None);

        Assert.Equal(
            [UsageReplyKind.Stored, UsageReplyKind.Resend, UsageReplyKind.Stored, UsageReplyKind.Sealed, UsageReplyKind.Stored, UsageReplyKind.Stored],
            replies.Select(reply => reply.Kind));
        Assert.Equal([Up(12)], replies[3].Folded);
        Assert.Equal([Up(15)], Entries());
        Assert.Equal([Up(100)], Entries("other"));
    }

    [Fact]
    public async Task NoReports_NoReplies() => Assert.Empty(await Harness.Sink.ReportAsync([], CancellationToken.None));

    [Fact]
    public async Task MalformedReport_IsRefusedAndNoneOfTheCallIsStored()
    {
        await Assert.ThrowsAnyAsync<ArgumentException>(
            () => Harness.Sink.ReportAsync([Report(A, 1, 0, Up(10)), Report(B, 1, 0, Up(-1))], CancellationToken.None));

        Assert.Empty(Entries());
    }

    [Fact]
    public async Task FinalReport_SealsTheSourceAlsoAfterARestart()
    {
        await ReportAsync(Report(A, 1, 0, Up(10)) with { Final = true });
        await Harness.RestartAsync();

        var reply = await ReplyAsync(Report(A, 2, 1, Up(12)));

        Assert.Equal(UsageReplyKind.Sealed, reply.Kind);
        Assert.Equal([Up(10)], reply.Folded);
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 1, 0, Up(10)) with { Final = true }));
    }

    [Fact]
    public async Task SourceUnheardForLong_IsSealedAndGoesOnUnderItsSuccessor()
    {
        await ReportAsync(Report(A, 1, 0, Up(10)));
        await Harness.AdvanceAsync(Harness.DeadAfter + TimeSpan.FromHours(1));

        var reply = await ReplyAsync(Report(A, 2, 1, Up(12)));

        Assert.Equal(UsageReplyKind.Sealed, reply.Kind);
        Assert.Equal([Up(10)], reply.Folded);
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A.Successor(), 1, 0, Up(2)) with { Predecessor = UsagePredecessor.Of(A, [Up(10)]) }));
        Assert.Equal([Up(12)], Entries());
    }

    [Fact]
    public async Task SourceThatAsksNowAndThen_IsNotDeclaredDead()
    {
        await ReportAsync(Report(A, 1, 0, Up(10)));
        for (var asked = 0; asked < 3; asked++)
        {
            await Harness.AdvanceAsync(Harness.DeadAfter - TimeSpan.FromHours(1));
            Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 2 + asked, 1 + asked)));
        }

        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(A, 9, 4, Up(11))));
    }

    [Fact]
    public async Task GrowthAfterTheStatementHasClosed_IsAnAdjustment()
    {
        await ReportAsync(Report(A, 1, 0, Up(10)) with { Final = true });
        var closing = Hour.Month.ClosesAt;
        await Harness.AdvanceAsync(closing - Harness.Now - TimeSpan.FromMinutes(1));
        await ReportAsync(Report(B, 1, 0, Up(1)));
        Assert.Empty(Adjustments());
        await Harness.AdvanceAsync(TimeSpan.FromMinutes(1));

        await ReportAsync(Report(B, 2, 1, Up(4)));

        UsageAdjustment[] expected = [new(closing, Key(), new() { BytesUp = 3 })];
        Assert.Equal(expected, Adjustments());
        Assert.Equal(expected, Assert.Single(Read()).Adjustments);
        await Harness.RestartAsync();
        await Harness.AdvanceAsync(TimeSpan.FromDays(5));
        Assert.Equal(expected, Adjustments());
        Assert.Equal([Up(14)], Entries());
        Assert.Empty(Harness.Reader.ListAdjustments(Acme, default, closing));
        Assert.Empty(Harness.Reader.ListAdjustments(Acme, closing.AddTicks(1), DateTimeOffset.MaxValue));
        Assert.Empty(Harness.Reader.ListAdjustments("other", default, DateTimeOffset.MaxValue));
    }

    [Fact]
    public async Task SourceFoldedAfterTheClosing_CountsNothingMore()
    {
        await ReportAsync(Report(A, 1, 0, Up(10)) with { Final = true });
        await Harness.AdvanceAsync(Hour.Month.ClosesAt - Harness.Now + UsageMonth.CorrectionWindow);

        var reply = await ReplyAsync(Report(A, 2, 0, Up(12)));

        Assert.Equal(UsageReplyKind.Forgotten, reply.Kind);
        Assert.Equal([Up(10)], Entries());
        Assert.Empty(Adjustments());
    }

    [Fact]
    public async Task OwnersAndHours_AreReadInOrderAndWithinBounds()
    {
        foreach (var (owner, offset) in new[] { ("b", 0), (Acme, 1), (Acme, -30), (UsageShard.OwnerOfGateway("edge"), 0), (Acme, 0) })
        {
            var hour = new UsageHour(Hour.Number + offset);
            var entry = new UsageEntry(new(Chat, UsageKind.Http, hour.FirstBucket), new() { BytesDown = 1 });
            await ReportAsync(Report(A, 1, 0, entry) with { Shard = new(owner, hour) });
        }

        await ReportAsync(Report(A, 1, 0) with { Shard = new("nothing", Hour) });
        await Harness.RestartAsync();

        Assert.Equal([-30, 0, 1], Harness.Reader.Read(Acme, new(0), new(int.MaxValue)).Select(totals => totals.Hour.Number - Hour.Number));
        Assert.Equal([0], Harness.Reader.Read(Acme, Hour, new(Hour.Number + 1)).Select(totals => totals.Hour.Number - Hour.Number));
        Assert.Empty(Harness.Reader.Read(Acme, Hour, Hour));
        Assert.Empty(Harness.Reader.Read("nobody", new(0), new(int.MaxValue)));
        Assert.Equal([Acme, "b", "gateway/edge"], Harness.Reader.ListOwners(new(0), new(int.MaxValue)));
        Assert.Equal([Acme], Harness.Reader.ListOwners(new(Hour.Number + 1), new(Hour.Number + 2)));
        Assert.Empty(Harness.Reader.ListOwners(Hour, Hour));
    }

    [Fact]
    public async Task ManyReportersAtOnce_EachIsAnsweredAndNothingIsLost()
    {
        const int Reporters = 20;
        const int Reports = 25;
        await Task.WhenAll(Enumerable.Range(1, Reporters).Select(async source =>
        {
            for (var number = 1; number <= Reports; number++)
            {
                Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(new((UInt128)source), number, number - 1, Up(number))));
            }
        }));

        Assert.Equal([Up(Reporters * Reports)], Entries());
        await Harness.RestartAsync();
        Assert.Equal([Up(Reporters * Reports)], Entries());
    }

    [Fact]
    public async Task HourIsReadWhileItIsReported_EachReadIsOfOneInstant()
    {
        using var over = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            var (reads, last) = (0, 0L);
            for (; !over.IsCancellationRequested; reads++)
            {
                var counts = Entries().Select(entry => entry.Counts.BytesUp).ToList();
                Assert.True(counts.TrueForAll(count => count == counts[0]), "half of a report was seen");
                Assert.True(counts.Count == 0 || counts[0] >= last, "totals went down");
                last = counts.Count == 0 ? 0 : counts[0];
            }

            return reads;
        });

        for (var number = 1; number <= 200; number++)
        {
            await ReportAsync(Report(A, number, number - 1, Up(number), Up(number, bucket: 5), Up(number, bucket: 11)));
        }

        await over.CancelAsync();
        Assert.True(await reading > 0, "nothing was read meanwhile");
    }

    private UsageKey Key(int bucket = 0) => new(Chat, UsageKind.Websocket, new(Hour.FirstBucket.Number + bucket));

    private UsageEntry Up(long bytes, int bucket = 0) => new(Key(bucket), new() { BytesUp = bytes });

    private UsageReport Report(UsageSourceId source, long number, long acknowledged, params UsageEntry[] entries)
        => new() { Source = source, Gateway = "edge", Shard = new(Acme, Hour), Number = number, Acknowledged = acknowledged, Entries = entries };

    private async Task<UsageReply> ReplyAsync(UsageReport report) => Assert.Single(await Harness.Sink.ReportAsync([report], CancellationToken.None));

    private async Task<UsageReplyKind> ReportAsync(UsageReport report) => (await ReplyAsync(report)).Kind;

    private List<UsageHourTotals> Read(string owner = Acme) => [.. Harness.Reader.Read(owner, Hour, new(Hour.Number + 1))];

    private List<UsageEntry> Entries(string owner = Acme) => [.. Read(owner).SelectMany(totals => totals.Entries)];

    private IReadOnlyList<UsageAdjustment> Adjustments() => Harness.Reader.ListAdjustments(Acme, default, DateTimeOffset.MaxValue);
}
