namespace OrleansEdge.Model.Tests.Billing;

public class QuotaRuleTests
{
    [Theory]
    [InlineData(true, 0, ExhaustedQuota.None)]
    [InlineData(true, 10, ExhaustedQuota.None)]
    [InlineData(false, 0, ExhaustedQuota.Http)]
    [InlineData(false, 9, ExhaustedQuota.Http)]
    [InlineData(false, 10, ExhaustedQuota.Http | ExhaustedQuota.Websocket)]
    public void KindWithoutBytesLeft_IsUsedUpWhereThereIsNoPayAsYouGo(bool payAsYouGo, long used, ExhaustedQuota expected)
        => Assert.Equal(expected, QuotaRule.Exhausted(Given.PayAsYouGo(payAsYouGo), Given.Plans(Given.Plan("a", 10, 0, 100)), Given.Used(used), Given.At(50)));

    [Theory]
    [InlineData(-0.001, true)]
    [InlineData(0, false)]
    [InlineData(99.999, false)]
    [InlineData(100, true)]
    public void PlanThatIsNotValidNow_CountsForNothing(double minutes, bool isExhausted)
        => Assert.Equal(
            isExhausted,
            QuotaRule.Exhausted(Given.PayAsYouGo(false), Given.Plans(Given.Plan("a", 10, 0, 100)), PlanUse.Nothing, Given.At(minutes)).HasFlag(ExhaustedQuota.Websocket));

    [Fact]
    public void NoPlanAtAll_IsUsedUp()
        => Assert.Equal(
            ExhaustedQuota.Http | ExhaustedQuota.Websocket, QuotaRule.Exhausted(Given.PayAsYouGo(false), PrepaidPlans.None, PlanUse.Nothing, Given.At(0)));

    [Theory]
    [InlineData(0, 0, "")]
    [InlineData(7, 0, "")]
    [InlineData(8, 0, "80")]
    [InlineData(9, 0, "80")]
    [InlineData(10, 0, "80 100")]
    [InlineData(8, 89, "80")]
    [InlineData(8, 90, "80")]
    public void Thresholds_AreReachedToTheByte(long websocket, long http, string expected)
    {
        var plans = Given.Plans(Given.Plan("w", 10, 0, 100), Given.Plan("h", 1_000, 0, 100, UsageKind.Http));

        var reached = QuotaRule.Reached(new() { Thresholds = [80, 100] }, plans, Given.Used(websocket, http), Given.At(0));

        Assert.Equal(expected, string.Join(' ', reached.Select(alert => alert.Threshold)));
        Assert.All(reached, alert => Assert.Equal((UsageKind.Websocket, "w", websocket, 10), (alert.Kind, alert.Plans, (long)alert.UsedBytes, (long)alert.PrepaidBytes)));
    }

    [Fact]
    public void ManyGreatPlans_AreSummedWithoutOverflow()
    {
        var plans = Given.Plans([.. Enumerable.Range(0, 40).Select(index => Given.Plan($"{index}", PlanDocument.MaxBytes, 0, 100))]);
        var almost = new PlanUse([.. Enumerable.Repeat(PlanDocument.MaxBytes, 39), PlanDocument.MaxBytes - 1]);

        Assert.Equal([99], QuotaRule.Reached(new() { Thresholds = [99, 100] }, plans, almost, Given.At(0)).Select(alert => alert.Threshold));
    }

    [Fact]
    public void SetOfPlans_IsThatOfThoseValidNow()
    {
        var plans = Given.Plans(Given.Plan("b", 1, 0, 100), Given.Plan("old", 1, -100, 0), Given.Plan("a", 1, 0, 50), Given.Plan("coming", 1, 5, 100));

        Assert.Equal("b a", QuotaRule.Reached(new() { Thresholds = [100] }, plans, Given.Used(1, 1, 1), Given.At(0)).Single().Plans);
    }
}
