using System.Net;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Admin.Tests;

public class OperationTests
{
    [Fact]
    public async Task SessionEnded_204AndAudited()
    {
        await using var server = await AdminServer.StartAsync();

        var first = await server.SendAsync("DELETE", "/api/v1/sessions/s2");
        var second = await server.SendAsync("DELETE", "/api/v1/sessions/s2");
        var audit = (await (await server.SendAsync("GET", "/api/v1/audit")).JsonAsync())["items"]!.AsArray();

        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        Assert.Equal("not_found", await second.CodeAsync());
        Assert.Equal(
            """{"id":"0001","at":"2026-03-04T05:06:07.000Z","by":"local","action":"end","kind":"session","name":"s2","version":null}""",
            audit.Single()!.ToJsonString());
    }

    [Fact]
    public async Task GatewayDrained_202WithTheGateway()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("POST", "/api/v1/gateways/gw-1/drain");

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal("draining", (string)(await answer.JsonAsync())["state"]!);
    }

    [Fact]
    public async Task UnknownGatewayDrained_404()
    {
        await using var server = await AdminServer.StartAsync();

        Assert.Equal("not_found", await (await server.SendAsync("POST", "/api/v1/gateways/other/drain")).CodeAsync());
    }

    [Theory]
    [InlineData("PATCH", "/api/v1/domains/chat.example.com", "GET, HEAD, PUT, DELETE")]
    [InlineData("POST", "/api/v1/domains", "GET, HEAD")]
    [InlineData("GET", "/api/v1/domains/chat.example.com/rollback", "POST")]
    [InlineData("DELETE", "/api/v1/domains/chat.example.com/versions", "GET, HEAD")]
    [InlineData("PUT", "/api/v1/domains/chat.example.com/gateways", "GET, HEAD")]
    [InlineData("OPTIONS", "/api/v1/tenants/acme", "GET, HEAD, PUT, DELETE")]
    [InlineData("GET", "/api/v1/sessions/s1", "DELETE")]
    [InlineData("DELETE", "/api/v1/sessions", "GET, HEAD")]
    [InlineData("GET", "/api/v1/gateways/gw-1/drain", "POST")]
    [InlineData("PUT", "/api/v1/gateways", "GET, HEAD")]
    [InlineData("PUT", "/api/v1/audit", "GET, HEAD")]
    [InlineData("PUT", "/api/v1/broken", "GET, HEAD")]
    [InlineData("POST", "/api/v1/tenants/bolt/usage", "GET, HEAD")]
    [InlineData("PUT", "/api/v1/tenants/bolt/plans", "GET, HEAD, POST")]
    [InlineData("DELETE", "/api/v1/tenants/bolt/plans/1", "GET, HEAD")]
    [InlineData("PUT", "/api/v1/tenants/bolt/statements/2026-11", "GET, HEAD")]
    [InlineData("PUT", "/api/v1/tenants/bolt/webhook", "GET, HEAD")]
    [InlineData("POST", "/api/v1/reconciliation", "GET, HEAD")]
    [InlineData("PUT", "/openapi/v1.json", "GET, HEAD")]
    public async Task WrongMethod_405WithAllow(string method, string path, string allow)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync(method, path);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(allow, string.Join(", ", answer.Content.Headers.Allow));
        Assert.Equal("method_not_allowed", await answer.CodeAsync());
    }

    [Theory]
    [InlineData("GET", "/api")]
    [InlineData("GET", "/api/v1")]
    [InlineData("GET", "/api/v2/domains")]
    [InlineData("POST", "/api/v1/domains/chat.example.com/unknown")]
    [InlineData("GET", "/api/v1/gateways/gw-1")]
    public async Task UnknownPath_404(string method, string path)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync(method, path);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("not_found", await answer.CodeAsync());
    }

    [Theory]
    [InlineData("/api/v1/sessions")]
    [InlineData("/api/v1/gateways")]
    [InlineData("/api/v1/domains/chat.example.com")]
    [InlineData("/api/v1/tenants/bolt/usage")]
    [InlineData("/api/v1/tenants/bolt/plans")]
    [InlineData("/api/v1/tenants/bolt/plans/plan%201")]
    [InlineData("/api/v1/tenants/bolt/statements/2026-11")]
    [InlineData("/api/v1/tenants/bolt/statements/2026-11?format=csv")]
    [InlineData("/api/v1/tenants/bolt/webhook")]
    [InlineData("/api/v1/reconciliation")]
    [InlineData("/openapi/v1.json")]
    public async Task Head_IsGetWithoutBody(string path)
    {
        await using var server = await Requests.StartWithTenantAsync();
        await server.BuyAsync();
        await server.SendAsync("PUT", "/api/v1/domains/chat.example.com", Requests.Chat);

        var get = await server.SendAsync("GET", path);
        var head = await server.SendAsync("HEAD", path);

        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(get.Headers.ETag, head.Headers.ETag);
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Equal(get.Content.Headers.ContentDisposition, head.Content.Headers.ContentDisposition);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task ControlPlaneThrows_500WithoutInternalsAndLogged()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("GET", "/api/v1/domains/throws?");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Equal("internal_error", await answer.CodeAsync());
        Assert.DoesNotContain(FakeControlPlane.Secret, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        var line = Assert.Single(server.Log.Lines, line => line.Level == LogLevel.Error);
        Assert.Equal(4000, line.Id.Id);
        Assert.Contains(FakeControlPlane.Secret, line.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/api/v1/domains")]
    [InlineData("GET", "/api/v1/none")]
    [InlineData("PATCH", "/api/v1/domains")]
    [InlineData("GET", "/openapi/v1.json")]
    public async Task EveryAnswer_IsNeitherStoredNorSniffed(string method, string path)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync(method, path);

        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        Assert.Equal(["nosniff"], answer.Headers.GetValues("X-Content-Type-Options"));
    }

    [Fact]
    public async Task FormSentToARouteWithoutBody_415()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendAsync("POST", "/api/v1/gateways/gw-1/drain", "a=b", ("Content-Type", "application/x-www-form-urlencoded"));

        Assert.Equal("content_type_unsupported", await answer.CodeAsync());
        Assert.Empty(server.Control.Audit);
    }

    [Fact]
    public async Task BodyCutShort_NothingIsChanged()
    {
        await using var server = await AdminServer.StartAsync();
        var head = $"PUT /api/v1/domains/chat.example.com HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";

        var answer = await server.SendRawAsync(head + "Transfer-Encoding: chunked\r\n\r\n" + "zz\r\n");

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("\"request_invalid\"", answer, StringComparison.Ordinal);
        Assert.Empty(server.Control.Domains.Callers);
    }
}
