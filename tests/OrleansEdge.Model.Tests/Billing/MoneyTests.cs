using System.Globalization;
using System.Numerics;

namespace OrleansEdge.Model.Tests.Billing;

public class MoneyTests
{
    private const decimal Highest = 999_999_999.999_999_999m;

    [Theory]
    [InlineData(0, "0.12", "USD", "0.00")]
    [InlineData(1_000_000_000, "0.12", "USD", "0.12")]
    [InlineData(1_234_567_890, "0.12", "USD", "0.15")]
    [InlineData(500_000_000, "0.01", "USD", "0.00")]
    [InlineData(1_500_000_000, "0.01", "USD", "0.02")]
    [InlineData(2_500_000_000, "0.01", "USD", "0.02")]
    [InlineData(2_500_000_001, "0.01", "USD", "0.03")]
    [InlineData(2_499_999_999, "0.01", "USD", "0.02")]
    [InlineData(1_500_000_000, "1", "JPY", "2")]
    [InlineData(2_500_000_000, "1", "JPY", "2")]
    [InlineData(1_000_000_000, "0.0005", "KWD", "0.000")]
    [InlineData(3_000_000_000, "0.0005", "KWD", "0.002")]
    [InlineData(1_000_000_000, "0.00015", "CLF", "0.0002")]
    [InlineData(1, "0.000000001", "CLF", "0.0000")]
    [InlineData(long.MaxValue, "0", "USD", "0.00")]
    [InlineData(long.MaxValue, "999999999.999999999", "USD", "9223372036854775797.78")]
    [InlineData(long.MaxValue, "999999999.999999999", "CLF", "9223372036854775797.7766")]
    public void BytesAtAPrice_CostWhatTheyCostExactlyRoundedHalfToEven(long bytes, string price, string currency, string amount)
        => Assert.Equal(amount, Money.Amount(bytes, decimal.Parse(price, CultureInfo.InvariantCulture), currency).ToString(CultureInfo.InvariantCulture));

    [Fact]
    public void RandomBytesAndPrices_CostWhatUnboundedArithmeticSays()
    {
        var random = new Random(4217);
        string[] currencies = ["USD", "JPY", "KWD", "UYW", "???"];
        for (var round = 0; round < 100_000; round++)
        {
            var bytes = random.NextInt64() >> random.Next(63);
            var price = random.NextInt64(1_000_000_000_000_000_000 >> random.Next(60));
            var currency = currencies[random.Next(currencies.Length)];

            var amount = Money.Amount(bytes, price / 1_000_000_000m, currency);

            Assert.Equal(Expected(bytes, price, Money.MinorDigits(currency)), amount.ToString(CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public void HalvesOfEveryDigit_GoToTheEvenOne()
    {
        for (var cents = 0; cents < 100; cents++)
        {
            var bytes = (cents * 1_000_000_000L) + 500_000_000;

            Assert.Equal((cents + (cents % 2)) / 100m, Money.Amount(bytes, 0.01m, "USD"));
        }
    }

    [Fact]
    public void PricesThatNoDocumentHolds_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Money.Amount(-1, 1, "USD"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Money.Amount(1, -0.1m, "USD"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Money.Amount(1, Highest + 0.000_000_001m, "USD"));
        Assert.Throws<ArgumentException>(() => Money.Amount(1, 0.000_000_000_1m, "USD"));
    }

    private static string Expected(long bytes, long price, int digits)
    {
        var unit = BigInteger.Pow(10, 18 - digits);
        var exact = (BigInteger)bytes * price;
        var (below, rest) = (exact / unit, exact % unit);
        var isUp = rest * 2 > unit || (rest * 2 == unit && !below.IsEven);
        var minor = (below + (isUp ? 1 : 0)).ToString(CultureInfo.InvariantCulture).PadLeft(digits + 1, '0');
        return digits == 0 ? minor : $"{minor[..^digits]}.{minor[^digits..]}";
    }
}
