using System.Net;

namespace OrleansEdge.Admin.Tests;

/// <summary>If-Match and If-None-Match; the document stands at version 2.</summary>
public class ConditionTests
{
    private const string Path = "/api/v1/domains/chat.example.com";

    [Theory]
    [InlineData("\"2\"", 200)]
    [InlineData("\"1\", \"2\"", 200)]
    [InlineData("\"7\",\"2\" , \"2\"", 200)]
    [InlineData("*", 200)]
    [InlineData("\"1\"", 412)]
    [InlineData("\"1\", \"3\"", 412)]
    [InlineData("\"02\"", 412)]
    [InlineData("\"abc\"", 412)]
    [InlineData("\"\"", 412)]
    [InlineData("\"9223372036854775808\"", 412)]
    [InlineData("2", 400)]
    [InlineData("W/\"2\"", 400)]
    [InlineData("\"2\", W/\"1\"", 400)]
    [InlineData("\"2\", *", 400)]
    [InlineData("\"2", 400)]
    [InlineData("2\"", 400)]
    [InlineData(" ", 400)]
    [InlineData("**", 400)]
    public async Task IfMatch_DecidesAPut(string value, int expected)
    {
        await using var server = await StartAtVersion2Async();

        var answer = await server.SendAsync("PUT", Path, Requests.Chat, ("If-Match", value));

        await AssertConditionAsync(answer, expected, "If-Match");
        Assert.Equal(expected == 200 ? "\"3\"" : "\"2\"", (await server.SendAsync("GET", Path)).Headers.ETag!.ToString());
    }

    [Theory]
    [InlineData("\"2\"", 204)]
    [InlineData("*", 204)]
    [InlineData("\"1\"", 412)]
    [InlineData("W/\"2\"", 400)]
    public async Task IfMatch_DecidesADelete(string value, int expected)
    {
        await using var server = await StartAtVersion2Async();

        var answer = await server.SendAsync("DELETE", Path, null, ("If-Match", value));

        await AssertConditionAsync(answer, expected, "If-Match");
    }

    [Theory]
    [InlineData("\"2\"", 200)]
    [InlineData("\"1\"", 412)]
    [InlineData("x", 400)]
    public async Task IfMatch_DecidesARollback(string value, int expected)
    {
        await using var server = await StartAtVersion2Async();

        var answer = await server.SendAsync("POST", Path + "/rollback", """{ "version": 1 }""", ("If-Match", value));

        await AssertConditionAsync(answer, expected, "If-Match");
    }

    [Theory]
    [InlineData("\"1\"")]
    [InlineData("*")]
    public async Task IfMatchOfWhatDoesNotExist_412(string value)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("PUT", Path, Requests.Chat, ("If-Match", value));

        await AssertConditionAsync(answer, 412, "If-Match");
    }

    [Theory]
    [InlineData("*", 412)]
    [InlineData("\"1\"", 400)]
    [InlineData("\"2\"", 400)]
    [InlineData("*, *", 400)]
    [InlineData("W/\"2\"", 400)]
    public async Task IfNoneMatchOnAnExistingDocument_OnlyStarIsKnown(string value, int expected)
    {
        await using var server = await StartAtVersion2Async();

        var answer = await server.SendAsync("PUT", Path, Requests.Chat, ("If-None-Match", value));

        await AssertConditionAsync(answer, expected, "If-None-Match");
    }

    [Fact]
    public async Task IfNoneMatchStarOnNothing_Creates()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("PUT", Path, Requests.Chat, ("If-None-Match", "*"));

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    [Fact]
    public async Task IfNoneMatchOnDelete_400()
    {
        await using var server = await StartAtVersion2Async();

        var answer = await server.SendAsync("DELETE", Path, null, ("If-None-Match", "*"));

        await AssertConditionAsync(answer, 400, "If-None-Match");
    }

    [Theory]
    [InlineData("If-None-Match", "\"2\"", 304)]
    [InlineData("If-None-Match", "W/\"2\"", 304)]
    [InlineData("If-None-Match", "\"1\", \"2\"", 304)]
    [InlineData("If-None-Match", "*", 304)]
    [InlineData("If-None-Match", "\"1\"", 200)]
    [InlineData("If-None-Match", "2", 400)]
    [InlineData("If-Match", "\"2\"", 200)]
    [InlineData("If-Match", "*", 200)]
    [InlineData("If-Match", "\"1\"", 412)]
    [InlineData("If-Match", "W/\"2\"", 412)]
    [InlineData("If-Match", "2", 400)]
    public async Task Condition_DecidesARead(string header, string value, int expected)
    {
        await using var server = await StartAtVersion2Async();

        var get = await server.SendAsync("GET", Path, null, (header, value));
        var head = await server.SendAsync("HEAD", Path, null, (header, value));

        await AssertConditionAsync(get, expected, header);
        Assert.Equal(get.StatusCode, head.StatusCode);
        Assert.Equal(expected is 200 or 304 ? "\"2\"" : null, get.Headers.ETag?.ToString());
    }

    private static async Task<AdminServer> StartAtVersion2Async()
    {
        var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", Path, Requests.Chat);
        await server.SendAsync("PUT", Path, Requests.Chat);
        return server;
    }

    private static async Task AssertConditionAsync(HttpResponseMessage answer, int expected, string header)
    {
        Assert.Equal(expected, (int)answer.StatusCode);
        switch (expected)
        {
            case 400:
                Assert.Equal("header_invalid", await answer.CodeAsync());
                Assert.StartsWith(header + " ", (string)(await answer.JsonAsync())["detail"]!, StringComparison.Ordinal);
                break;
            case 412:
                Assert.Equal("precondition_failed", await answer.CodeAsync());
                break;
            case 304:
                Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
                break;
        }
    }
}
