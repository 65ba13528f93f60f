using System.Net;

namespace OrleansEdge.Admin.Tests;

public class ListTests
{
    public static TheoryData<string> Lists => new(
        "/domains", "/domains/chat.example.com/versions", "/domains/chat.example.com/gateways",
        "/tenants", "/tenants/bolt/versions", "/tenants/bolt/plans", "/reconciliation", "/sessions", "/gateways", "/audit", "/broken");

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task EveryList_HasItemsAndNext(string path)
    {
        await using var server = await StartFilledAsync();

        var answer = await server.SendAsync("GET", "/api/v1" + path);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var page = (await answer.JsonAsync()).AsObject();
        Assert.Equal(["items", "next"], page.Select(member => member.Key));
        Assert.NotEmpty(page["items"]!.AsArray());
        Assert.Null(page["next"]);
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task EveryList_RefusesWhatItDoesNotKnow(string path)
    {
        await using var server = await StartFilledAsync();

        var unknown = await server.SendAsync("GET", $"/api/v1{path}?offset=3&limit=1&Limit=1");
        var limit = await server.SendAsync("GET", $"/api/v1{path}?limit=1001");

        Assert.Equal("parameter_unknown", await unknown.CodeAsync());
        Assert.Contains("offset", (string)(await unknown.JsonAsync())["detail"]!, StringComparison.Ordinal);
        Assert.Equal("parameter_invalid", await limit.CodeAsync());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1001")]
    [InlineData("1.0")]
    [InlineData("%2B5")]
    [InlineData("99999999999")]
    [InlineData("many")]
    [InlineData("")]
    [InlineData("1&limit=2")]
    public async Task BadLimit_400NamingIt(string limit)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("GET", "/api/v1/sessions?limit=" + limit);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("parameter_invalid", await answer.CodeAsync());
        Assert.Contains("limit", (string)(await answer.JsonAsync())["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PagesOfOne_FollowEachOtherToTheEnd()
    {
        await using var server = await AdminServer.StartAsync();
        var seen = new List<string>();
        var path = "/api/v1/sessions?limit=1";
        for (string? next = ""; next is not null;)
        {
            var page = await (await server.SendAsync("GET", $"{path}&after={next}")).JsonAsync();
            seen.Add((string)page["items"]!.AsArray().Single()!["id"]!);
            next = (string?)page["next"];
        }

        Assert.Equal(["s1", "s2", "s3"], seen);
    }

    [Fact]
    public async Task LimitOf1000_Accepted()
    {
        await using var server = await AdminServer.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/api/v1/sessions?limit=1000")).StatusCode);
    }

    [Fact]
    public async Task SessionFilters_ReachTheControlPlane()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("GET", "/api/v1/sessions?domain=chat.example.com&tenant=acme&gateway=gw-1");

        Assert.Equal(["s1", "s2"], await answer.ItemsAsync("id"));
        Assert.Equal(new Model.SessionFilter("chat.example.com", "acme", "gw-1"), server.Control.LastFilter);
    }

    [Fact]
    public async Task EmptySessionFilters_RestrictNothing()
    {
        await using var server = await AdminServer.StartAsync();

        await server.SendAsync("GET", "/api/v1/sessions?domain=&tenant=&gateway=");

        Assert.Equal(default(Model.SessionFilter), server.Control.LastFilter);
    }

    [Fact]
    public async Task Session_HasTheMembersOfTheContract()
    {
        await using var server = await AdminServer.StartAsync();

        var item = (await (await server.SendAsync("GET", "/api/v1/sessions?limit=1")).JsonAsync())["items"]![0]!;

        Assert.Equal(
            """{"id":"s1","domain":"chat.example.com","tenant":"acme","gateway":"gw-1","client":"127.0.0.1:50000","origin":"127.0.0.1:9000","protocol":"http/1.1","subprotocol":null,"startedAt":"2026-03-04T05:06:07.000Z","lastActivityAt":"2026-03-04T05:06:08.500Z","bytesUp":5000000000,"bytesDown":0,"messagesUp":0,"messagesDown":0}""",
            item.ToJsonString());
    }

    [Fact]
    public async Task Gateway_HasTheMembersOfTheContract()
    {
        await using var server = await AdminServer.StartAsync();

        var item = (await (await server.SendAsync("GET", "/api/v1/gateways")).JsonAsync())["items"]![0]!;

        Assert.Equal("""{"name":"gw-1","startedAt":"2026-03-04T05:06:07.000Z","state":"ready","sessions":3,"version":"0.1.0"}""", item.ToJsonString());
    }

    [Fact]
    public async Task DomainOnGateway_HasTheMembersOfTheContract()
    {
        await using var server = await StartFilledAsync();

        var item = (await (await server.SendAsync("GET", "/api/v1/domains/chat.example.com/gateways")).JsonAsync())["items"]![0]!;

        Assert.Equal("""{"gateway":"gw-1","version":1}""", item.ToJsonString());
    }

    private static async Task<AdminServer> StartFilledAsync()
    {
        var server = await Requests.StartWithTenantAsync();
        await server.SendAsync("PUT", "/api/v1/domains/chat.example.com", Requests.Chat);
        await server.BuyAsync();
        await server.SendAsync("POST", "/api/v1/gateways/gw-1/drain");
        return server;
    }
}
