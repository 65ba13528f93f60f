using System.Net;
using System.Text.Json.Nodes;

namespace OrleansEdge.Admin.Tests;

public class DocumentTests
{
    private const string Path = "/api/v1/domains/chat.example.com";

    [Fact]
    public async Task NewDocumentPut_201WithDocumentTagAndLocation()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("PUT", Path, Requests.Chat);

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("\"1\"", answer.Headers.ETag!.ToString());
        Assert.Equal(Path, answer.Headers.Location!.ToString());
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal(60, (int)(await answer.JsonAsync())["webSocket"]!["timeoutSeconds"]!);
        Assert.Equal(["local"], server.Control.Domains.Callers);
    }

    [Fact]
    public async Task DocumentPutAgain_200WithNextTag()
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", Path, Requests.Chat);

        var answer = await server.SendAsync("PUT", Path, Requests.Chat);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("\"2\"", answer.Headers.ETag!.ToString());
        Assert.Null(answer.Headers.Location);
    }

    [Fact]
    public async Task WhatGetReturns_PutAccepts()
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", Path, Requests.Chat);
        var read = await server.SendAsync("GET", Path);
        var text = await read.Content.ReadAsStringAsync();

        var written = await server.SendAsync("PUT", Path, text);

        Assert.Equal("\"1\"", read.Headers.ETag!.ToString());
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        Assert.Equal(text, await written.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("*.example.com")]
    [InlineData("%2A.example.com")]
    [InlineData("%2a.EXAMPLE.com")]
    public async Task WildcardDomain_ReachedEncodedOrNot(string name)
    {
        await using var server = await AdminServer.StartAsync();
        var json = Requests.Chat.Replace("chat.", "*.", StringComparison.Ordinal);

        var put = await server.SendAsync("PUT", $"/api/v1/domains/{name}", json);
        var get = await server.SendAsync("GET", put.Headers.Location!.ToString());

        Assert.Equal("/api/v1/domains/%2A.example.com", put.Headers.Location.ToString());
        Assert.Equal("*.example.com", (string)(await get.JsonAsync())["domain"]!);
    }

    [Fact]
    public async Task TenantDocument_TakesTheSameWay()
    {
        await using var server = await AdminServer.StartAsync();

        var put = await server.SendAsync("PUT", "/api/v1/tenants/bolt", """{ "tenant": "bolt", "name": "Bolt" }""");
        var get = await server.SendAsync("GET", put.Headers.Location!.ToString());
        var delete = await server.SendAsync("DELETE", "/api/v1/tenants/bolt");

        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        Assert.Equal("Bolt", (string)(await get.JsonAsync())["name"]!);
        Assert.Equal(HttpStatusCode.NoContent, delete.StatusCode);
    }

    [Fact]
    public async Task InvalidDocument_400WithAllFaults()
    {
        await using var server = await AdminServer.StartAsync();
        var json = """{ "domain": "chat.example.com", "tenant": "acme", "origins": [ { "address": "10.0.0.5" } ], "webSocket": { "timeoutSeconds": 301, "originLostCode": 1 } }""";

        var answer = await server.SendAsync("PUT", Path, json);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("config_invalid", await answer.CodeAsync());
        var errors = (await answer.JsonAsync())["errors"]!.AsArray();
        Assert.Contains(errors, error => JsonNode.DeepEquals(error, JsonNode.Parse("""{ "path": "webSocket.timeoutSeconds", "message": "301 is over 300" }""")));
        Assert.Contains(errors, error => (string)error!["path"]! == "webSocket.originLostCode");
        Assert.Equal(HttpStatusCode.NotFound, (await server.SendAsync("GET", Path)).StatusCode);
    }

    [Theory]
    [InlineData("GET", Path)]
    [InlineData("DELETE", Path)]
    [InlineData("GET", Path + "/versions")]
    [InlineData("GET", Path + "/gateways")]
    [InlineData("GET", "/api/v1/tenants/none")]
    [InlineData("GET", "/api/v1/tenants/none/versions")]
    public async Task UnknownName_404(string method, string path)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync(method, path);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("not_found", await answer.CodeAsync());
    }

    [Fact]
    public async Task TenantWithDomainsDeleted_409()
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", "/api/v1/tenants/acme", """{ "tenant": "acme", "name": "Acme" }""");

        var answer = await server.SendAsync("DELETE", "/api/v1/tenants/acme");

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal("tenant_has_domains", await answer.CodeAsync());
    }

    [Fact]
    public async Task ControlPlaneUnavailable_503WithRetryAfter()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("GET", "/api/v1/domains/unavailable");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter!.Delta);
        Assert.Equal("unavailable", await answer.CodeAsync());
    }

    [Fact]
    public async Task StoredDocumentBroken_500WithItsFaults()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("GET", "/api/v1/domains/broken");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Equal("config_broken", await answer.CodeAsync());
        Assert.Equal("not JSON", (string)(await answer.JsonAsync())["errors"]![0]!["message"]!);
    }

    [Theory]
    [InlineData(1024 * 1024, HttpStatusCode.Created)]
    [InlineData((1024 * 1024) + 1, HttpStatusCode.RequestEntityTooLarge)]
    public async Task BodyAroundOneMebibyte_TooBigAboveIt(int bytes, HttpStatusCode expected)
    {
        await using var server = await AdminServer.StartAsync();
        var json = Requests.Chat.PadRight(bytes);

        var known = await server.SendAsync("PUT", Path, json);
        var chunked = await server.SendAsync("PUT", "/api/v1/tenants/bolt", """{ "tenant": "bolt", "name": "b" }""".PadRight(bytes), ("Transfer-Encoding", "chunked"));

        Assert.Equal(expected, known.StatusCode);
        Assert.Equal(expected, chunked.StatusCode);
        if (expected != HttpStatusCode.Created)
        {
            Assert.Equal("body_too_big", await chunked.CodeAsync());
        }
    }

    [Theory]
    [InlineData("application/json", HttpStatusCode.Created)]
    [InlineData("application/json; charset=utf-8", HttpStatusCode.Created)]
    [InlineData("Application/JSON;charset=\"UTF-8\"", HttpStatusCode.Created)]
    [InlineData("application/json; charset=iso-8859-1", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/json; version=1", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("", HttpStatusCode.UnsupportedMediaType)]
    public async Task ContentType_OnlyJsonInUtf8(string type, HttpStatusCode expected)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("PUT", Path, Requests.Chat, ("Content-Type", type));

        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task EncodedBody_415()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("PUT", Path, Requests.Chat, ("Content-Encoding", "gzip"));

        Assert.Equal("content_type_unsupported", await answer.CodeAsync());
    }

    [Fact]
    public async Task Rollback_PutsTheOldDocumentAsANewVersion()
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", Path, Requests.Chat);
        await server.SendAsync("PUT", Path, Requests.Chat.Replace("10.0.0.5", "10.0.0.6", StringComparison.Ordinal));

        var answer = await server.SendAsync("POST", Path + "/rollback", """{ "version": 1 }""");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("\"3\"", answer.Headers.ETag!.ToString());
        Assert.Equal("10.0.0.5", (string)(await answer.JsonAsync())["origins"]![0]!["address"]!);
    }

    [Fact]
    public async Task RollbackOfADeletedDocument_201()
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", Path, Requests.Chat);
        await server.SendAsync("DELETE", Path);

        var answer = await server.SendAsync("POST", Path + "/rollback", """{ "version": 1 }""");

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal(Path, answer.Headers.Location!.ToString());
    }

    [Theory]
    [InlineData("""{ "version": 41 }""", HttpStatusCode.NotFound)]
    [InlineData("""{ "version": 0 }""", HttpStatusCode.BadRequest)]
    [InlineData("""{ "version": 1.5 }""", HttpStatusCode.BadRequest)]
    [InlineData("""{ "version": "1" }""", HttpStatusCode.BadRequest)]
    [InlineData("""{ "version": 1, "version": 2 }""", HttpStatusCode.BadRequest)]
    [InlineData("""{ "version": 1, "force": true }""", HttpStatusCode.BadRequest)]
    [InlineData("{}", HttpStatusCode.BadRequest)]
    [InlineData("[]", HttpStatusCode.BadRequest)]
    [InlineData("1", HttpStatusCode.BadRequest)]
    [InlineData("{", HttpStatusCode.BadRequest)]
    [InlineData("", HttpStatusCode.BadRequest)]
    public async Task RollbackThatCannotBeDone_RefusedAsAValue(string json, HttpStatusCode expected)
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", Path, Requests.Chat);

        var answer = await server.SendAsync("POST", Path + "/rollback", json);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal(expected == HttpStatusCode.NotFound ? "not_found" : "config_invalid", await answer.CodeAsync());
    }

    [Fact]
    public async Task Versions_NewestFirstWithDeletions()
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", Path, Requests.Chat);
        await server.SendAsync("DELETE", Path);

        var items = (await (await server.SendAsync("GET", Path + "/versions")).JsonAsync())["items"]!.AsArray();

        Assert.Equal("""{"version":2,"at":"2026-03-04T05:06:07.000Z","by":"local","deleted":true,"document":null}""", items[0]!.ToJsonString());
        Assert.Equal(1, (long)items[1]!["version"]!);
        Assert.Equal("acme", (string)items[1]!["document"]!["tenant"]!);
    }
}
