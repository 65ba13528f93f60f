using System.Net;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Tests;

public class UsageTests
{
    private const string Usage = "/api/v1/tenants/bolt/usage";
    private const string Reconciliation = "/api/v1/reconciliation";

    [Fact]
    public async Task NothingGiven_HoursOfTheLastDay()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", Usage);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(new UsageQuery(server.Time.GetUtcNow().AddHours(-24), server.Time.GetUtcNow(), 3600, null, null), server.Control.Billing.LastQuery);
    }

    [Fact]
    public async Task EverythingGiven_ReachesTheControlPlane()
    {
        await using var server = await Requests.StartWithTenantAsync();

        await server.SendAsync("GET", Usage + "?from=2026-11-24T08:00:00Z&to=2026-11-24T09:30:00Z&interval=300&domain=*.B%C3%BCcher.example.&kind=http");

        var from = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);
        Assert.Equal(new UsageQuery(from, from.AddHours(1.5), 300, "*.xn--bcher-kva.example", UsageKind.Http), server.Control.Billing.LastQuery);
    }

    [Theory]
    [InlineData("300", 300)]
    [InlineData("3600", 3600)]
    [InlineData("86400", 86400)]
    [InlineData("", 3600)]
    public async Task Interval_IsOneOfThree(string text, int expected)
    {
        await using var server = await Requests.StartWithTenantAsync();

        await server.SendAsync("GET", $"{Usage}?interval={text}&kind=websocket");

        Assert.Equal((expected, UsageKind.Websocket), (server.Control.Billing.LastQuery!.Interval, server.Control.Billing.LastQuery.Kind));
    }

    [Fact]
    public async Task OnlyAnEndGiven_TheDayBeforeIt()
    {
        await using var server = await Requests.StartWithTenantAsync();

        await server.SendAsync("GET", Usage + "?to=2026-11-24");

        var to = new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal((to.AddDays(-1), to), (server.Control.Billing.LastQuery!.From, server.Control.Billing.LastQuery.To));
    }

    [Theory]
    [InlineData("2026-11-24", "2026-11-24T00:00:00.0000000Z")]
    [InlineData("2026-11-24T08:00Z", "2026-11-24T08:00:00.0000000Z")]
    [InlineData("2026-11-24T08:00:01Z", "2026-11-24T08:00:01.0000000Z")]
    [InlineData("2026-11-24T08:00:01.5Z", "2026-11-24T08:00:01.5000000Z")]
    [InlineData("2026-11-24T08:00:01.1234567Z", "2026-11-24T08:00:01.1234567Z")]
    [InlineData("2026-11-24T08:00:00%2B01:00", "2026-11-24T07:00:00.0000000Z")]
    [InlineData("2026-11-24T08:00:00+01:00", "2026-11-24T07:00:00.0000000Z")]
    [InlineData("2026-11-24T08:00:00%2001:00", "2026-11-24T07:00:00.0000000Z")]
    [InlineData("2026-11-24T08:00-08:00", "2026-11-24T16:00:00.0000000Z")]
    [InlineData("1970-01-01", "1970-01-01T00:00:00.0000000Z")]
    [InlineData("1970-01-01T01:00+01:00", "1970-01-01T00:00:00.0000000Z")]
    public async Task Time_IsReadAsMeant(string text, string expected)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", $"{Usage}?interval=86400&from={text}");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(expected, server.Control.Billing.LastQuery!.From.UtcDateTime.ToString("o"));
    }

    [Theory]
    [InlineData("2026-11-24T08:00:00", "from has no offset: write 2026-11-24T08:00:00Z for UTC.")]
    [InlineData("2026-11-24T08:00", "from has no offset: write 2026-11-24T08:00Z for UTC.")]
    [InlineData("1969-12-31", "from is not in the years 1970 to 9998.")]
    [InlineData("1970-01-01T00:00%2B00:01", "from is not in the years 1970 to 9998.")]
    [InlineData("9999-01-01", "from is not in the years 1970 to 9998.")]
    public async Task TimeThatBreaksARule_400WithTheRule(string text, string detail)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", $"{Usage}?from={text}");

        Assert.Equal("parameter_invalid", await answer.CodeAsync());
        Assert.Equal(detail, (string)(await answer.JsonAsync())["detail"]!);
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("1764000000")]
    [InlineData("2026-11")]
    [InlineData("2026-11-31")]
    [InlineData("2026-11-24Z")]
    [InlineData("2026-11-24%2008:00:00Z")]
    [InlineData("2026-11-24T24:00:00Z")]
    [InlineData("2026-11-24T08:00:60Z")]
    [InlineData("2026-11-24T08Z")]
    [InlineData("2026-11-24T08:00:00%2B15:00")]
    [InlineData("2026-11-24T08:00:00%2B1")]
    [InlineData("%202026-11-24")]
    [InlineData("24.11.2026")]
    [InlineData("0001-01-01T00:00%2B01:00")]
    public async Task WhatIsNoTime_400NamingTheParameter(string text)
    {
        await using var server = await Requests.StartWithTenantAsync();

        foreach (var name in new[] { "from", "to" })
        {
            var answer = await server.SendAsync("GET", $"{Usage}?{name}={text}");
            Assert.Equal("parameter_invalid", await answer.CodeAsync());
            Assert.StartsWith($"{name} is neither a time", (string)(await answer.JsonAsync())["detail"]!, StringComparison.Ordinal);
        }

        Assert.Null(server.Control.Billing.LastQuery);
    }

    [Theory]
    [InlineData("from=2026-11-24&to=2026-11-24")]
    [InlineData("from=2026-11-25&to=2026-11-24")]
    [InlineData("from=2026-11-24T00:00:00Z&to=2026-11-24T00:00:00%2B01:00")]
    [InlineData("from=2031-01-01")]
    [InlineData("to=1970-01-01")]
    public async Task StartNotBeforeTheEnd_400(string query)
    {
        await using var server = await Requests.StartWithTenantAsync();

        foreach (var path in new[] { Usage, Reconciliation })
        {
            var answer = await server.SendAsync("GET", $"{path}?{query}");
            Assert.Equal("parameter_invalid", await answer.CodeAsync());
            Assert.Equal("from is not before to.", (string)(await answer.JsonAsync())["detail"]!);
        }
    }

    [Fact]
    public async Task EndOnTheFirstDay_BeginsWithTime()
    {
        await using var server = await Requests.StartWithTenantAsync();

        await server.SendAsync("GET", Usage + "?to=1970-01-01T12:00Z");

        Assert.Equal(DateTimeOffset.UnixEpoch, server.Control.Billing.LastQuery!.From);
    }

    [Theory]
    [InlineData("interval=60", "interval is not 300, 3600 or 86400.")]
    [InlineData("interval=3600.0", "interval is not 300, 3600 or 86400.")]
    [InlineData("interval=%2B300", "interval is not 300, 3600 or 86400.")]
    [InlineData("kind=udp", "kind is not websocket or http.")]
    [InlineData("kind=HTTP", "kind is not websocket or http.")]
    [InlineData("kind=http&kind=websocket", "Given more than once: kind.")]
    public async Task BadParameter_400WithTheRule(string query, string detail)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", $"{Usage}?{query}");

        Assert.Equal("parameter_invalid", await answer.CodeAsync());
        Assert.Equal(detail, (string)(await answer.JsonAsync())["detail"]!);
        Assert.Null(server.Control.Billing.LastQuery);
    }

    [Theory]
    [InlineData(Usage, "limit=1")]
    [InlineData(Usage, "gateway=gw-1")]
    [InlineData(Reconciliation, "interval=300")]
    [InlineData("/api/v1/tenants/bolt/plans", "kind=http")]
    [InlineData("/api/v1/tenants/bolt/plans/1", "limit=1")]
    [InlineData("/api/v1/tenants/bolt/statements/2026-11", "month=2026-11")]
    [InlineData("/api/v1/tenants/bolt/webhook", "secret=")]
    public async Task UnknownParameter_400(string path, string query)
    {
        await using var server = await Requests.StartWithTenantAsync();

        Assert.Equal("parameter_unknown", await (await server.SendAsync("GET", $"{path}?{query}")).CodeAsync());
    }

    [Fact]
    public async Task MorePointsThanAnAnswerHas_400()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", Usage + "?from=2020-01-01&interval=300");

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("range_too_big", await answer.CodeAsync());
    }

    [Fact]
    public async Task Usage_HasTheMembersOfTheContract()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = (await (await server.SendAsync("GET", Usage + "?from=2026-11-24&to=2026-11-25")).JsonAsync()).AsObject();

        Assert.Equal(["tenant", "from", "to", "interval", "points", "total"], answer.Select(member => member.Key));
        Assert.Equal(("2026-11-24T00:00:00.000Z", "2026-11-25T00:00:00.000Z", 3600), ((string)answer["from"]!, (string)answer["to"]!, (int)answer["interval"]!));
        Assert.Equal(
            """{"start":"2026-11-24T08:00:00.000Z","domain":"chat.example.com","kind":"websocket","bytesUp":5000000000,"bytesDown":2,"messagesUp":3,"messagesDown":4,"sessions":5,"sessionMilliseconds":6}""",
            answer["points"]![0]!.ToJsonString());
        Assert.Equal(
            """{"bytesUp":5000000000,"bytesDown":2,"messagesUp":3,"messagesDown":4,"sessions":5,"sessionMilliseconds":6}""",
            answer["total"]!.ToJsonString());
    }

    [Fact]
    public async Task Reconciliation_TakesTheRangeAndThePage()
    {
        await using var server = await AdminServer.StartAsync();

        var first = await (await server.SendAsync("GET", Reconciliation + "?from=2026-11-24&to=2026-11-25&limit=1")).JsonAsync();
        var second = await (await server.SendAsync("GET", $"{Reconciliation}?limit=1&after={(string)first["next"]!}")).JsonAsync();

        Assert.Equal(
            """{"start":"2026-11-24T08:00:00.000Z","kind":"websocket","gateways":{"bytesUp":5000000000,"bytesDown":2,"messagesUp":3,"messagesDown":4,"sessions":5,"sessionMilliseconds":6},"tenants":{"bytesUp":5000000000,"bytesDown":2,"messagesUp":3,"messagesDown":4,"sessions":5,"sessionMilliseconds":6},"originBytesUp":8,"originBytesDown":9}""",
            first["items"]![0]!.ToJsonString());
        Assert.Equal("http", (string)second["items"]![0]!["kind"]!);
        Assert.Equal((server.Time.GetUtcNow().AddHours(-24), server.Time.GetUtcNow()), server.Control.Billing.LastRange);
    }

    [Theory]
    [InlineData("/usage")]
    [InlineData("/plans")]
    [InlineData("/plans/plan%201")]
    [InlineData("/statements/2026-11")]
    [InlineData("/webhook")]
    public async Task TenantThatNeverWas_404AndADeletedOneIsRead(string path)
    {
        await using var server = await Requests.StartWithTenantAsync();
        await server.BuyAsync();
        await server.SendAsync("DELETE", "/api/v1/tenants/bolt");

        Assert.Equal("not_found", await (await server.SendAsync("GET", "/api/v1/tenants/none" + path)).CodeAsync());
        Assert.Equal("unavailable", await (await server.SendAsync("GET", "/api/v1/tenants/unavailable" + path)).CodeAsync());
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/api/v1/tenants/bolt" + path)).StatusCode);
    }

    [Fact]
    public async Task Webhook_HasTheMembersOfTheContract()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await (await server.SendAsync("GET", "/api/v1/tenants/bolt/webhook")).JsonAsync();

        Assert.Equal("""{"url":null,"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}""", answer.ToJsonString());
    }

    [Fact]
    public async Task NoLedger_503WithRetryAfter()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("GET", "/api/v1/tenants/unavailable/usage");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
    }
}
