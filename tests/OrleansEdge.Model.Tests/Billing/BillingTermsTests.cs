namespace OrleansEdge.Model.Tests.Billing;

public class BillingTermsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Instant_HasTheTermsThatWereInForceThen()
    {
        var terms = new BillingTerms([new(Noon, Price(1))]).With(Noon.AddMinutes(7), Price(2)).With(Noon.AddMinutes(10), Price(3));

        Assert.Equal(
            [1m, 1m, 1m, 2m, 3m, 3m],
            new[] { -1000, 0, 5, 7, 10, 15 }.Select(minutes => terms.At(Noon.AddMinutes(minutes)).PricePerGB.Websocket));
    }

    [Fact]
    public void TermsThatAreInForceAlready_AddNothing()
    {
        var terms = new BillingTerms([new(Noon, Price(0.12m))]);

        Assert.Same(terms, terms.With(Noon.AddHours(1), Price(0.120m)));
        Assert.Equal(2, terms.With(Noon.AddHours(1), Price(0.120m) with { Currency = "EUR" }).Versions.Length);
        Assert.Equal(2, terms.With(Noon.AddHours(1), Price(0.120m) with { Enabled = false }).Versions.Length);
    }

    [Fact]
    public void ClockThatWentBack_ChangesNothingBeforeTheTermsThatWereThere()
    {
        var terms = new BillingTerms([new(Noon, Price(1))]).With(Noon.AddHours(2), Price(2)).With(Noon.AddHours(1), Price(3));

        Assert.Equal(1m, terms.At(Noon.AddMinutes(90)).PricePerGB.Websocket);
        Assert.Equal(3m, terms.At(Noon.AddHours(2)).PricePerGB.Websocket);
    }

    [Fact]
    public void Prices_LoseTheirTrailingZeros()
        => Assert.Equal("0.12 100 0", string.Join(' ', new[] { 0.120m, 100.000m, 0.00m }.Select(price => $"{new BillingTerms([new(Noon, Price(price))]).Current.PricePerGB.Websocket}")));

    private static PayAsYouGoConfig Price(decimal websocket) => new() { PricePerGB = new() { Websocket = websocket } };
}
