using System.Numerics;

namespace OrleansEdge.Model.Tests.Billing;

/// <summary>Months of random usage that arrives on time and late, under random plans and terms. Each statement is made when it closes, and
/// all are made again at the end; bills are compared with those of an oracle that pays byte by byte.</summary>
public class StatementHistoryTests
{
    private const int Months = 4;
    private static readonly string[] Domains = ["a.example", "b.example", "*.example"];

    [Fact]
    public void ClosedStatements_StayAsTheyAreWhateverArrivesLater()
    {
        for (var seed = 0; seed < 120; seed++)
        {
            var world = new World(new(seed));
            var before = PlanUse.Nothing;
            var closed = new List<byte[]>();
            foreach (var month in world.Months)
            {
                var (text, use) = world.Statement(month, before, month.ClosesAt);
                closed.Add(text);
                before = use;
            }

            before = PlanUse.Nothing;
            foreach (var (month, text) in world.Months.Zip(closed))
            {
                var (again, use) = world.Statement(month, before, DateTimeOffset.MaxValue);
                Assert.True(text.AsSpan().SequenceEqual(again), $"seed {seed}: the statement of {month} changed");
                before = use;
            }
        }
    }

    [Fact]
    public void Statements_AreThoseOfAnOracleThatPaysByteByByte()
    {
        for (var seed = 0; seed < 120; seed++)
        {
            var world = new World(new(seed));
            var oracle = new Oracle(world);
            var before = PlanUse.Nothing;
            foreach (var month in world.Months)
            {
                var (text, use) = world.Statement(month, before, DateTimeOffset.MaxValue);
                var statement = StatementText.Parse(text);
                Assert.True(
                    oracle.Bill(month).SequenceEqual(Bill(statement)),
                    $"seed {seed}, {month}:\n{string.Join('\n', oracle.Bill(month))}\nbut was\n{string.Join('\n', Bill(statement))}");
                before = use;
            }
        }
    }

    [Fact]
    public void AllStatementsTogether_HoldEveryByteOnce()
    {
        for (var seed = 0; seed < 120; seed++)
        {
            var world = new World(new(seed));
            var (before, up, down, paid) = (PlanUse.Nothing, 0L, 0L, 0L);
            foreach (var month in world.Months)
            {
                var (text, use) = world.Statement(month, before, DateTimeOffset.MaxValue);
                var statement = StatementText.Parse(text);
                up += statement.Lines.Sum(line => line.BytesUp) + statement.Adjustments.Sum(line => line.BytesUp);
                down += statement.Lines.Sum(line => line.BytesDown) + statement.Adjustments.Sum(line => line.BytesDown);
                paid += statement.Lines.Sum(line => line.PlanBytes) + statement.Adjustments.Sum(line => line.PlanBytes);
                Assert.Equal(statement.Plans.Sum(plan => plan.Used), statement.Lines.Sum(line => line.PlanBytes) + statement.Adjustments.Sum(line => line.PlanBytes));
                Assert.All(statement.Plans, plan => Assert.InRange(plan.UsedBefore + plan.Used, 0, plan.Bytes));
                before = use;
            }

            Assert.Equal(world.Arrivals.Sum(arrival => arrival.Entry.Counts.BytesUp), up);
            Assert.Equal(world.Arrivals.Sum(arrival => arrival.Entry.Counts.BytesDown), down);
            Assert.Equal(Enumerable.Range(0, world.Plans.All.Length).Sum(plan => before[plan]), paid);
        }
    }

    private static IEnumerable<string> Bill(Statement statement)
        => statement.Lines
            .Select(line => Row(statement.Month, line.Domain, line.Kind, line.Currency, line.PricePerGB, line.BytesUp + line.BytesDown, line.PlanBytes, line.BillableBytes, line.Amount))
            .Concat(statement.Adjustments.Select(
                line => Row($"late {line.Month}", line.Domain, line.Kind, line.Currency, line.PricePerGB, line.BytesUp + line.BytesDown, line.PlanBytes, line.BillableBytes, line.Amount)))
            .Order(StringComparer.Ordinal);

    private static string Row(string month, string domain, UsageKind kind, string currency, decimal? price, long bytes, long paid, long rest, decimal amount)
        => $"{month} {domain} {kind} {currency} {price} {bytes} {paid} {rest} {amount}";

    private sealed class World
    {
        public World(Random random)
        {
            Months = [.. Enumerable.Range(1, StatementHistoryTests.Months).Select(month => new UsageMonth(2026, month))];
            Plans = Given.Plans([.. Enumerable.Range(0, random.Next(7)).Select(index =>
            {
                var from = random.Next(4 * 31) * 1440;
                return Given.Plan($"{index}", random.Next(1, 80), from, from + (random.Next(1, 60) * 1440), (UsageKind)random.Next(2), random.Next(3));
            })]);
            Terms = Given.Terms(random.Next(3) > 0, RandomPrice(random), RandomPrice(random));
            for (var at = random.Next(80_000); at < 4 * 44_640; at += random.Next(1, 80_000))
            {
                Terms = Terms.With(Given.At(at), Given.PayAsYouGo(random.Next(3) > 0, RandomPrice(random), RandomPrice(random), random.Next(4) == 0 ? "JPY" : "USD"));
            }

            Arrivals = [.. Enumerable.Range(0, random.Next(60)).Select(_ => RandomArrival(random))];
        }

        public List<UsageMonth> Months { get; }

        public PrepaidPlans Plans { get; }

        public BillingTerms Terms { get; }

        public List<(DateTimeOffset At, UsageEntry Entry)> Arrivals { get; }

        public IEnumerable<(DateTimeOffset At, UsageEntry Entry)> Late => Arrivals.Where(arrival => arrival.At >= arrival.Entry.Key.Bucket.Hour.Month.ClosesAt);

        /// <summary>The statement that a ledger gives that knows what arrived before an instant.</summary>
        public (byte[] Text, PlanUse Use) Statement(UsageMonth month, PlanUse before, DateTimeOffset now)
        {
            var late = Late.Where(arrival => arrival.At < now).Select(arrival => Given.Late(arrival.At, arrival.Entry)).ToList();
            var onTime = Arrivals.Except(Late).Where(arrival => arrival.At < now).Select(arrival => arrival.Entry);
            var builder = new StatementBuilder("acme", month, Plans, Terms, before);
            builder.AddAdjustments(late.Where(
                adjustment => StatementPeriod.AdjustmentsFrom(month) <= adjustment.At && adjustment.At < StatementPeriod.AdjustmentsTo(month)));
            foreach (var hour in Given.Hours(onTime, late).Where(hour => hour.Hour.Month == month))
            {
                builder.Add(hour);
            }

            return (StatementText.Json(builder.Build(isClosed: true)), builder.Use);
        }

        private static decimal RandomPrice(Random random) => random.Next(3) switch
        {
            0 => 0,
            1 => random.Next(1, 20) * 10_000_000m,
            _ => random.NextInt64(1_000_000_000_000_000_000) / 1_000_000_000m,
        };

        // Within the months whose statements the test makes, but for the last one, whose late usage would go on one after them.
        private (DateTimeOffset At, UsageEntry Entry) RandomArrival(Random random)
        {
            var month = Months[random.Next(Months.Count - 1)];
            var minutes = (int)(month.Start - Given.January.Start).TotalMinutes + random.Next(28 * 1440);
            var last = Months[^1].ClosesAt - Given.At(minutes) - TimeSpan.FromTicks(1);
            var delay = random.Next(3) == 0 ? random.NextInt64(last.Ticks) : random.NextInt64(TimeSpan.FromHours(80).Ticks);
            var entry = Given.Usage(minutes, random.Next(1, 25), Domains[random.Next(Domains.Length)], (UsageKind)random.Next(2));
            return (random.Next(5) == 0 && month.ClosesAt > Given.At(minutes) ? month.ClosesAt : Given.At(minutes).AddTicks(delay), entry);
        }
    }

    /// <summary>Pays each byte by itself.</summary>
    private sealed class Oracle
    {
        private readonly Dictionary<UsageMonth, List<string>> _bills = [];

        public Oracle(World world)
        {
            var left = world.Plans.All.Select(plan => plan.Order.Bytes).ToArray();
            foreach (var month in world.Months)
            {
                var late = world.Late.Where(arrival => arrival.At >= month.Previous.ClosesAt && arrival.At < month.ClosesAt);
                var onTime = world.Arrivals.Except(world.Late).Where(arrival => arrival.Entry.Key.Bucket.Hour.Month == month);
                var sums = new Dictionary<(string Month, string Domain, UsageKind Kind, string Currency, decimal? Price), (long Bytes, long Paid)>();
                foreach (var (label, arrival) in InOrder(late, "late ").Concat(InOrder(onTime, "")))
                {
                    Pay(world, left, sums, label, arrival.Key, arrival.Counts.BillableBytes);
                }

                _bills[month] = [.. sums.Select(sum => Row(
                    sum.Key.Month, sum.Key.Domain, sum.Key.Kind, sum.Key.Currency, sum.Key.Price, sum.Value.Bytes, sum.Value.Paid, sum.Value.Bytes - sum.Value.Paid,
                    Round((BigInteger)(sum.Value.Bytes - sum.Value.Paid) * (BigInteger)((sum.Key.Price ?? 0) * 1_000_000_000m), sum.Key.Currency))).Order(StringComparer.Ordinal)];
            }
        }

        public List<string> Bill(UsageMonth month) => _bills[month];

        private static IEnumerable<(string Label, UsageEntry Entry)> InOrder(IEnumerable<(DateTimeOffset At, UsageEntry Entry)> arrivals, string label)
            => arrivals.OrderBy(arrival => arrival.Entry.Key.Bucket.Start).ThenBy(arrival => arrival.Entry.Key.Domain, StringComparer.Ordinal)
                .Select(arrival => ($"{label}{arrival.Entry.Key.Bucket.Start:yyyy-MM}", arrival.Entry));

        private static void Pay(
            World world, long[] left, Dictionary<(string Month, string Domain, UsageKind Kind, string Currency, decimal? Price), (long Bytes, long Paid)> sums, string label, UsageKey key, long bytes)
        {
            var start = key.Bucket.Start;
            var terms = world.Terms.Versions.LastOrDefault(version => version.From <= start) ?? world.Terms.Versions[0];
            decimal? price = !terms.Terms.Enabled ? null : key.Kind == UsageKind.Http ? terms.Terms.PricePerGB.Http : terms.Terms.PricePerGB.Websocket;
            var line = (label, key.Domain, key.Kind, terms.Terms.Currency, price);
            for (; bytes > 0; bytes--)
            {
                var payer = Enumerable.Range(0, left.Length)
                    .Where(plan => left[plan] > 0 && world.Plans.All[plan].Order is var order && order.Kind == key.Kind && order.ValidFrom <= start && start < order.ValidTo)
                    .OrderBy(plan => (world.Plans.All[plan].Order.ValidTo, world.Plans.All[plan].BoughtAt))
                    .ThenBy(plan => world.Plans.All[plan].Id, StringComparer.Ordinal)
                    .Select(plan => (int?)plan)
                    .FirstOrDefault();
                if (payer is { } found)
                {
                    left[found]--;
                }

                var sum = sums.GetValueOrDefault(line);
                sums[line] = (sum.Bytes + 1, sum.Paid + (payer is null ? 0 : 1));
            }
        }

        // In units of 10^-18.
        private static decimal Round(BigInteger exact, string currency)
        {
            var digits = currency == "JPY" ? 0 : 2;
            var unit = BigInteger.Pow(10, 18 - digits);
            var below = exact / unit;
            var twice = (exact - (below * unit)) * 2;
            below += twice > unit || (twice == unit && !below.IsEven) ? 1 : 0;
            return digits == 0 ? (decimal)below : new decimal((int)below, 0, 0, false, 2);
        }
    }
}
