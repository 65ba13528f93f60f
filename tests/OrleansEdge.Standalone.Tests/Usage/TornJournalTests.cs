using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Usage;

namespace OrleansEdge.Standalone.Tests.Usage;

/// <summary>What a kill, a crash of the machine or a bad disk can leave.</summary>
public class TornJournalTests : LedgerTests
{
    private const int JournalCut = 3202;
    private const int LedgerDamaged = 3201;
    private const int HourMaintained = 3208;

    [Fact]
    public async Task LastFrameCutAtEveryByte_WhatWasBeforeIsThereAndTheLedgerGoesOn()
    {
        var (killed, before) = await ThreeReportsAsync();
        var bytes = await File.ReadAllBytesAsync(killed);
        Harness.Stop();
        for (var length = before; length < bytes.Length; length++)
        {
            Restore(bytes[..length]);
            Harness.Start();
            Assert.Equal(20, Total());
            Assert.Equal(UsageReplyKind.Resend, await ReportAsync(4, 40));
            Assert.Equal(UsageReplyKind.Stored, await ReportAsync(3, 30));
            Harness.Stop();
        }

        Assert.Equal(bytes.Length - before - 1, Harness.Log.Events.Count(entry => entry.Id == JournalCut));
    }

    [Fact]
    public async Task LastFrameOfRubbish_IsCutOff()
    {
        var (killed, before) = await ThreeReportsAsync();
        var bytes = await File.ReadAllBytesAsync(killed);
        Harness.Stop();
        foreach (var rubbish in new[] { new byte[5000], [.. Enumerable.Repeat((byte)0xFF, 77)], bytes[before..^1], [.. bytes[before..^1], 0] })
        {
            Restore([.. bytes[..before], .. rubbish]);
            Harness.Start();
            Assert.Equal(20, Total());
            Harness.Stop();
        }
    }

    [Fact]
    public async Task AnyByteBeforeTheLastFrameChanged_StartIsRefusedInOneSentence()
    {
        var (killed, before) = await ThreeReportsAsync();
        var bytes = await File.ReadAllBytesAsync(killed);
        Harness.Stop();
        for (var place = 0; place < before; place++)
        {
            bytes[place] ^= 0x40;
            Restore(bytes);
            bytes[place] ^= 0x40;

            var refused = Assert.Throws<DataDirectoryException>(Harness.Start);

            Assert.Matches(@"^The usage file \S+journal-00000001\.log is damaged: .+\. Restore it from a copy\.$", refused.Message);
        }

        Assert.Equal(before, Harness.Log.Events.Count(entry => entry.Id == LedgerDamaged));
    }

    [Fact]
    public async Task JournalGone_StartIsRefusedWhereThereAreHours()
    {
        await ReportAsync(1, 10);
        Harness.Stop();
        File.Delete(Harness.JournalPath);

        var refused = Assert.Throws<DataDirectoryException>(Harness.Start);

        Assert.Contains("it is missing, though there are files of hours", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KilledAtAnyStepOfACheckpoint_EverythingIsThereOnce()
    {
        await ReportAsync(1, 10);
        await ReportAsync(Report(Hour, B, 1, 0, 1) with { Final = true });
        await ReportAsync(Report(new(Hour.Number - 1), A, 1, 0, 5));
        var journal = await File.ReadAllBytesAsync(Harness.JournalPath);
        Harness.Stop();
        var segments = Harness.Segments.ToDictionary(path => path, File.ReadAllBytes);
        Assert.Equal(2, segments.Count);

        // One hour written; both written; the new journal made; a part of a new file left over.
        foreach (var (written, isBegun) in new[] { (0, false), (1, false), (2, false), (2, true) })
        {
            Directory.Delete(Harness.Folder, recursive: true);
            Directory.CreateDirectory(Harness.Folder);
            foreach (var (path, content) in segments.Take(written))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllBytesAsync(path, content);
                await File.WriteAllBytesAsync(Path.Combine(Path.GetDirectoryName(path)!, ".new"), content[..10]);
            }

            await File.WriteAllBytesAsync(Path.Combine(Harness.Folder, "journal-00000001.log"), journal);
            if (isBegun)
            {
                await File.WriteAllBytesAsync(Path.Combine(Harness.Folder, "journal-00000002.log"), "OEUJRN1\n"u8.ToArray());
            }

            Harness.Start();
            Assert.Equal((11, 5), (Total(), Total(hour: new(Hour.Number - 1))));
            Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(Hour, A, 2, 1, 0)));
            Assert.Equal(UsageReplyKind.Sealed, await ReportAsync(Report(Hour, B, 2, 1, 2)));
            Harness.Stop();
            Assert.Equal(segments.Keys.Order(StringComparer.Ordinal), Harness.Segments.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task JournalReplayedOverFilesThatHaveIt_LeavesTheSameFiles()
    {
        await ReportAsync(1, 10);
        await ReportAsync(2, 20);
        await ReportAsync(Report(Hour, B, 1, 0, 1) with { Final = true });
        var journal = await File.ReadAllBytesAsync(Harness.JournalPath);
        Harness.Stop();
        var before = await File.ReadAllBytesAsync(Assert.Single(Harness.Segments));
        await File.WriteAllBytesAsync(Harness.JournalPath, journal);

        await Harness.RestartAsync();
        Harness.Stop();

        Assert.Equal(before, await File.ReadAllBytesAsync(Assert.Single(Harness.Segments)));
    }

    [Fact]
    public async Task AnyByteOfAnHoursFileChanged_IsNoticedOrHarmless()
    {
        for (var owner = 0; owner < 9; owner++)
        {
            await ReportAsync(1, 100 + owner, $"owner-{owner}");
        }

        Harness.Stop();
        var path = Assert.Single(Harness.Segments);
        var bytes = await File.ReadAllBytesAsync(path);
        var noticed = 0;
        for (var place = 16; place < bytes.Length; place++)
        {
            bytes[place] ^= 0x20;
            await File.WriteAllBytesAsync(path, bytes);
            bytes[place] ^= 0x20;
            noticed += IsNoticed(path) ? 1 : 0;
        }

        Assert.Equal(bytes.Length - 16, noticed);
    }

    [Fact]
    public async Task HoursFileDamaged_ItsReportsAreUnavailableAndOthersAreNot()
    {
        await ReportAsync(1, 10);
        Harness.Stop();
        var path = Assert.Single(Harness.Segments);
        var bytes = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, [.. bytes[..^1], 0]);
        Harness.Start();

        Assert.Equal(UsageReplyKind.Unavailable, await ReportAsync(2, 20));
        Assert.Equal(UsageReplyKind.Unavailable, await ReportAsync(2, 20));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(new(Hour.Number + 1), A, 1, 0, 5)));
        Assert.Throws<UsageDamageException>(() => Total());
        Assert.Single(Harness.Log.Events, entry => entry.Id == 3207);

        await File.WriteAllBytesAsync(path, bytes);
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(2, 20));
        Assert.Equal(20, Total());
    }

    [Fact]
    public async Task PageOfAnHoursFileDamaged_HoldsUpNoOtherHour_AndPassesWhenAnotherFileIsPutInItsPlace()
    {
        const int Checkpointed = 8;
        var owners = Enumerable.Range(0, 9).Select(number => $"owner-{number}").ToList();
        foreach (var owner in owners)
        {
            await ReportAsync(1, 100, owner);
        }

        var hour = Hour;
        await Harness.RestartAsync();
        var path = Assert.Single(Harness.Segments);
        var bytes = await File.ReadAllBytesAsync(path);
        var damaged = (byte[])bytes.Clone();
        damaged[UsageSegmentFormat.HeadBytes + UsageSegmentFormat.ChecksumBytes] ^= 1;
        await File.WriteAllBytesAsync(path, damaged);
        var inside = owners.First(owner => UsageSegmentFormat.PageOf(owner, 3) == 0);
        var outside = owners.First(owner => UsageSegmentFormat.PageOf(owner, 3) != 0);

        Assert.Equal(UsageReplyKind.Unavailable, await ReportAsync(2, 200, inside));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(2, 200, outside));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(new(hour.Number - 1), A, 1, 0, 5)));
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(new(hour.Number + 1), A, 1, 0, 5)));
        await Harness.AdvanceAsync(TimeSpan.FromHours(26));
        Assert.Equal(3, Harness.Segments.Length);
        Assert.Equal(2, Harness.Log.Events.Count(entry => entry.Id == HourMaintained));
        Assert.NotEqual(Checkpointed, new FileInfo(Harness.JournalPath).Length);

        await File.WriteAllBytesAsync(path + ".copy", bytes);
        File.Move(path + ".copy", path, overwrite: true);
        Assert.Equal(UsageReplyKind.Stored, await ReportAsync(Report(hour, A, 2, 1, 200, inside)));
        await Harness.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.Equal(Checkpointed, new FileInfo(Harness.JournalPath).Length);
        Assert.Equal((200, 200, 1100), (Total(inside, hour), Total(outside, hour), owners.Sum(owner => Total(owner, hour))));
    }

    private bool IsNoticed(string path)
    {
        try
        {
            using var segment = UsageSegment.Open(path, Hour);
            var read = segment.ReadAll().Select(block => block.Ledger.Totals()[0].Counts.BytesUp).Order().ToList();
            var owners = new HashSet<string>();
            segment.ListOwners(owners);
            Assert.Equal(Enumerable.Range(0, 9).Select(owner => 100L + owner), read);
            Assert.Equal(9, owners.Count);
            return false;
        }
        catch (UsageDamageException)
        {
            return true;
        }
    }

    /// <summary>Reports 10, 20 and 30 bytes.</summary>
    /// <returns>A copy of the journal as a kill leaves it, and where its last frame begins.</returns>
    private async Task<(string Journal, int LastFrame)> ThreeReportsAsync()
    {
        await ReportAsync(1, 10);
        await ReportAsync(2, 20);
        var before = (int)new FileInfo(Harness.JournalPath).Length;
        await ReportAsync(3, 30);
        var copy = Path.Combine(Harness.NewFolder("killed"), "journal");
        File.Copy(Harness.JournalPath, copy);
        return (copy, before);
    }

    private void Restore(byte[] journal)
    {
        Directory.Delete(Harness.Folder, recursive: true);
        Directory.CreateDirectory(Harness.Folder);
        File.WriteAllBytes(Path.Combine(Harness.Folder, "journal-00000001.log"), journal);
    }
}
