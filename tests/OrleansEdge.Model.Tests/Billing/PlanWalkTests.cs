namespace OrleansEdge.Model.Tests.Billing;

public class PlanWalkTests
{
    private const int Hours = 24 * 4;

    /// <summary>Usage arrives in any order, mostly late by a little, sometimes by days: what is used is always what a walk from the
    /// start of the month finds.</summary>
    [Fact]
    public void UsageThatArrivesInAnyOrder_EndsAsIfItHadComeInOrder()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var plans = RandomPlans(random);
            var before = Given.Used(random.Next(5), random.Next(5));
            var late = new[] { Given.Late(Given.At(-1), Given.Usage(-60 * random.Next(100), random.Next(20))) };
            var walk = new PlanWalk(plans, Given.January, before, late);
            var entries = new List<UsageEntry>();
            for (var round = 0; round < Hours; round++)
            {
                var changed = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Given.Usage(RandomMinutes(random, round), random.Next(10), $"{random.Next(3)}.example")).ToList();
                entries.AddRange(changed);
                Update(walk, entries, changed.Min(entry => entry.Key.Bucket.Hour));

                Assert.Equal(Uses(FromStart(plans, before, late, entries), plans), Uses(walk.Use, plans));
            }
        }
    }

    [Fact]
    public void WholeMonth_KeepsFewStates()
    {
        var walk = new PlanWalk(PrepaidPlans.None, Given.January, PlanUse.Nothing, []);
        var all = Enumerable.Range(0, 744).Select(hour => Given.Usage(hour * 60, 1)).ToList();
        foreach (var hour in Given.Hours(all, []))
        {
            walk.Add(hour);
        }

        var states = new HashSet<UsageHour>();
        for (var hour = 743; hour >= 0; hour--)
        {
            states.Add(walk.Rewind(UsageHour.At(Given.At(hour * 60))));
        }

        // The first of each day, and two more than that among the newest three.
        Assert.Equal(31 + 3, states.Count);
    }

    [Fact]
    public void HoursThatWereNotAddedAgain_AreAskedForAgain()
    {
        var walk = new PlanWalk(PrepaidPlans.None, Given.January, PlanUse.Nothing, []);
        var hours = Given.Hours(Enumerable.Range(0, 30).Select(hour => Given.Usage(hour * 60, 1)), []).ToList();
        hours.ForEach(walk.Add);

        var first = walk.Rewind(hours[24].Hour);

        Assert.Equal(hours[24].Hour, first);
        Assert.Equal(first, walk.Rewind(hours[29].Hour));
        Assert.Equal(hours[0].Hour, walk.Rewind(hours[23].Hour));
    }

    [Fact]
    public void HourAddedTwice_IsRefused()
    {
        var walk = new PlanWalk(PrepaidPlans.None, Given.January, PlanUse.Nothing, []);
        var hour = Given.Hours([Given.Usage(0, 1)], []).Single();
        walk.Add(hour);

        Assert.Throws<ArgumentException>(() => walk.Add(hour));
    }

    private static int RandomMinutes(Random random, int hour)
        => random.Next(10) switch
        {
            0 => random.Next(Hours * 60),
            1 or 2 => Math.Max(0, hour - random.Next(4)) * 60,
            _ => (hour * 60) + random.Next(60),
        };

    private static PrepaidPlans RandomPlans(Random random) => Given.Plans([.. Enumerable.Range(0, 4).Select(index =>
    {
        var from = random.Next(Hours) * 60;
        return Given.Plan($"{index}", random.Next(5, 200), from, from + (random.Next(1, Hours) * 60));
    })]);

    private static void Update(PlanWalk walk, List<UsageEntry> entries, UsageHour changed)
    {
        var from = walk.Rewind(changed);
        Assert.True(from <= changed);
        foreach (var hour in Given.Hours(entries, []).Where(hour => hour.Hour >= from))
        {
            walk.Add(hour);
        }
    }

    private static PlanUse FromStart(PrepaidPlans plans, PlanUse before, IEnumerable<UsageAdjustment> late, List<UsageEntry> entries)
    {
        var allocation = new PlanAllocation(plans, before);
        var all = late.Select(adjustment => (adjustment.Key, adjustment.Delta.BillableBytes))
            .Concat(entries.OrderBy(entry => entry.Key).Select(entry => (entry.Key, entry.Counts.BillableBytes)));
        foreach (var (key, bytes) in all)
        {
            allocation.Take(key.Kind, key.Bucket, bytes);
        }

        return allocation.Use;
    }

    private static IEnumerable<long> Uses(PlanUse use, PrepaidPlans plans) => Enumerable.Range(0, plans.All.Length).Select(plan => use[plan]);
}
