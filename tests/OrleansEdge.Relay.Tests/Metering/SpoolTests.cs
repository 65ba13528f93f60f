using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using OrleansEdge.Model;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Metering;

public sealed class SpoolTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly List<IDisposable> _disposables = [];

    public void Dispose() => _disposables.ForEach(static disposable => disposable.Dispose());

    [Fact]
    public void CountsOfManyThreads_AreInTheFileToTheByte()
    {
        var test = NewSpool();
        const int Rounds = 20_000;
        var meters = Enumerable.Range(0, 50).Select(i => test.Spool.MeterOf($"t{i % 3}", $"d{i}.example.com", (UsageKind)(i % 2))).ToArray();
        Parallel.For(0, 8, thread =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                meters[(i + thread) % meters.Length].Add(new UsageCounts { BytesUp = 1, BytesDown = 2, OriginBytesUp = 3, EdgeBytesDown = 4 });
                meters[0].Add(new UsageCounts { Sessions = 1 });
            }
        });

        var sums = TestSpool.SumFiles(test.Folder);
        var each = 8 * Rounds / meters.Length;
        Assert.Equal(meters.Length, sums.Count);
        Assert.All(meters, meter => Assert.Equal(
            new UsageCounts { BytesUp = each, BytesDown = 2 * each, OriginBytesUp = 3 * each, EdgeBytesDown = 4 * each, Sessions = meter == meters[0] ? 8 * Rounds : 0 },
            sums[meter.Account]));
    }

    [Fact]
    public void WritersThatMeet_GetSlotsOfTheirOwn()
    {
        var test = NewSpool();
        var account = new SpoolAccount("t", "a.test", UsageKind.Websocket);
        var cell = test.Spool.Open(account, UsageBucket.At(_time.GetUtcNow()));
        cell.Slots[0].Hold();

        Assert.True(cell.TryAdd(new UsageCounts { BytesUp = 7 }));

        Assert.Equal(2, cell.Slots.Length);
        cell.Slots[0].Release(UsageSlot.Free);
        Assert.Equal(7, cell.Sum().BytesUp);
        Assert.Equal(7, TestSpool.SumFiles(test.Folder)[account].BytesUp);
    }

    [Fact]
    public async Task ProcessKilledWhileItCounts_NothingThatWasCountedIsLost()
    {
        for (var kill = 0; kill < 8; kill++)
        {
            var folder = Directory.CreateTempSubdirectory("orleans-edge-spool-").FullName;
            await using var counter = ChildProcess.Start("counter", "dotnet", [typeof(SpoolTests).Assembly.Location, EndlessCounter.Argument, folder]);
            await counter.Output.TakeAsync(static line => line == "." ? line : null, "a whole report");
            await Task.Delay(Random.Shared.Next(50));
            counter.Kill();
            await counter.WaitForExitAsync();
            Assert.Empty(counter.Errors.Snapshot());

            var sums = TestSpool.SumFiles(folder).ToDictionary(sum => sum.Key.Domain, sum => sum.Value);
            var lines = counter.Output.Snapshot().Select(static line => line.Split(' ')).Where(static words => words.Length == 2 && words[1].Length > 0).SkipLast(1);
            Assert.All(lines, words => Assert.InRange(sums.GetValueOrDefault(words[0]).BytesUp, long.Parse(words[1]), long.MaxValue));
            Assert.All(sums.Values, static sum => Assert.InRange(sum.BytesUp - (3 * sum.MessagesUp), 0, 9));
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void FileCutOffAnywhere_LosesNoCounterBeforeTheCut()
    {
        var test = NewSpool();
        for (var i = 0; i < 40; i++)
        {
            test.Spool.MeterOf(new string('t', 60), $"{new string('d', i * 5)}{i}.example.com", UsageKind.Websocket).Add(new UsageCounts { BytesUp = 1 });
        }

        var bytes = TestSpool.ReadBytes(Directory.GetFiles(test.Folder).Order().First());
        var header = SpoolFormat.ReadHeader(bytes)!;
        var before = 0;
        for (var length = SpoolFormat.HeaderBytes; length < SpoolFormat.HeaderBytes + (200 * SpoolFormat.Unit); length += 16)
        {
            var count = SpoolFormat.ReadCells(bytes.AsSpan(0, length), header.Hour).Count;
            Assert.InRange(count, before, before + 1);
            before = count;
        }

        Assert.Equal(40, before);
    }

    [Fact]
    public void RecordThatWasNotPublished_IsSkippedAndHidesNoOther()
    {
        var test = NewSpool();
        for (var i = 0; i < 3; i++)
        {
            test.Spool.MeterOf("t", $"{i}{new string('d', 150)}.example.com", UsageKind.Websocket).Add(new UsageCounts { BytesUp = 1 + i });
        }

        var bytes = TestSpool.ReadBytes(Directory.GetFiles(test.Folder).Order().First())[..(SpoolFormat.HeaderBytes + (20 * SpoolFormat.Unit))];
        var header = SpoolFormat.ReadHeader(bytes)!;
        var whole = SpoolFormat.ReadCells(bytes, header.Hour);
        Assert.Equal(3, whole.Count);
        for (var bit = 0; bit < 9 * SpoolFormat.Unit * 8; bit++)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[SpoolFormat.HeaderBytes + (bit / 8)] ^= (byte)(1 << (bit % 8));
            var cells = SpoolFormat.ReadCells(damaged, header.Hour);

            // A flipped bit hides at most the one record that it is in, and what refers to it; it makes up nothing.
            Assert.InRange(cells.Count, 2, 3);
            Assert.All(cells.Keys, key => Assert.Contains(key, whole));
        }
    }

    [Fact]
    public void HeaderWithAnyBitFlipped_IsNone()
    {
        var page = new byte[SpoolFormat.HeaderBytes];
        var header = new SpoolHeader(UsageSourceId.New(), new UsageHour(12345), DateTimeOffset.UnixEpoch.AddDays(20_000), "gateway-ü");
        SpoolFormat.WriteHeader(page, header);
        Assert.Equal(header, SpoolFormat.ReadHeader(page));
        for (var bit = 0; bit < (46 + 10) * 8; bit++)
        {
            page[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(SpoolFormat.ReadHeader(page));
            page[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void EachEvent_CountsInTheBucketOfItsTime()
    {
        var test = NewSpool();
        var meter = test.Spool.MeterOf("t", "a.test", UsageKind.Websocket);
        var start = UsageBucket.At(_time.GetUtcNow());
        for (var i = 0; i < 15; i++)
        {
            meter.Add(new UsageCounts { BytesUp = 1 << i });
            _time.Advance(UsageBucket.Length);
        }

        var counts = TestSpool.ReadFiles(test.Folder).Values.SelectMany(static cells => cells).ToDictionary(static cell => cell.Key.Bucket, static cell => cell.Value.BytesUp);
        Assert.Equal(Enumerable.Range(0, 15).ToDictionary(i => new UsageBucket(start.Number + i), i => 1L << i), counts);
        Assert.Equal(2, Directory.GetFiles(test.Folder).Length);
    }

    [Fact]
    public void ClockThatStepsAnyWay_LosesAndDoublesNothing()
    {
        var clock = new SteppedClock();
        var test = NewSpool(clock);
        var meter = test.Spool.MeterOf("t", "a.test", UsageKind.Websocket);
        var random = new Random(7);
        var expected = new Dictionary<UsageBucket, long>();
        for (var i = 0; i < 3000; i++)
        {
            clock.Step(TimeSpan.FromMinutes(random.Next(-200, 201) * (random.Next(20) == 0 ? 30 : 0.1)));
            var bucket = UsageBucket.At(clock.GetUtcNow());
            meter.Add(new UsageCounts { BytesDown = i });
            expected[bucket] = expected.GetValueOrDefault(bucket) + i;
            if (random.Next(10) == 0)
            {
                test.Spool.Tend(everything: random.Next(5) == 0).ForEach(static file => file.Dispose());
            }
        }

        var counts = TestSpool.ReadFiles(test.Folder).Values
            .SelectMany(static cells => cells)
            .GroupBy(static cell => cell.Key.Bucket)
            .ToDictionary(static group => group.Key, static group => group.Sum(static cell => cell.Value.BytesDown));
        Assert.Equal(expected.Where(static sum => sum.Value > 0).OrderBy(static sum => sum.Key), counts.Where(static sum => sum.Value > 0).OrderBy(static sum => sum.Key));
    }

    [Fact]
    public void SessionTime_GoesToEachBucketItsPart()
    {
        var test = NewSpool();
        var meter = test.Spool.MeterOf("t", "a.test", UsageKind.Websocket);
        var start = UsageBucket.At(_time.GetUtcNow());
        _time.Advance(TimeSpan.FromMinutes(11));

        meter.AddSessionTime((long)TimeSpan.FromMinutes(10.5).TotalMilliseconds);

        var counts = TestSpool.ReadFiles(test.Folder).Values.SelectMany(static cells => cells).ToDictionary(static cell => cell.Key.Bucket, static cell => cell.Value.SessionMilliseconds);
        Assert.Equal(270_000, counts[start]);
        Assert.Equal(300_000, counts[new(start.Number + 1)]);
        Assert.Equal(60_000, counts[new(start.Number + 2)]);
    }

    [Fact]
    public void HourThatIsOver_TakesNothingMore_LateCountsGetASourceOfTheirOwn()
    {
        var test = NewSpool();
        var meter = test.Spool.MeterOf("t", "a.test", UsageKind.Websocket);
        var bucket = UsageBucket.At(_time.GetUtcNow());
        meter.Add(new UsageCounts { BytesUp = 1 });
        var late = test.Spool.Open(meter.Account, bucket);
        _time.Advance(TimeSpan.FromHours(1) + UsageSpool.CloseAfter);
        var closed = Assert.Single(test.Spool.Tend(everything: false));
        Assert.False(late.TryAdd(new UsageCounts { BytesUp = 2 }));
        Assert.Equal(1, closed.Cells().Single().Sum().BytesUp);

        test.Spool.Open(meter.Account, bucket).TryAdd(new UsageCounts { BytesUp = 4 });

        var counts = TestSpool.ReadFiles(test.Folder).Values.Where(static cells => cells.Count > 0).Select(cells => cells[(meter.Account, bucket)].BytesUp).Order();
        Assert.Equal([1, 4], counts);
        closed.Dispose();
    }

    [Fact]
    public void NextHour_HasItsFileBeforeItBegins()
    {
        var test = NewSpool();
        var hour = UsageHour.At(_time.GetUtcNow());
        _time.Advance(hour.End - _time.GetUtcNow() - (UsageSpool.CloseAfter / 2));

        test.Spool.Tend(everything: false);

        Assert.Equal([hour, new(hour.Number + 1)], test.Spool.OpenFiles.Select(static file => file.Header.Hour).Order());
    }

    [Fact]
    public void CountersOverManyExtents_GrowWithoutLoss()
    {
        var test = NewSpool();
        const int Domains = 30_000;
        for (var i = 0; i < Domains; i++)
        {
            test.Spool.MeterOf("t", $"d{i}.example.com", UsageKind.Websocket).Add(new UsageCounts { BytesUp = i });
        }

        // What found no room while the file grew has moved into it now.
        Assert.All(test.Spool.OpenFiles, static file => file.Tend());
        while (test.Spool.OpenFiles.Sum(static file => file.CountersInMemory) > 0)
        {
            Assert.All(test.Spool.OpenFiles, static file => file.Tend());
        }

        var sums = TestSpool.SumFiles(test.Folder);
        Assert.Equal(Domains, sums.Count);
        Assert.Equal(Domains * (Domains - 1L) / 2, sums.Values.Sum(static sum => sum.BytesUp));
    }

    [Fact]
    public void DiskWithoutRoom_CountsInMemoryAndSaysSo_AndMovesIntoTheFileWhenThereIsRoom()
    {
        var log = new CollectedLog();
        var test = NewSpool(log: log);
        var meter = test.Spool.MeterOf("t", "a.test", UsageKind.Websocket);

        // The folder of the next hour's file is gone: a file stands in its place.
        _time.Advance(TimeSpan.FromHours(2));
        var folder = test.Folder;
        Directory.Move(folder, folder + ".away");
        File.WriteAllText(folder, "");
        meter.Add(new UsageCounts { BytesUp = 5 });
        meter.Add(new UsageCounts { BytesUp = 6 });
        var file = test.Spool.OpenFiles.Single(file => file.Header.Hour == UsageHour.At(_time.GetUtcNow()));
        Assert.Equal(1, file.CountersInMemory);
        Assert.Equal([1400], log.EventIds);

        File.Delete(folder);
        Directory.Move(folder + ".away", folder);
        file.Tend();
        meter.Add(new UsageCounts { BytesUp = 7 });

        Assert.Equal(0, file.CountersInMemory);
        Assert.Equal([1400, 1401], log.EventIds);
        Assert.Equal(18, TestSpool.SumFiles(folder)[meter.Account].BytesUp);
    }

    [SmallDiskFact]
    public async Task DiskThatFillsUpWhileAFileGrows_CountsInMemoryAndSaysSo_AndMovesIntoTheFileWhenThereIsRoom()
    {
        await using var disk = SmallDisk.Mount("2200k");
        var log = new CollectedLog();
        using var spool = TestSpool.New(disk.Path, _time, log);
        const int Domains = 10_000;
        for (var i = 0; i < Domains; i++)
        {
            spool.MeterOf("t", $"d{i}.example.com", UsageKind.Websocket).Add(new UsageCounts { BytesUp = i });
        }

        var file = Assert.Single(spool.OpenFiles);
        file.Tend();
        Assert.Equal([1400], log.EventIds);
        Assert.InRange(file.CountersInMemory, 1, Domains - 1);
        Assert.Equal(Domains * (Domains - 1L) / 2, file.Cells().Sum(static cell => cell.Sum().BytesUp));

        disk.GiveRoom("16m");
        file.Tend();
        while (file.CountersInMemory > 0)
        {
            file.Tend();
        }

        Assert.Equal([1400, 1401], log.EventIds);
        Assert.Equal(Domains * (Domains - 1L) / 2, TestSpool.SumFiles(disk.Path).Values.Sum(static sum => sum.BytesUp));
    }

    [Fact]
    public void HourThatIsOver_GivesItsMemoryBackWithItsFile()
    {
        var test = NewSpool();
        Assert.NotEmpty(MappingsOf(test.Folder));

        CountAndClose(test);
        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.Empty(MappingsOf(test.Folder));
    }

    [Fact]
    public void WritersWhileCountersMoveIntoTheFile_LoseNothing()
    {
        var folder = Directory.CreateTempSubdirectory("orleans-edge-spool-").FullName;
        var barred = Path.Combine(folder, "barred");
        File.WriteAllText(barred, "");
        for (var round = 0; round < 30; round++)
        {
            File.WriteAllText(barred, "");
            var file = new SpoolFile(barred, UsageHour.At(_time.GetUtcNow()), "g", _time, NullLogger);
            var cell = file.Open(new("t", "a.test", UsageKind.Http), UsageBucket.At(_time.GetUtcNow()))!;
            var isOver = false;
            var added = 0L;
            var writers = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                var own = 0;
                for (; !Volatile.Read(ref isOver); own++)
                {
                    Assert.True(cell.TryAdd(new UsageCounts { BytesUp = 1 }));
                }

                Interlocked.Add(ref added, own);
            })).ToList();
            writers.ForEach(static writer => writer.Start());
            File.Delete(barred);
            file.Tend();
            Volatile.Write(ref isOver, true);
            writers.ForEach(static writer => writer.Join());

            Assert.Equal(0, file.CountersInMemory);
            Assert.Equal(added, cell.Sum().BytesUp);
            Assert.Equal(added, TestSpool.SumFiles(barred).Values.Single().BytesUp);
            file.Dispose();
            Directory.Delete(barred, recursive: true);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void FilesOfAProcessThatLives_AreNotFound_ThoseOfADeadOneAre()
    {
        var test = NewSpool();
        test.Spool.MeterOf("t", "a.test", UsageKind.Websocket).Add(new UsageCounts { BytesUp = 9 });
        var finder = new ClosedSourceFinder(test.Folder, NullLogger);
        Assert.Empty(finder.Find());

        test.Spool.Dispose();
        using var found = Assert.Single(finder.Find());

        Assert.Equal(9, found.UnreportedBytes);
        Assert.Empty(finder.Find());
    }

    [Fact]
    public void FileThatIsNoSpool_IsLeftAloneAndToldOnce()
    {
        var test = NewSpool();
        var log = new CollectedLog();
        var path = Path.Combine(test.Folder, "20300101T00-x.spool");
        File.WriteAllText(path, "something else");
        var finder = new ClosedSourceFinder(test.Folder, log);

        Assert.Empty(finder.Find());
        Assert.Empty(finder.Find());

        Assert.Equal([1403], log.EventIds);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void FileThatMayNotBeOpened_IsToldOnce_HoldsUpNoOther_AndIsTakenWhenItMay()
    {
        var test = NewSpool();
        var log = new CollectedLog();
        test.Spool.MeterOf("t", "a.test", UsageKind.Websocket).Add(new UsageCounts { BytesUp = 9 });
        test.Spool.Dispose();
        var barred = Path.Combine(test.Folder, "20000101T00-x.spool");
        File.CreateSymbolicLink(barred, FileThatNobodyMayWrite);
        File.CreateSymbolicLink(barred + UsageSpool.MakingExtension, FileThatNobodyMayWrite);
        var finder = new ClosedSourceFinder(test.Folder, log);

        using var found = Assert.Single(finder.Find());
        Assert.Empty(finder.Find());
        Assert.Equal([1408, 1402, 1408], log.EventIds);

        found.Dispose();
        File.Move(found.FilePath, barred, overwrite: true);
        using var taken = Assert.Single(finder.Find());
        Assert.Equal((barred, 9), (taken.FilePath, taken.UnreportedBytes));
    }

    [Fact]
    public void FaultWhileFilesAreTaken_LeavesNoneLocked()
    {
        var test = NewSpool();
        test.Spool.Dispose();
        var path = Assert.Single(Directory.GetFiles(test.Folder));
        var huge = Path.Combine(test.Folder, "99990101T00-x.spool");
        File.Copy(path, huge);
        using (var file = File.OpenWrite(huge))
        {
            // More than an array holds.
            file.SetLength(3L * 1024 * 1024 * 1024);
        }

        var finder = new ClosedSourceFinder(test.Folder, NullLogger);
        Assert.ThrowsAny<Exception>(finder.Find);
        File.OpenWrite(huge).Dispose();
        File.Delete(huge);

        using var found = Assert.Single(finder.Find());
        Assert.Equal(path, found.FilePath);
    }

    [Fact]
    public void FileThatWasNeverFinished_IsRemoved()
    {
        var test = NewSpool();
        var path = Path.Combine(test.Folder, "20300101T00-x.spool.new");
        File.WriteAllText(path, "");

        Assert.Empty(new ClosedSourceFinder(test.Folder, NullLogger).Find());

        Assert.False(File.Exists(path));
    }

    // In a method of its own, so that no local keeps a cell.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CountAndClose(TestSpool test)
    {
        test.Spool.MeterOf("t", "a.test", UsageKind.Websocket).Add(new UsageCounts { BytesUp = 1 });
        foreach (var file in test.Spool.Tend(everything: true))
        {
            file.Dispose();
            file.Delete();
        }
    }

    private static IEnumerable<string> MappingsOf(string folder) => File.ReadLines("/proc/self/maps").Where(line => line.Contains(folder, StringComparison.Ordinal));

    // Not even the superuser, who may do everything else.
    private const string FileThatNobodyMayWrite = "/proc/sys/kernel/osrelease";

    private static ILogger NullLogger => Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    private TestSpool NewSpool(TimeProvider? time = null, CollectedLog? log = null)
    {
        var test = new TestSpool(time ?? _time, logger: log);
        _disposables.Add(test);
        return test;
    }

    private sealed class SteppedClock : TimeProvider
    {
        private DateTimeOffset _now = new(2030, 6, 1, 12, 0, 0, TimeSpan.Zero);

        public void Step(TimeSpan by) => _now += by;

        public override DateTimeOffset GetUtcNow() => _now;
    }
}

/// <summary>Ids of what was logged.</summary>
internal sealed class CollectedLog : ILogger<UsageSpool>
{
    private readonly List<int> _eventIds = [];

    public IReadOnlyList<int> EventIds
    {
        get
        {
            lock (_eventIds)
            {
                return [.. _eventIds];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_eventIds)
        {
            _eventIds.Add(eventId.Id);
        }
    }
}
