using System.Net;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>A customer's document names the admin API of the same machine as its origin. Without a key the API trusts this machine,
/// and the edge runs on it; what the edge passes on must not profit from that.</summary>
public sealed class AdminThroughEdgeTests
{
    private const string Domain = "sly.example.com";

    [Theory]
    [InlineData("GET", "/api/v1/domains")]
    [InlineData("DELETE", "/api/v1/domains/" + Domain)]
    [InlineData("GET", "/openapi/v1.json")]
    public async Task AdminApiAsOrigin_RefusesWhatTheEdgePassesOn(string method, string path)
    {
        await using var edge = await StartAsync();
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(edge.Edge, path)) { Headers = { Host = Domain } };

        var answer = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("caller_denied", (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["code"]!);
    }

    [Fact]
    public async Task AdminApiAsWebSocketOrigin_RefusesTheHandshake()
    {
        await using var edge = await StartAsync();
        using var client = new ClientWebSocket();
        client.Options.SetRequestHeader("Host", Domain);
        client.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(new UriBuilder(edge.Edge) { Scheme = "ws", Path = "/api/v1/sessions" }.Uri, default));

        Assert.Equal(HttpStatusCode.Forbidden, client.HttpStatusCode);
    }

    private static async Task<EdgeProcess> StartAsync()
    {
        var edge = await EdgeProcess.StartAsync();
        var port = edge.Admin.Http.BaseAddress!.Port;
        await edge.Admin.PutTenantAsync("sly");
        await edge.Admin.PutDomainAsync(Domain, port, "sly", new JsonObject { ["originProtocol"] = "http" });
        await edge.Admin.ChangeDomainAsync(Domain, document => document["hostHeader"] = $"localhost:{port}");
        return edge;
    }
}
