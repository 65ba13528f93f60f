using static OrleansEdge.Model.Tests.Usage.Given;

namespace OrleansEdge.Model.Tests.Usage;

/// <summary>Sources that follow the protocol, and a ledger, over a network that loses, repeats, reorders and delays. Once all heals, totals
/// are what was counted, and before that they never go down unless the ledger is restored.</summary>
public class UsageConvergenceTests
{
    private const int Seeds = 1500;

    private static readonly string[] Domains = ["a.example", "b.example"];

    [Fact]
    public void RandomLossRepetitionReorderingSealsAndDeaths_TotalsBecomeTheTruth()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            Guarded(seed, () => new Run(seed, mayRestore: false).Play());
        }
    }

    [Fact]
    public void LedgerRestoredFromOlderCopiesInBetween_TotalsBecomeTheTruth()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            Guarded(seed, () => new Run(seed, mayRestore: true).Play());
        }
    }

    [Fact]
    public void EveryShortCourseOfEvents_TotalsBecomeTheTruth()
    {
        const int Length = 5;
        var courses = (int)Math.Pow(Course.Events, Length);
        for (var number = 0; number < courses; number++)
        {
            var course = number;
            Guarded(number, () => new Course().Play(course, Length));
        }
    }

    private static void Guarded(int seed, Action play)
    {
        try
        {
            play();
        }
        catch (Exception failure)
        {
            throw new Xunit.Sdk.XunitException($"with seed {seed}: {failure.Message}", failure);
        }
    }

    private static List<UsageEntry> Sum(IEnumerable<CountingSource> sources)
        => [.. sources.SelectMany(source => source.Counters)
            .GroupBy(cell => cell.Key, cell => cell.Value)
            .Select(group => new UsageEntry(group.Key, group.Aggregate((a, b) => a + b)))
            .Where(entry => entry.Counts != default)
            .OrderBy(entry => entry.Key)];

    private static void Exchange(UsageShardLedger ledger, CountingSource source, DateTimeOffset now)
    {
        var report = source.Report();
        source.Answer(report, ledger.Apply(report, now));
    }

    /// <summary>One random course.</summary>
    private sealed class Run(int seed, bool mayRestore)
    {
        private readonly Random _random = new(seed);
        private readonly List<CountingSource> _sources = [new(A, Shard), new(B, Shard)];
        private readonly List<(int Source, UsageReport Report)> _sent = [];
        private readonly List<(int Source, UsageReport Report)> _everSent = [];
        private readonly List<(int Source, UsageReport Report, UsageReply Reply)> _answers = [];
        private readonly List<UsageShardLedger> _copies = [new(Shard)];
        private UsageShardLedger _ledger = new(Shard);
        private DateTimeOffset _now = InTime;
        private List<UsageEntry>? _stated;

        public void Play()
        {
            var steps = _random.Next(20, 150);
            for (var step = 0; step < steps; step++)
            {
                Step();
            }

            Heal();
            CheckAdjustments();
            FoldAndComeBack();
        }

        private void Step()
        {
            var index = _random.Next(_sources.Count);
            var source = _sources[index];
            switch (_random.Next(14))
            {
                case <= 2:
                    source.Count(Key(_random.Next(12), Domains[_random.Next(2)], (UsageKind)_random.Next(2)), Given.Random(_random));
                    break;
                case <= 5:
                    Send(index, source.Report());
                    break;
                case <= 8:
                    Deliver();
                    break;
                case <= 10 when _answers.Count > 0:
                    var (to, report, reply) = Take(_answers);
                    _sources[to].Answer(report, reply);
                    break;
                case 11 when _sent.Count > 0:
                    Take(_sent);
                    break;
                case 12:
                    PassTime();
                    break;
                case 13:
                    CopyOrRestoreOrDie(index);
                    break;
            }
        }

        private void Send(int source, UsageReport report)
        {
            _sent.Add((source, report));
            _everSent.Add((source, report));
        }

        private void Deliver()
        {
            if (_sent.Count == 0)
            {
                return;
            }

            var (source, report) = _random.Next(4) == 0 ? _sent[_random.Next(_sent.Count)] : Take(_sent);
            _answers.Add((source, report, Apply(report)));
        }

        private UsageReply Apply(UsageReport report)
        {
            var before = _ledger.Totals();
            var reply = _ledger.Apply(report, _now);
            AssertNotLower(before, _ledger.Totals());
            return reply;
        }

        private void PassTime()
        {
            _now += _random.Next(5) == 0 ? TimeSpan.FromDays(_random.Next(1, 3)) : TimeSpan.FromMinutes(_random.Next(10));
            if (_now >= Hour.Month.ClosesAt)
            {
                _stated ??= [.. _ledger.Totals()];
            }

            if (_random.Next(2) == 0)
            {
                _ledger.SealUnheard(_now, TimeSpan.FromHours(_random.Next(24)));
            }

            // What is stored is read again as it was.
            var copy = Copy(_ledger);
            Assert.Equal(Bytes(_ledger), Bytes(copy));
            _ledger = copy;
        }

        private void CopyOrRestoreOrDie(int index)
        {
            if (!mayRestore)
            {
                _sources[index] = _sources[index].Found();
            }
            else if (_random.Next(2) == 0)
            {
                _copies.Add(Copy(_ledger));
            }
            else
            {
                // Whoever is restored was stopped: what was under way to it has failed. Copies of what is given up are not used later.
                var copy = _random.Next(_copies.Count);
                _ledger = Copy(_copies[copy]);
                _copies.RemoveRange(copy + 1, _copies.Count - copy - 1);
                _sent.Clear();
            }
        }

        private void Heal()
        {
            _sources.ForEach(source => source.IsOver = true);

            // Who is done goes on asking whether the ledger still has it.
            for (var round = 0; round == 0 || _sources.Exists(source => !source.IsDone); round++)
            {
                Assert.True(round < 50, "the sources are not done");
                _sources.ForEach(source => Exchange(_ledger, source, _now));
            }

            Assert.Equal(Sum(_sources), _ledger.Totals().Where(entry => entry.Counts != default));
            Assert.Equal(_ledger.Totals(), Copy(_ledger).Totals());
        }

        /// <summary>Without a restore, what was stated and what was adjusted since make up the total.</summary>
        private void CheckAdjustments()
        {
            if (mayRestore)
            {
                return;
            }

            var adjusted = _ledger.Adjustments.Select(adjustment => new UsageEntry(adjustment.Key, adjustment.Delta));
            var all = (_stated ?? _ledger.Totals()).Concat(adjusted)
                .GroupBy(entry => entry.Key, entry => entry.Counts)
                .Select(group => new UsageEntry(group.Key, group.Aggregate((a, b) => a + b)))
                .OrderBy(entry => entry.Key);
            Assert.Equal(_ledger.Totals(), all);
        }

        /// <summary>Long after the closing everything is folded; old reports that turn up, and who finds the old counters, change nothing.</summary>
        private void FoldAndComeBack()
        {
            var totals = _ledger.Totals();
            _now = (_now > Late ? _now : Late) + UsageMonth.CorrectionWindow;
            _ledger.SealUnheard(_now, TimeSpan.Zero);
            _ledger.Fold(_now);
            _ledger = Copy(_ledger);
            Assert.Empty(_ledger.Sources());
            foreach (var (_, report) in _everSent)
            {
                Apply(report);
            }

            // What a restore has made unknown again comes back as an adjustment; without one there is nothing to come.
            if (!mayRestore)
            {
                foreach (var found in _sources.Select(source => source.Found()))
                {
                    Enumerable.Range(0, 20).ToList().ForEach(_ => Exchange(_ledger, found, _now));
                }

                Assert.Equal(totals.Where(entry => entry.Counts != default), _ledger.Totals().Where(entry => entry.Counts != default));
            }
        }

        private T Take<T>(List<T> from)
        {
            var index = _random.Next(from.Count);
            var taken = from[index];
            from.RemoveAt(index);
            return taken;
        }

        private static void AssertNotLower(IReadOnlyList<UsageEntry> before, IReadOnlyList<UsageEntry> after)
        {
            var now = after.ToDictionary(entry => entry.Key, entry => entry.Counts);
            Assert.All(before, entry => Assert.Equal(now[entry.Key], UsageCounts.Max(now[entry.Key], entry.Counts)));
        }
    }

    /// <summary>One course of a few events, named by the digits of a number.</summary>
    private sealed class Course
    {
        public const int Events = 9;

        private readonly CountingSource _source = new(A, Shard);
        private UsageShardLedger _ledger = new(Shard);
        private UsageShardLedger _copy = new(Shard);
        private UsageReport? _last;
        private (UsageReport Report, UsageReply Reply)? _late;

        public void Play(int number, int length)
        {
            for (var left = length; left > 0; left--)
            {
                Happen(number % Events);
                number /= Events;
            }

            _source.IsOver = true;
            for (var round = 0; !_source.IsDone; round++)
            {
                Assert.True(round < 20, "the source is not done");
                Exchange(_ledger, _source, InTime);
            }

            Assert.Equal(Sum([_source]), _ledger.Totals());
        }

        private void Happen(int what)
        {
            switch (what)
            {
                case 0:
                    _source.Count(Key(), new() { BytesUp = 1 });
                    break;
                case 1:
                    _source.Count(Key(1), new() { BytesUp = 1, BytesDown = 1 });
                    break;
                case 2:
                    Exchange(_ledger, _source, InTime);
                    break;
                case 3:
                    // The answer comes later or never.
                    _last = _source.Report();
                    _late = (_last, _ledger.Apply(_last, InTime));
                    break;
                case 4:
                    // Not delivered now.
                    _last = _source.Report();
                    break;
                case 5 when _last is not null:
                    _ledger.Apply(_last, InTime);
                    break;
                case 6 when _late is { } late:
                    _source.Answer(late.Report, late.Reply);
                    break;
                case 7:
                    _ledger.SealUnheard(InTime.AddDays(1), TimeSpan.FromHours(1));
                    break;
                case 8:
                    (_ledger, _copy, _last) = (_copy, Copy(_ledger), null);
                    break;
            }
        }
    }
}
