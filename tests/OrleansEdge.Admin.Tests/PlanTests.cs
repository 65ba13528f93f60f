using System.Net;

namespace OrleansEdge.Admin.Tests;

public class PlanTests
{
    private const string Plans = "/api/v1/tenants/bolt/plans";
    private const string First = """{"id":"plan 1","kind":"websocket","bytes":1000000000000,"validFrom":"2026-11-01T00:00:00.000Z","validTo":"2027-11-01T00:00:00.000Z","usedBytes":0}""";

    [Fact]
    public async Task PlanBought_201WithThePlanWhereItIsRead()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.BuyAsync();
        var read = await server.SendAsync("GET", answer.Headers.Location!.ToString());

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal(Plans + "/plan%201", answer.Headers.Location.ToString());
        Assert.Equal(First, (await answer.JsonAsync()).ToJsonString());
        Assert.Equal((HttpStatusCode.OK, "plan 1", 7), (read.StatusCode, (string)(await read.JsonAsync())["id"]!, (int)(await read.JsonAsync())["usedBytes"]!));
        Assert.Equal(["local"], server.Control.Billing.Callers);
    }

    [Fact]
    public async Task OrderRepeated_TheFirstAnswerAgain()
    {
        await using var server = await Requests.StartWithTenantAsync();
        var first = await server.BuyAsync();

        var second = await server.BuyAsync();

        Assert.Equal((first.StatusCode, first.Headers.Location), (second.StatusCode, second.Headers.Location));
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
        Assert.Equal(["plan 1"], await (await server.SendAsync("GET", Plans)).ItemsAsync("id"));
    }

    [Fact]
    public async Task OtherOrderUnderTheKey_409()
    {
        await using var server = await Requests.StartWithTenantAsync();
        await server.BuyAsync();

        var answer = await server.BuyAsync(order: Requests.Plan.Replace("websocket", "http", StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal("idempotency_key_reused", await answer.CodeAsync());
    }

    [Fact]
    public async Task OtherKey_AnotherPlan()
    {
        await using var server = await Requests.StartWithTenantAsync();
        await server.BuyAsync();

        await server.BuyAsync(key: "order-2");

        Assert.Equal(["plan 1", "plan 2"], await (await server.SendAsync("GET", Plans)).ItemsAsync("id"));
    }

    [Fact]
    public async Task NoKey_400AndNothingIsBought()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("POST", Plans, Requests.Plan);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("idempotency_key_missing", await answer.CodeAsync());
        Assert.Empty(server.Control.Billing.Keys);
    }

    [Theory]
    [InlineData("order-1", "order-1")]
    [InlineData("\"order-1\"", "order-1")]
    [InlineData("\"a\\\"b\\\\c\"", "a\"b\\c")]
    [InlineData("a\"b\\c", "a\"b\\c")]
    [InlineData("!~", "!~")]
    [InlineData("a,b;c=d", "a,b;c=d")]
    public async Task Key_IsTheSameWithAndWithoutQuotes(string header, string key)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.BuyAsync(header);

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal([key], server.Control.Billing.Keys);
    }

    [Theory]
    [InlineData(255, HttpStatusCode.Created)]
    [InlineData(256, HttpStatusCode.BadRequest)]
    public async Task Key_HasAtMost255Characters(int length, HttpStatusCode expected)
    {
        await using var server = await Requests.StartWithTenantAsync();
        var key = new string('k', length);

        Assert.Equal(expected, (await server.BuyAsync(key)).StatusCode);
        Assert.Equal(expected, (await server.BuyAsync($"\"{key}\"")).StatusCode);
    }

    [Theory]
    [InlineData("Idempotency-Key:")]
    [InlineData("Idempotency-Key:   ")]
    [InlineData("Idempotency-Key: \"\"")]
    [InlineData("Idempotency-Key: \"")]
    [InlineData("Idempotency-Key: \"open")]
    [InlineData("Idempotency-Key: \"open\\\"")]
    [InlineData("Idempotency-Key: \"a\" b")]
    [InlineData("Idempotency-Key: \"a\\b\"")]
    [InlineData("Idempotency-Key: \"a\";v=1")]
    [InlineData("Idempotency-Key: \"a b\"")]
    [InlineData("Idempotency-Key: a b")]
    [InlineData("Idempotency-Key: schlüssel")]
    [InlineData("Idempotency-Key: a\r\nIdempotency-Key: a")]
    [InlineData("Idempotency-Key: a\r\nidempotency-key: b")]
    public async Task KeyThatIsNone_400AndNothingIsBought(string header)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendRawAsync(
            $"POST {Plans} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Requests.Plan.Length}\r\n{header}\r\nConnection: close\r\n\r\n{Requests.Plan}");

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("\"header_invalid\"", answer, StringComparison.Ordinal);
        Assert.Contains("Idempotency-Key ", answer, StringComparison.Ordinal);
        Assert.Empty(server.Control.Billing.Keys);
    }

    [Fact]
    public async Task TenantThatNeverWas_404()
    {
        await using var server = await AdminServer.StartAsync();

        Assert.Equal("not_found", await (await server.BuyAsync()).CodeAsync());
    }

    [Fact]
    public async Task PlanThatIsNot_404()
    {
        await using var server = await Requests.StartWithTenantAsync();

        Assert.Equal("not_found", await (await server.SendAsync("GET", Plans + "/other")).CodeAsync());
    }

    [Fact]
    public async Task OrderInAnotherType_415()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("POST", Plans, Requests.Plan, ("Idempotency-Key", "a"), ("Content-Type", "text/plain"));

        Assert.Equal("content_type_unsupported", await answer.CodeAsync());
    }

    [Fact]
    public async Task OrderTooBig_413()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.BuyAsync(order: Requests.Plan + new string(' ', 1024 * 1024));

        Assert.Equal("body_too_big", await answer.CodeAsync());
        Assert.Empty(server.Control.Billing.Keys);
    }
}
