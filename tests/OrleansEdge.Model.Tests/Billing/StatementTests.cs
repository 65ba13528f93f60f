using System.Text;

namespace OrleansEdge.Model.Tests.Billing;

public class StatementTests
{
    [Fact]
    public void Usage_IsSummedByDomainKindAndPrice()
    {
        var terms = Given.Terms(websocket: 1).With(Given.At(60), Given.PayAsYouGo(websocket: 2)).With(Given.At(120), Given.PayAsYouGo(enabled: false))
            .With(Given.At(180), Given.PayAsYouGo(websocket: 1));

        var statement = Build(terms, PrepaidPlans.None, [.. Enumerable.Range(0, 4).SelectMany(hour => new[] { Given.Usage(hour * 60, 900), Given.Usage((hour * 60) + 5, 90, "b.example") })]);

        Assert.Equal(
            ["a.example 1 1800 2 4 2", "a.example 2 900 1 2 1", "a.example  900 1 2 1", "b.example 1 180 2 4 2", "b.example 2 90 1 2 1", "b.example  90 1 2 1"],
            statement.Lines.Select(line => $"{line.Domain} {line.PricePerGB} {line.BillableBytes} {line.MessagesUp} {line.MessagesDown} {line.Sessions}"));
    }

    [Fact]
    public void PriceIsThatOfTheBucketsStart()
    {
        var terms = Given.Terms(websocket: 1).With(Given.At(5), Given.PayAsYouGo(websocket: 2)).With(Given.At(12), Given.PayAsYouGo(websocket: 3));

        var statement = Build(terms, PrepaidPlans.None, [Given.Usage(0, 1), Given.Usage(5, 10), Given.Usage(10, 100), Given.Usage(15, 1000)]);

        Assert.Equal(["1 1", "2 110", "3 1000"], statement.Lines.Select(line => $"{line.PricePerGB} {line.BillableBytes}"));
    }

    [Fact]
    public void EachLine_IsRoundedOnceAndTotalsAreSumsOfLines()
    {
        var usage = Enumerable.Range(0, 100).SelectMany(bucket => new[] { "a.example", "b.example" }.Select(domain => Given.Usage(bucket * 5, 15_000_000, domain)));

        var statement = Build(Given.Terms(websocket: 0.01m), PrepaidPlans.None, [.. usage]);

        // 1.5 GB at 0.01 are 0.015, which goes to the even cent; bucket by bucket it would have been nothing.
        Assert.Equal([0.02m, 0.02m], statement.Lines.Select(line => line.Amount));
        Assert.Equal([new StatementTotal("USD", 0.04m)], statement.Totals);
    }

    [Fact]
    public void CurrencyThatChanged_HasATotalOfItsOwn()
    {
        var terms = Given.Terms(websocket: 1).With(Given.At(60), Given.PayAsYouGo(websocket: 100, currency: "JPY"));

        var statement = Build(terms, PrepaidPlans.None, [Given.Usage(0, 2_000_000_000), Given.Usage(60, 3_000_000_000)]);

        Assert.Equal([new("JPY", 300m), new StatementTotal("USD", 2.00m)], statement.Totals);
        Assert.Equal(["300", "2.00"], statement.Totals.Select(total => $"{total.Amount}"));
    }

    [Fact]
    public void EdgesOwnBytes_MakeNoLine()
    {
        var entry = new UsageEntry(Given.Usage(0, 1).Key, new() { EdgeBytesDown = 4, EdgeBytesUp = 6, OriginBytesUp = 7 });

        Assert.Empty(Build(Given.Terms(), PrepaidPlans.None, [entry]).Lines);
    }

    [Fact]
    public void Plans_AreListedWhereTheyWereValidOrPaid()
    {
        var plans = Given.Plans(
            Given.Plan("before", 100, -1000, 0), Given.Plan("paid-late", 100, -1000, 0), Given.Plan("within", 100, 60, 120), Given.Plan("coming", 100, 44_640, 50_000));
        var builder = new StatementBuilder("acme", Given.January, plans, Given.Terms(), Given.Used(100, 7));
        builder.AddAdjustments([Given.Late(Given.January.Previous.ClosesAt, Given.Usage(-60, 5))]);

        var statement = builder.Build(isClosed: false);

        Assert.Equal(["paid-late 7 5", "within 0 0"], statement.Plans.Select(plan => $"{plan.Id} {plan.UsedBefore} {plan.Used}"));
        Assert.Equal(["2025-12 5 0"], statement.Adjustments.Select(line => $"{line.Month} {line.PlanBytes} {line.BillableBytes}"));
    }

    [Theory]
    [InlineData("2026-02-03T23:59:59.9999999Z", "2026-01-01")]
    [InlineData("2026-02-04T00:00:00Z", "2026-02-01")]
    [InlineData("2026-02-28T12:00:00Z", "2026-02-01")]
    [InlineData("2026-01-01T00:00:00Z", "2025-12-01")]
    public void EarliestOpenMonth_IsTheOneWhoseWindowIsOpen(string now, string start)
        => Assert.Equal(start, $"{StatementPeriod.EarliestOpen(DateTimeOffset.Parse(now)):yyyy-MM-dd}");

    [Fact]
    public void EveryAdjustment_IsOnExactlyOneStatement()
    {
        for (var month = Given.January; month < new UsageMonth(2030, 1); month = month.Next)
        {
            Assert.Equal(StatementPeriod.AdjustmentsTo(month), StatementPeriod.AdjustmentsFrom(month.Next));
            Assert.Equal(month.ClosesAt, StatementPeriod.AdjustmentsFrom(month.Next));
        }
    }

    [Fact]
    public void SampleStatement_IsWrittenAsItAlwaysWas()
    {
        var statement = Sample();

        Assert.Equal(ReadSample("statement.json"), Encoding.UTF8.GetString(StatementText.Json(statement)));
        Assert.Equal(ReadSample("statement.csv"), Encoding.UTF8.GetString(StatementText.Csv(statement)));
    }

    [Fact]
    public void SampleStatement_IsReadAndWrittenAgainToTheByte()
    {
        var text = Encoding.UTF8.GetBytes(ReadSample("statement.json"));

        Assert.Equal(text, StatementText.Json(StatementText.Parse(text)));
        Assert.Equal(ReadSample("statement.csv"), Encoding.UTF8.GetString(StatementText.Csv(StatementText.Parse(text))));
    }

    [Fact]
    public void EmptyStatement_IsWrittenAndRead()
    {
        var statement = Build(Given.Terms(), PrepaidPlans.None, []);

        Assert.Equal(StatementText.Json(statement), StatementText.Json(StatementText.Parse(StatementText.Json(statement))));
        Assert.Equal(1, Encoding.UTF8.GetString(StatementText.Csv(statement)).Count(letter => letter == '\n'));
    }

    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@x", "'@x")]
    [InlineData("\tx", "'\tx")]
    [InlineData("\rx", "\"'\rx\"")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("a\"b", "\"a\"\"b\"")]
    [InlineData("a\nb", "\"a\nb\"")]
    [InlineData("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"")]
    [InlineData("*.example.com", "*.example.com")]
    public void CellOfTheCsv_IsQuotedAndNeverAFormula(string domain, string cell)
    {
        var text = Encoding.UTF8.GetString(StatementText.Csv(Build(Given.Terms(), PrepaidPlans.None, [Given.Usage(0, 1, domain)])));

        Assert.Contains($",{cell},websocket,USD,0,0,1,1,2,1,0,1,0.00,,,,,,\r\n", text, StringComparison.Ordinal);
    }

    private static Statement Build(BillingTerms terms, PrepaidPlans plans, UsageEntry[] usage)
    {
        var builder = new StatementBuilder("acme", Given.January, plans, terms, PlanUse.Nothing);
        foreach (var hour in Given.Hours(usage, []))
        {
            builder.Add(hour);
        }

        return builder.Build(isClosed: false);
    }

    private static Statement Sample()
    {
        var terms = Given.Terms(websocket: 0.120m, http: 0.05m).With(Given.At(600), Given.PayAsYouGo(enabled: false))
            .With(Given.At(1200), Given.PayAsYouGo(websocket: 18m, currency: "JPY"));
        var plans = Given.Plans(
            Given.Plan("plan-1", 1_000_000_000, -44_640, 44_640), Given.Plan("plan-2", 500_000_000, 0, 1440, UsageKind.Http), Given.Plan("plan-3", 5, 50_000, 60_000));
        var builder = new StatementBuilder("acme", Given.January, plans, terms, Given.Used(400_000_000));
        builder.AddAdjustments([Given.Late(Given.January.Previous.ClosesAt, Given.Usage(-600, 100_000_000)), Given.Late(Given.January.Start.AddDays(9), Given.Usage(-44_700, 7_000))]);
        foreach (var hour in Given.Hours(
            [
                Given.Usage(0, 3_000_000_000), Given.Usage(5, 700_000_000, "*.example.com", UsageKind.Http), Given.Usage(700, 1_000), Given.Usage(1300, 2_345_678_901), Given.Usage(1300, 1, "a.example", UsageKind.Http),
            ],
            []))
        {
            builder.Add(hour);
        }

        return builder.Build(isClosed: true);
    }

    private static string ReadSample(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Billing", "Samples", name));
}
