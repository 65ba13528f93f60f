using System.Text;

namespace OrleansEdge.Model.Tests.Billing;

public class PlanDocumentTests
{
    private static readonly DateTimeOffset Earliest = new(2026, 10, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-11-01T00:00:00Z", "2026-12-01T00:00:00.000Z")]
    [InlineData("2026-11-01T00:00Z", "2026-12-01T00:00:00.0000000Z")]
    public void Order_IsReadInEachFormOfATime(string from, string to)
    {
        var result = Parse($$"""{ "kind": "http", "bytes": 1000000000000000000, "validFrom": "{{from}}", "validTo": "{{to}}" }""");

        Assert.Empty(result.Errors);
        Assert.Equal(new PlanOrder(UsageKind.Http, PlanDocument.MaxBytes, Time(11), Time(12)), result.Value);
    }

    [Theory]
    [InlineData("kind", "is missing", """{ "bytes": 1, "validFrom": "2026-11-01T00:00:00Z", "validTo": "2026-12-01T00:00:00Z" }""")]
    [InlineData("bytes", "is missing", """{ "kind": "http", "validFrom": "2026-11-01T00:00:00Z", "validTo": "2026-12-01T00:00:00Z" }""")]
    [InlineData("validFrom", "is missing", """{ "kind": "http", "bytes": 1, "validTo": "2026-12-01T00:00:00Z" }""")]
    [InlineData("validTo", "is missing", """{ "kind": "http", "bytes": 1, "validFrom": "2026-11-01T00:00:00Z" }""")]
    [InlineData("id", "is not a member that is known here", """{ "id": "x", "kind": "http", "bytes": 1, "validFrom": "2026-11-01T00:00:00Z", "validTo": "2026-12-01T00:00:00Z" }""")]
    [InlineData("bytes", "is there twice", """{ "bytes": 1, "kind": "http", "bytes": 1, "validFrom": "2026-11-01T00:00:00Z", "validTo": "2026-12-01T00:00:00Z" }""")]
    [InlineData("", "must be an object, not an array", "[]")]
    public void OneFaultOfTheDocument_IsNamedWithItsPath(string path, string message, string json)
        => Assert.Equal([new ConfigError(path, message)], Parse(json).Errors);

    [Theory]
    [InlineData("kind", "\"WebSocket\" is not one of websocket, http", "kind", "\"WebSocket\"")]
    [InlineData("kind", "must be a string, not null", "kind", "null")]
    [InlineData("bytes", "0 is under 1", "bytes", "0")]
    [InlineData("bytes", "1000000000000000001 is over 1000000000000000000", "bytes", "1000000000000000001")]
    [InlineData("bytes", "1.5 is not a whole number", "bytes", "1.5")]
    [InlineData("bytes", "must be a whole number, not a string", "bytes", "\"1\"")]
    [InlineData("validFrom", "\"2026-11-01\" is not a time of UTC such as 2026-11-01T00:00:00Z", "validFrom", "\"2026-11-01\"")]
    [InlineData("validFrom", "\"2026-11-01T00:00:00+01:00\" is not a time of UTC such as 2026-11-01T00:00:00Z", "validFrom", "\"2026-11-01T00:00:00+01:00\"")]
    [InlineData("validFrom", "\"2026-11-01T00:01:00Z\" is not a multiple of 5 minutes", "validFrom", "\"2026-11-01T00:01:00Z\"")]
    [InlineData("validFrom", "\"2026-11-01T00:00:00.0000001Z\" is not a multiple of 5 minutes", "validFrom", "\"2026-11-01T00:00:00.0000001Z\"")]
    [InlineData("validFrom", "\"1969-11-01T00:00:00Z\" is not within 1970 and 9988", "validFrom", "\"1969-11-01T00:00:00Z\"")]
    [InlineData("validFrom", "is before 2026-10-01T00:00:00.000Z: the statements until then are closed", "validFrom", "\"2026-09-30T23:55:00Z\"")]
    [InlineData("validTo", "is not after validFrom", "validTo", "\"2026-11-01T00:00:00Z\"")]
    [InlineData("validTo", "is more than 10 years after validFrom", "validTo", "\"2036-11-01T00:05:00Z\"")]
    [InlineData("validTo", "\"9999-01-01T00:00:00Z\" is not within 1970 and 9988", "validTo", "\"9999-01-01T00:00:00Z\"")]
    public void OneFaultOfAMember_IsNamedWithItsPath(string path, string message, string member, string value)
    {
        var members = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["kind"] = "\"http\"",
            ["bytes"] = "1",
            ["validFrom"] = "\"2026-11-01T00:00:00Z\"",
            ["validTo"] = "\"2026-12-01T00:00:00Z\"",
            [member] = value,
        };

        var json = $"{{ {string.Join(", ", members.Select(pair => $"\"{pair.Key}\": {pair.Value}"))} }}";

        Assert.Equal([new ConfigError(path, message)], Parse(json).Errors);
    }

    [Fact]
    public void ManyFaults_AreAllNamedInTheOrderOfTheDocument()
        => Assert.Equal(
            ["validTo", "bytes", "x", "validFrom", "kind"],
            Parse("""{ "validTo": 7, "bytes": 0, "x": 1, "validFrom": "soon" }""").Errors.Select(error => error.Path));

    [Fact]
    public void BoundsOfValidity_AreAccepted()
    {
        Assert.Empty(Parse("""{ "kind": "websocket", "bytes": 1, "validFrom": "2026-10-01T00:00:00Z", "validTo": "2026-10-01T00:05:00Z" }""").Errors);
        Assert.Empty(Parse("""{ "kind": "websocket", "bytes": 1, "validFrom": "2026-10-01T00:00:00Z", "validTo": "2036-10-01T00:00:00Z" }""").Errors);
    }

    [Fact]
    public void LastYearsOfTheCalendar_AreRefusedOnBothSides()
    {
        Assert.Empty(Parse("""{ "kind": "websocket", "bytes": 1, "validFrom": "9988-12-31T23:55:00Z", "validTo": "9989-01-01T00:00:00Z" }""").Errors);
        Assert.Equal(
            [new ConfigError("validFrom", "\"9990-01-01T00:00:00Z\" is not within 1970 and 9988"), new ConfigError("validTo", "\"9991-01-01T00:00:00Z\" is not within 1970 and 9988")],
            Parse("""{ "kind": "websocket", "bytes": 1, "validFrom": "9990-01-01T00:00:00Z", "validTo": "9991-01-01T00:00:00Z" }""").Errors);
    }

    private static DateTimeOffset Time(int month) => new(2026, month, 1, 0, 0, 0, TimeSpan.Zero);

    private static ConfigResult<PlanOrder> Parse(string json) => PlanDocument.Parse(Encoding.UTF8.GetBytes(json), Earliest);
}
