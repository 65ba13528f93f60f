using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansEdge.Admin.Tests;

/// <summary>Requests and answers in short.</summary>
internal static class Requests
{
    public const string Chat = """{ "domain": "chat.example.com", "tenant": "acme", "origins": [ { "address": "10.0.0.5" } ] }""";

    public const string Plan = """{ "kind": "websocket", "bytes": 1000000000000, "validFrom": "2026-11-01T00:00:00Z", "validTo": "2027-11-01T00:00:00Z" }""";

    public static async Task<HttpResponseMessage> SendAsync(this AdminServer server, string method, string path, string? json = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        foreach (var (name, value) in headers)
        {
            if (!name.StartsWith("Content-", StringComparison.Ordinal))
            {
                request.Headers.TryAddWithoutValidation(name, value);
                continue;
            }

            request.Content!.Headers.Remove(name);
            request.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return await server.Client.SendAsync(request);
    }

    /// <summary>A server with the tenant <c>bolt</c>.</summary>
    public static async Task<AdminServer> StartWithTenantAsync()
    {
        var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", "/api/v1/tenants/bolt", """{ "tenant": "bolt", "name": "Bolt" }""");
        return server;
    }

    public static Task<HttpResponseMessage> BuyAsync(this AdminServer server, string key = "order-1", string order = Plan)
        => server.SendAsync("POST", "/api/v1/tenants/bolt/plans", order, ("Idempotency-Key", key));

    public static async Task<JsonNode> JsonAsync(this HttpResponseMessage response)
        => JsonNode.Parse(await response.Content.ReadAsStringAsync())!;

    public static async Task<string> CodeAsync(this HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = await response.JsonAsync();
        Assert.Equal((int)response.StatusCode, (int)problem["status"]!);
        Assert.NotEmpty((string)problem["detail"]!);
        return (string)problem["code"]!;
    }

    public static async Task<string[]> ItemsAsync(this HttpResponseMessage response, string member)
        => [.. (await response.JsonAsync())["items"]!.AsArray().Select(item => item![member]!.ToString())];
}
