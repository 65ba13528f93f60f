using static OrleansEdge.Model.Tests.Usage.Given;

namespace OrleansEdge.Model.Tests.Usage;

public class UsageShardLedgerTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly UsageShardLedger _ledger = new(Shard);

    [Fact]
    public void ReportsOfTwoSources_TotalsAreTheSumOfTheirHighestValues()
    {
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 1, 0, Up(10), Up(7, bucket: 3))));
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(B, 1, 0, Up(5), Up(1, bucket: 1))));
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 2, 1, Up(12))));

        Assert.Equal([Up(17), Up(1, bucket: 1), Up(7, bucket: 3)], _ledger.Totals());
        Assert.Equal([(A, 2), (B, 1)], _ledger.Sources().Select(source => (source.Source, source.Number)));
        Assert.Empty(_ledger.Adjustments);
    }

    [Fact]
    public void ReportRepeatedOrLate_ChangesNothing()
    {
        Apply(Report(A, 1, 0, Up(10)));
        Apply(Report(A, 2, 1, Up(12)));
        var before = Bytes(_ledger);

        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 1, 0, Up(10))));
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 2, 1, Up(12))));

        Assert.Equal(before, Bytes(_ledger));
    }

    [Fact]
    public void WordsOfOneReportAreMixed_EachKeepsItsOwnHighest()
    {
        Apply(Report(A, 1, 0, new UsageEntry(Key(), new() { BytesUp = 9, BytesDown = 1 })));
        Apply(Report(A, 2, 0, new UsageEntry(Key(), new() { BytesUp = 3, BytesDown = 8 })));

        Assert.Equal([new UsageEntry(Key(), new() { BytesUp = 9, BytesDown = 8 })], _ledger.Totals());
    }

    [Fact]
    public void LedgerThatLostWhatItAcknowledged_AsksForEverything()
    {
        Apply(Report(A, 1, 0, Up(10)));
        var old = Copy(_ledger);
        Apply(Report(A, 2, 1, Up(12)));
        var before = Bytes(old);

        Assert.Equal(UsageReply.Resend, old.Apply(Report(A, 3, 2), InTime));
        Assert.Equal(before, Bytes(old));
        Assert.Equal(UsageReply.Stored, old.Apply(Report(A, 4, 0, Up(12)), InTime));
        Assert.Equal([Up(12)], old.Totals());
    }

    [Fact]
    public void FinalReport_SealsAndCanBeRepeated()
    {
        Apply(Report(A, 1, 0, Up(10)));
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 2, 1, Up(12)) with { Final = true }));

        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 2, 1, Up(12)) with { Final = true }));
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 3, 2)));
        Assert.True(Assert.Single(_ledger.Sources()).IsSealed);
        Assert.Null(_ledger.UnsealedSince);
    }

    [Fact]
    public void ReportBeyondWhatWasSealed_IsAnsweredWithAllThatWasAndChangesNothing()
    {
        Apply(Report(A, 1, 0, Up(10), Up(4, bucket: 1)));
        Assert.True(_ledger.SealUnheard(InTime + Day, Day));
        var before = Bytes(_ledger);

        var reply = _ledger.Apply(Report(A, 2, 1, Up(12)), InTime);

        Assert.Equal(UsageReplyKind.Sealed, reply.Kind);
        Assert.Equal([Up(10), Up(4, bucket: 1)], reply.Folded);
        Assert.Equal(before, Bytes(_ledger));
    }

    [Fact]
    public void ReportOfEverythingThatIsNotWhatWasSealed_IsToldSo()
    {
        Apply(Report(A, 1, 0, Up(10), Up(4, bucket: 1)));
        _ledger.SealUnheard(InTime + Day, Day);

        Assert.Equal(UsageReplyKind.Sealed, Apply(Report(A, 2, 0, Up(10))));
        Assert.Equal(UsageReplyKind.Sealed, Apply(Report(A, 2, 0, Up(9), Up(4, bucket: 1))));
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 2, 0, Up(10), Up(4, bucket: 1), Up(0, bucket: 2))));
    }

    [Fact]
    public void FinalReportOfASourceThatWentBack_SealsTheHigherValuesAndIsToldThem()
    {
        Apply(Report(A, 1, 0, Up(10), Up(4, bucket: 1)));

        var reply = _ledger.Apply(Report(A, 2, 0, Up(12)) with { Final = true }, InTime);

        Assert.Equal(UsageReplyKind.Sealed, reply.Kind);
        Assert.Equal([Up(12), Up(4, bucket: 1)], reply.Folded);
        Assert.Equal(reply.Folded, _ledger.Totals());
    }

    [Fact]
    public void SuccessorOfASourceWhoseSealWasLost_WaitsForTheSourcesPart()
    {
        Apply(Report(A, 1, 0, Up(10)));

        Assert.Equal(UsageReplyKind.Resend, Apply(ReportAfter(A, [Up(11)], 1, 0, Up(2))));
        Assert.Equal(UsageReplyKind.Stored, Apply(Report(A, 2, 0, Up(11)) with { Final = true }));
        Assert.Equal(UsageReplyKind.Stored, Apply(ReportAfter(A, [Up(11)], 2, 0, Up(2))));
        Assert.Equal([Up(13)], _ledger.Totals());
    }

    [Fact]
    public void SuccessorOfASourceThatWasLost_WaitsForTheSourcesPart()
    {
        Assert.Equal(UsageReplyKind.Resend, Apply(ReportAfter(A, [Up(11)], 1, 0, Up(2))));
        Assert.Equal(UsageReplyKind.Resend, Apply(ReportAfter(A.Successor(), [], 1, 0, Up(2))));

        Assert.Empty(_ledger.Sources());
    }

    [Fact]
    public void SuccessorOfASourceThatIsSealedWithLessHere_WaitsForTheSourcesPart()
    {
        Apply(Report(A, 1, 0, Up(10), Up(4, bucket: 1)));
        _ledger.SealUnheard(InTime + Day, Day);

        Assert.Equal(UsageReplyKind.Resend, Apply(ReportAfter(A, [Up(11), Up(4, bucket: 1)], 1, 0, Up(2))));
        Assert.Equal(UsageReplyKind.Stored, Apply(ReportAfter(A, [Up(10), Up(4, bucket: 1)], 2, 0, Up(3))));
    }

    [Fact]
    public void SealedLedgerThatLostWhatItAcknowledged_TellsWhatItHas()
    {
        Apply(Report(A, 1, 0, Up(10)));
        _ledger.SealUnheard(InTime + Day, Day);

        Assert.Equal([Up(10)], _ledger.Apply(Report(A, 6, 5), InTime).Folded);
    }

    [Fact]
    public void SourceHeardOfShortlyBefore_IsNotDeclaredDead()
    {
        Apply(Report(A, 1, 0, Up(10)));
        _ledger.Apply(Report(B, 1, 0, Up(1)), InTime.AddSeconds(1));

        Assert.False(_ledger.SealUnheard(InTime + Day - TimeSpan.FromSeconds(1), Day));
        Assert.True(_ledger.SealUnheard(InTime + Day, Day));
        Assert.Equal([true, false], _ledger.Sources().Select(source => source.IsSealed));
        Assert.Equal(InTime.AddSeconds(1), _ledger.UnsealedSince);
    }

    [Fact]
    public void GrowthUpToTheClosing_IsNoAdjustmentAndFromThenOnItIs()
    {
        var closing = Hour.Month.ClosesAt;
        _ledger.Apply(Report(A, 1, 0, Up(10)), closing.AddTicks(-1));
        Assert.Empty(_ledger.Adjustments);

        _ledger.Apply(Report(A, 2, 1, Up(12)), closing);
        _ledger.Apply(Report(A, 3, 2, Up(12)), closing.AddMinutes(1));
        _ledger.Apply(Report(A, 4, 3, Up(15)), closing.AddMinutes(4));
        _ledger.Apply(Report(B, 1, 0, Up(1)), closing.AddMinutes(5));

        Assert.Equal(
            [new UsageAdjustment(closing, Key(), new() { BytesUp = 5 }), new UsageAdjustment(closing.AddMinutes(5), Key(), new() { BytesUp = 1 })],
            _ledger.Adjustments);
        Assert.Equal([Up(16)], _ledger.Totals());
    }

    [Fact]
    public void Folding_WaitsForTheClosingAndTheSealAndChangesNoTotal()
    {
        Apply(Report(A, 1, 0, Up(10)) with { Final = true });
        Apply(Report(B, 1, 0, Up(5)));
        var closing = Hour.Month.ClosesAt;

        Assert.False(_ledger.Fold(closing.AddTicks(-1)));
        Assert.Equal(closing, _ledger.FoldableAt);
        Assert.True(_ledger.Fold(closing));

        Assert.Equal([Up(15)], _ledger.Totals());
        Assert.Equal([B], _ledger.Sources().Select(source => source.Source));
        Assert.Null(_ledger.FoldableAt);
        Assert.Equal(Bytes(_ledger), Bytes(Copy(_ledger)));
        Assert.False(_ledger.Fold(closing.AddYears(1)));
    }

    [Fact]
    public void SourceDeclaredDeadAfterTheClosing_HasTimeToComeBackBeforeItIsFolded()
    {
        _ledger.Apply(Report(A, 1, 0, Up(10)), Late);
        _ledger.SealUnheard(Late + Day, Day);

        Assert.False(_ledger.Fold(Late + UsageMonth.CorrectionWindow - TimeSpan.FromSeconds(1)));
        Assert.True(_ledger.Fold(Late + UsageMonth.CorrectionWindow));
    }

    [Fact]
    public void ReportOfAFoldedSource_IsForgottenAndCountsNothing()
    {
        Apply(Report(A, 1, 0, Up(10)) with { Final = true });
        _ledger.Fold(Late);
        var before = Bytes(_ledger);

        Assert.Equal(UsageReply.Forgotten, _ledger.Apply(Report(A, 3, 2, Up(12)), Late));
        Assert.Equal(UsageReply.Forgotten, _ledger.Apply(Report(A, 4, 0, Up(12), Up(1, bucket: 1)), Late));

        Assert.Equal(before, Bytes(_ledger));
    }

    [Fact]
    public void UnknownSourceAfterTheClosing_IsTakenAsAnAdjustment()
    {
        Apply(Report(A, 1, 0, Up(10)) with { Final = true });
        _ledger.Fold(Late);

        Assert.Equal(UsageReplyKind.Stored, _ledger.Apply(ReportAfter(A, [Up(10)], 1, 0, Up(3)), Late).Kind);

        Assert.Equal([Up(13)], _ledger.Totals());
        Assert.Equal([new UsageAdjustment(Late, Key(), new() { BytesUp = 3 })], _ledger.Adjustments);
    }

    [Fact]
    public void HighestCounts_AddUpWithoutOverflow()
    {
        const long Highest = UsageReportRules.CountBound - 1;
        for (var source = 1; source <= 1000; source++)
        {
            Apply(Report(new((UInt128)source), 1, 0, Up(Highest)));
        }

        Assert.Equal([Up(1000 * Highest)], Copy(_ledger).Totals());
    }

    [Fact]
    public void MalformedReport_IsRefusedAndChangesNothing()
    {
        UsageReport[] malformed =
        [
            Report(A, 0, 0, Up(1)),
            Report(A, 1, -1, Up(1)),
            Report(A, 1, 2, Up(1)),
            Report(A, 1, 0, Up(-1)),
            Report(A, 1, 0, Up(UsageReportRules.CountBound)),
            Report(A, 1, 0, Up(1), Up(2)),
            Report(A, 1, 0, Up(1), Up(1, bucket: 1), Up(2)),
            Report(A, 1, 0, Up(1, bucket: -1)),
            Report(A, 1, 0, Up(1, bucket: 12)),
            Report(A, 1, 0, new UsageEntry(Key(kind: (UsageKind)2), default)),
            Report(A, 1, 0, new UsageEntry(Key(domain: null!), default)),
            Report(A, 1, 0, new UsageEntry(Key(domain: "\ud800"), default)),
            Report(A, 1, 0, new UsageEntry(Key(domain: new('a', UsageReportRules.MaxNameLength + 1)), default)),
            Report(A, 1, 0, Up(1)) with { Shard = Shard with { Owner = "other" } },
            Report(A, 1, 0) with { Shard = Shard with { Owner = "" } },
            Report(A, 1, 0) with { Shard = new(Shard.Owner, new(-1)) },
            Report(A, 1, 0, Up(1)) with { Predecessor = new(B, 0) },
        ];

        Assert.All(malformed, report => Assert.Throws<ArgumentException>(() => _ledger.Apply(report, InTime)));
        Assert.Equal(Bytes(new(Shard)), Bytes(_ledger));
    }

    private UsageReplyKind Apply(UsageReport report) => _ledger.Apply(report, InTime).Kind;
}
