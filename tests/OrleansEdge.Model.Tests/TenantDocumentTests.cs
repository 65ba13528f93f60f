using System.Text;

namespace OrleansEdge.Model.Tests;

public class TenantDocumentTests
{
    [Fact]
    public void OnlyTheId_RestHasTheDefaultsOfTheContract()
        => Assert.Equal(
            """
            {
              "tenant": "acme",
              "name": "acme",
              "blocked": false,
              "payAsYouGo": {
                "enabled": true,
                "currency": "USD",
                "pricePerGB": {
                  "websocket": "0",
                  "http": "0"
                }
              },
              "alerts": {
                "thresholds": [],
                "webhook": null
              }
            }

            """,
            Encoding.UTF8.GetString(TenantDocument.Write(Accept("""{ "tenant": "acme" }"""))));

    [Fact]
    public void EveryMemberSet_IsReadAsWritten()
    {
        var tenant = Accept(
            """
            { "tenant": "acme", "name": "Acme «Ltd»", "blocked": true,
              "payAsYouGo": { "enabled": false, "currency": "eur", "pricePerGB": { "websocket": "0.120", "http": "999999999.999999999" } },
              "alerts": { "thresholds": [1, 80, 100], "webhook": "https://hooks.example/x?y=1" } }
            """);

        var expected = new TenantConfig
        {
            Tenant = "acme",
            Name = "Acme «Ltd»",
            Blocked = true,
            PayAsYouGo = new() { Enabled = false, Currency = "EUR", PricePerGB = new() { Websocket = 0.12m, Http = 999_999_999.999_999_999m } },
            Alerts = new() { Thresholds = [1, 80, 100], Webhook = "https://hooks.example/x?y=1" },
        };
        Assert.Equal(expected, tenant);
        Assert.Contains("\"0.120\"", Encoding.UTF8.GetString(TenantDocument.Write(tenant)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tenant", "is missing", "{ }")]
    [InlineData("tenant", "is empty", """{ "tenant": "" }""")]
    [InlineData("tenant", "\"-a\" is not an id: a-z, 0-9, - and _, beginning with a letter or a digit", """{ "tenant": "-a" }""")]
    [InlineData("tenant", "\"a/b\" is not an id: a-z, 0-9, - and _, beginning with a letter or a digit", """{ "tenant": "a/b" }""")]
    [InlineData("tenant", "\"é\" is not an id: a-z, 0-9, - and _, beginning with a letter or a digit", """{ "tenant": "é" }""")]
    [InlineData("name", "is empty", """{ "tenant": "a", "name": "" }""")]
    [InlineData("name", "must be a string, not null", """{ "tenant": "a", "name": null }""")]
    [InlineData("name", "holds a control character", """{ "tenant": "a", "name": "a\nb" }""")]
    [InlineData("blocked", "must be true or false, not a number", """{ "tenant": "a", "blocked": 1 }""")]
    [InlineData("payAsYouGo.enabled", "must be true or false, not a string", """{ "tenant": "a", "payAsYouGo": { "enabled": "no" } }""")]
    [InlineData("payAsYouGo.currency", "\"DOLLAR\" is not an ISO 4217 code of three letters", """{ "tenant": "a", "payAsYouGo": { "currency": "DOLLAR" } }""")]
    [InlineData("payAsYouGo.currency", "\"U$D\" is not an ISO 4217 code of three letters", """{ "tenant": "a", "payAsYouGo": { "currency": "U$D" } }""")]
    [InlineData("payAsYouGo.pricePerGB.websocket", "must be a string, not a number", """{ "tenant": "a", "payAsYouGo": { "pricePerGB": { "websocket": 0.12 } } }""")]
    [InlineData("payAsYouGo.pricePerGB.http", "\"-1\" is not a price: a decimal from 0, at most 9 digits before and after the point", """{ "tenant": "a", "payAsYouGo": { "pricePerGB": { "http": "-1" } } }""")]
    [InlineData("payAsYouGo.pricePerGB.http", "\"1,5\" is not a price: a decimal from 0, at most 9 digits before and after the point", """{ "tenant": "a", "payAsYouGo": { "pricePerGB": { "http": "1,5" } } }""")]
    [InlineData("payAsYouGo.pricePerGB.http", "\"1.\" is not a price: a decimal from 0, at most 9 digits before and after the point", """{ "tenant": "a", "payAsYouGo": { "pricePerGB": { "http": "1." } } }""")]
    [InlineData("payAsYouGo.pricePerGB.http", "\"1e2\" is not a price: a decimal from 0, at most 9 digits before and after the point", """{ "tenant": "a", "payAsYouGo": { "pricePerGB": { "http": "1e2" } } }""")]
    [InlineData("payAsYouGo.pricePerGB.http", "\"0.1234567890\" is not a price: a decimal from 0, at most 9 digits before and after the point", """{ "tenant": "a", "payAsYouGo": { "pricePerGB": { "http": "0.1234567890" } } }""")]
    [InlineData("payAsYouGo.pricePerGB.ftp", "is not a member that is known here", """{ "tenant": "a", "payAsYouGo": { "pricePerGB": { "ftp": "1" } } }""")]
    [InlineData("payAsYouGo.plan", "is not a member that is known here", """{ "tenant": "a", "payAsYouGo": { "plan": 1 } }""")]
    [InlineData("alerts.thresholds[1]", "80 is not over 80: thresholds rise", """{ "tenant": "a", "alerts": { "thresholds": [80, 80] } }""")]
    [InlineData("alerts.thresholds[0]", "0 is under 1", """{ "tenant": "a", "alerts": { "thresholds": [0, 1] } }""")]
    [InlineData("alerts.thresholds[1]", "101 is over 100", """{ "tenant": "a", "alerts": { "thresholds": [80, 101] } }""")]
    [InlineData("alerts.thresholds[0]", "must be a whole number, not a string", """{ "tenant": "a", "alerts": { "thresholds": ["80"] } }""")]
    [InlineData("alerts.webhook", "\"ftp://x.example\" is not an absolute http or https URL of at most 2048 characters", """{ "tenant": "a", "alerts": { "webhook": "ftp://x.example" } }""")]
    [InlineData("alerts.webhook", "\"/hook\" is not an absolute http or https URL of at most 2048 characters", """{ "tenant": "a", "alerts": { "webhook": "/hook" } }""")]
    [InlineData("alerts.webhook", "\"https://x.example/a b\" is not an absolute http or https URL of at most 2048 characters", """{ "tenant": "a", "alerts": { "webhook": "https://x.example/a b" } }""")]
    [InlineData("alerts.mail", "is not a member that is known here", """{ "tenant": "a", "alerts": { "mail": "x" } }""")]
    [InlineData("owner", "is not a member that is known here", """{ "tenant": "a", "owner": "x" }""")]
    [InlineData("tenant", "is there twice", """{ "tenant": "a", "tenant": "a" }""")]
    [InlineData("", "must be an object, not a number", "7")]
    public void OneFault_IsNamedWithItsPath(string path, string message, string json)
        => Assert.Equal([new ConfigError(path, message)], Parse(json).Errors);

    [Fact]
    public void LongestIdAndName_AreAccepted_LongerAreNot()
    {
        Assert.Null(TenantDocument.ValidateId(new('a', 64)));
        Assert.Equal("has 65 characters, 64 is the most", TenantDocument.ValidateId(new('a', 65)));
        Assert.Empty(Parse($$"""{ "tenant": "a", "name": "{{new string('n', 200)}}" }""").Errors);
        Assert.Equal([new("name", "has 201 characters, 200 is the most")], Parse($$"""{ "tenant": "a", "name": "{{new string('n', 201)}}" }""").Errors);
    }

    [Fact]
    public void AnotherName_IsAFault()
        => Assert.Equal(
            [new("tenant", "\"acme\" is not the name under which the document stands, \"other\"")],
            TenantDocument.Parse("""{ "tenant": "acme" }"""u8.ToArray(), new(), "other").Errors);

    private static ConfigResult<TenantConfig> Parse(string json) => TenantDocument.Parse(Encoding.UTF8.GetBytes(json), new());

    private static TenantConfig Accept(string json)
    {
        var result = Parse(json);
        Assert.Empty(result.Errors);
        return result.Value!;
    }
}
