namespace OrleansEdge.Model.Tests.Billing;

public class PlanAllocationTests
{
    [Fact]
    public void PlanThatExpiresSooner_PaysFirst_ThenTheOneBoughtEarlier_AlsoWithinOneInstant()
    {
        var plans = Given.Plans(
            Given.Plan("late", 10, 0, 100, bought: 1), Given.Plan("plan-2", 10, 0, 50, bought: 3), Given.Plan("plan-10", 10, 0, 50, bought: 3), Given.Plan("early", 10, 0, 50, bought: 2));
        var allocation = new PlanAllocation(plans, PlanUse.Nothing);

        var order = Enumerable.Range(0, 5).Select(_ => (Paid: allocation.Take(UsageKind.Websocket, Given.Bucket(0), 10), Uses(allocation, plans))).ToList();

        Assert.Equal([10, 10, 10, 10, 0], order.Select(step => step.Paid));
        Assert.Equal(["0 0 0 10", "0 10 0 10", "0 10 10 10", "10 10 10 10", "10 10 10 10"], order.Select(step => step.Item2));
    }

    [Fact]
    public void Plan_PaysForItsOwnKindOnly()
    {
        var allocation = new PlanAllocation(Given.Plans(Given.Plan("a", 10, 0, 50, UsageKind.Http)), PlanUse.Nothing);

        Assert.Equal(0, allocation.Take(UsageKind.Websocket, Given.Bucket(0), 5));
        Assert.Equal(5, allocation.Take(UsageKind.Http, Given.Bucket(0), 5));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 1)]
    [InlineData(10, 1)]
    [InlineData(15, 0)]
    public void Plan_CoversTheBucketsThatStartWithinItsValidity(int minutes, long paid)
    {
        var allocation = new PlanAllocation(Given.Plans(Given.Plan("a", 10, 5, 15)), PlanUse.Nothing);

        Assert.Equal(paid, allocation.Take(UsageKind.Websocket, Given.Bucket(minutes), 1));
    }

    [Fact]
    public void UsageBeyondOnePlan_IsTakenFromTheNextAndTheRestIsLeft()
    {
        var plans = Given.Plans(Given.Plan("a", 10, 0, 50), Given.Plan("b", 5, 0, 60));
        var allocation = new PlanAllocation(plans, Given.Used(3));

        Assert.Equal(12, allocation.Take(UsageKind.Websocket, Given.Bucket(0), 100));
        Assert.Equal("10 5", Uses(allocation, plans));
    }

    /// <summary>Every way to spread a few bytes over two buckets, against two plans of every size and validity.</summary>
    [Fact]
    public void EverySmallCase_IsPaidByteByByte()
    {
        (int From, int To)[] validities = [(0, 5), (5, 10), (0, 10)];
        foreach (var first in validities)
        {
            foreach (var second in validities)
            {
                for (var sizes = 0; sizes < 9; sizes++)
                {
                    var plans = Given.Plans(Given.Plan("b", 1 + (sizes % 3), first.From, first.To), Given.Plan("a", 1 + (sizes / 3), second.From, second.To));
                    for (var bytes = 0; bytes < 36; bytes++)
                    {
                        Check(plans, [(0, bytes % 6), (5, bytes / 6)]);
                    }
                }
            }
        }
    }

    [Fact]
    public void RandomWalks_ArePaidByteByByte_AlsoWhenTheyAreInterrupted()
    {
        for (var seed = 0; seed < 1_000; seed++)
        {
            var random = new Random(seed);
            var plans = Given.Plans([.. Enumerable.Range(0, random.Next(6)).Select(index =>
            {
                var from = random.Next(8) * 5;
                return Given.Plan($"{random.Next(100)}-{index}", random.Next(1, 30), from, from + (random.Next(1, 8) * 5), bought: random.Next(3));
            })]);
            Check(plans, [.. Enumerable.Range(0, 8).SelectMany(bucket => Enumerable.Range(0, random.Next(3)).Select(_ => (bucket * 5, random.Next(12))))]);
        }
    }

    private static void Check(PrepaidPlans plans, (int Minutes, int Bytes)[] usage)
    {
        var used = new long[plans.All.Length];
        var use = PlanUse.Nothing;
        foreach (var (minutes, bytes) in usage)
        {
            var expected = 0L;
            for (var one = 0; one < bytes; one++)
            {
                var payer = plans.All
                    .Select((plan, index) => (plan, index))
                    .Where(candidate => candidate.plan.Order.ValidFrom <= Given.At(minutes) && Given.At(minutes) < candidate.plan.Order.ValidTo)
                    .Where(candidate => used[candidate.index] < candidate.plan.Order.Bytes)
                    .OrderBy(candidate => (candidate.plan.Order.ValidTo, candidate.plan.BoughtAt, candidate.index))
                    .Select(candidate => (int?)candidate.index)
                    .FirstOrDefault();
                expected += payer is null ? 0 : 1;
                if (payer is { } index)
                {
                    used[index]++;
                }
            }

            var allocation = new PlanAllocation(plans, use);
            Assert.Equal(expected, allocation.Take(UsageKind.Websocket, Given.Bucket(minutes), bytes));
            use = allocation.Use;
        }

        Assert.Equal(used, Enumerable.Range(0, used.Length).Select(index => use[index]));
    }

    private static string Uses(PlanAllocation allocation, PrepaidPlans plans)
    {
        var use = allocation.Use;
        return string.Join(' ', Enumerable.Range(0, plans.All.Length).Select(index => use[index]));
    }
}
