using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Tests;

public class OpenApiTests
{
    [Fact]
    public async Task EveryMappedRoute_StandsInTheDocumentAndNoOther()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);

        var described = document["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key}"));
        var mapped = server.Application.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>()
            .SelectMany(route => (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(method => $"{method} {route.RoutePattern.RawText}"))
            .Where(route => route.Contains(" /api/", StringComparison.Ordinal) && !route.StartsWith("HEAD", StringComparison.Ordinal));

        Assert.Equal(mapped.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
        Assert.Contains("PUT /api/v1/domains/{domain}", described);
    }

    [Fact]
    public async Task EveryOperation_IsComplete()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (path, methods) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in methods!.AsObject())
            {
                Assert.True(ids.Add((string)operation!["operationId"]!), $"{method} {path} has no id of its own");
                Assert.NotEmpty((string)operation["summary"]!);
                Assert.Equal(Regex.Count(path, @"\{"), Parameters(document, operation).Count(parameter => (string)parameter["in"]! == "path"));
                Assert.Superset(new HashSet<string> { "400", "401", "403", "500", "503" }, operation["responses"]!.AsObject().Select(response => response.Key).ToHashSet());
                Assert.Equal(method is "put" || (method is "post" && !path.EndsWith("drain", StringComparison.Ordinal)), operation["requestBody"] is not null);
            }
        }
    }

    [Fact]
    public async Task EveryReference_IsResolved()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);

        foreach (var reference in References(document))
        {
            Assert.NotNull(Resolve(document, reference));
        }
    }

    [Fact]
    public async Task ListParameters_AreDescribedAsTheyAreChecked()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);

        var parameters = Parameters(document, document["paths"]!["/api/v1/sessions"]!["get"]!);

        Assert.Equal(["domain", "tenant", "gateway", "after", "limit"], parameters.Select(parameter => (string)parameter["name"]!));
        var limit = parameters.Single(parameter => (string)parameter["name"]! == "limit")["schema"]!;
        Assert.Equal((1, PageRequest.MaxLimit, PageRequest.DefaultLimit), ((int)limit["minimum"]!, (int)limit["maximum"]!, (int)limit["default"]!));
    }

    [Fact]
    public async Task ChangesOfDocuments_AnswerWithATag()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);

        foreach (var path in new[] { "/api/v1/domains/{domain}", "/api/v1/tenants/{tenant}" })
        {
            var responses = document["paths"]![path]!["put"]!["responses"]!;
            Assert.NotNull(responses["200"]!["headers"]!["ETag"]);
            Assert.NotNull(responses["201"]!["headers"]!["ETag"]);
            Assert.NotNull(responses["201"]!["headers"]!["Location"]);
        }
    }

    [Fact]
    public async Task Statement_IsDescribedInBothForms()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);

        var content = document["paths"]!["/api/v1/tenants/{tenant}/statements/{month}"]!["get"]!["responses"]!["200"]!["content"]!.AsObject();

        Assert.Equal(["application/json", "text/csv"], content.Select(type => type.Key));
    }

    [Fact]
    public async Task Order_NeedsAKeyAndSaysWhereThePlanIs()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);
        var operation = document["paths"]!["/api/v1/tenants/{tenant}/plans"]!["post"]!;

        var key = Parameters(document, operation).Single(parameter => (string)parameter["in"]! == "header");

        Assert.Equal(("Idempotency-Key", true), ((string)key["name"]!, (bool)key["required"]!));
        Assert.NotNull(operation["responses"]!["201"]!["headers"]!["Location"]);
        Assert.Empty(new SchemaCheck(document).Check("PlanOrder", JsonNode.Parse(Requests.Plan)));
    }

    [Fact]
    public async Task KeyIsDescribed_AsBearer()
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);

        Assert.Equal("bearer", (string)document["components"]!["securitySchemes"]!["key"]!["scheme"]!);
        Assert.NotNull(document["security"]![0]!["key"]);
    }

    [Theory]
    [InlineData("Domain")]
    [InlineData("Tenant")]
    public async Task ExampleDocuments_AreValid(string schema)
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);
        var examples = document["components"]!["schemas"]![schema]!["examples"]!.AsArray();

        Assert.NotEmpty(examples);
        foreach (var example in examples)
        {
            Assert.Empty(Faults(schema, example!));
            Assert.Empty(new SchemaCheck(document).Check(schema, example));
        }
    }

    [Theory]
    [InlineData("Domain")]
    [InlineData("Tenant")]
    public async Task DefaultsOfTheSchema_AreThoseOfTheDocument(string schema)
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);
        var minimal = document["components"]!["schemas"]![schema]!["examples"]![0]!;

        var written = JsonSerializer.SerializeToNode(Parse(schema, minimal), EdgeJson.Options)!;

        Assert.Empty(new SchemaCheck(document).CheckDefaults(schema, written, minimal));
    }

    [Theory]
    [InlineData("WebSocket", "webSocket")]
    [InlineData("Origin", "origins")]
    public async Task BoundsOfTheSchema_AreThoseOfTheDocument(string schema, string member)
    {
        await using var server = await AdminServer.StartAsync();
        var document = await ReadAsync(server);
        var bounded = document["components"]!["schemas"]![schema]!["properties"]!.AsObject().Where(property => property.Value!["maximum"] is not null).ToArray();

        Assert.NotEmpty(bounded);
        foreach (var (name, property) in bounded)
        {
            var (least, most) = ((long)property!["minimum"]!, (long)property["maximum"]!);
            Assert.Empty(FaultsOf(least));
            Assert.Empty(FaultsOf(most));
            Assert.NotEmpty(FaultsOf(least - 1));
            Assert.NotEmpty(FaultsOf(most + 1));

            IReadOnlyList<ConfigError> FaultsOf(long value)
            {
                var example = JsonNode.Parse(Requests.Chat)!;
                var part = member == "origins" ? example["origins"]![0]! : example[member] = new JsonObject();
                part[name] = value;
                return Faults("Domain", example);
            }
        }
    }

    [Theory]
    [InlineData("GET", "/api/v1/domains/chat.example.com", "Domain")]
    [InlineData("GET", "/api/v1/domains", "DomainPage")]
    [InlineData("GET", "/api/v1/domains/chat.example.com/versions", "DomainVersionPage")]
    [InlineData("GET", "/api/v1/domains/chat.example.com/gateways", "DomainGatewayPage")]
    [InlineData("GET", "/api/v1/tenants/bolt", "Tenant")]
    [InlineData("GET", "/api/v1/tenants", "TenantPage")]
    [InlineData("GET", "/api/v1/tenants/bolt/versions", "TenantVersionPage")]
    [InlineData("GET", "/api/v1/sessions", "SessionPage")]
    [InlineData("GET", "/api/v1/gateways", "GatewayPage")]
    [InlineData("POST", "/api/v1/gateways/gw-1/drain", "Gateway")]
    [InlineData("GET", "/api/v1/audit", "AuditPage")]
    [InlineData("GET", "/api/v1/broken", "BrokenPage")]
    [InlineData("GET", "/api/v1/tenants/bolt/usage", "Usage")]
    [InlineData("GET", "/api/v1/tenants/bolt/plans", "PlanPage")]
    [InlineData("POST", "/api/v1/tenants/bolt/plans", "Plan")]
    [InlineData("GET", "/api/v1/tenants/bolt/plans/plan%201", "Plan")]
    [InlineData("GET", "/api/v1/tenants/bolt/statements/2026-11", "Statement")]
    [InlineData("GET", "/api/v1/tenants/bolt/webhook", "Webhook")]
    [InlineData("GET", "/api/v1/reconciliation", "ReconciliationPage")]
    [InlineData("GET", "/api/v1/domains/none", "Problem")]
    [InlineData("GET", "/api/v1/domains/broken", "Problem")]
    public async Task RealAnswers_MatchTheirSchemas(string method, string path, string schema)
    {
        await using var server = await AdminServer.StartAsync();
        await server.SendAsync("PUT", "/api/v1/domains/chat.example.com", Requests.Chat);
        await server.SendAsync("PUT", "/api/v1/tenants/bolt", """{ "tenant": "bolt", "name": "Bolt" }""");
        await server.SendAsync("PUT", "/api/v1/tenants/gone", """{ "tenant": "gone", "name": "Gone" }""");
        await server.SendAsync("DELETE", "/api/v1/tenants/gone");
        await server.SendAsync("DELETE", "/api/v1/sessions/s3");
        await server.BuyAsync();
        var document = await ReadAsync(server);

        var buys = path.EndsWith("/plans", StringComparison.Ordinal) && method == "POST";
        var answer = await (buys ? await server.BuyAsync() : await server.SendAsync(method, path)).JsonAsync();

        Assert.Empty(new SchemaCheck(document).Check(schema, answer));
    }

    [Fact]
    public void SchemaCheck_FindsWhatIsWrong()
    {
        var document = JsonNode.Parse("""
            { "components": { "schemas": { "T": { "type": "object", "additionalProperties": false, "required": [ "a" ],
              "properties": { "a": { "type": "integer", "minimum": 1 }, "b": { "type": "string", "enum": [ "x" ] } } } } } }
            """)!;

        Assert.Empty(new SchemaCheck(document).Check("T", JsonNode.Parse("""{ "a": 1, "b": "x" }""")));
        Assert.Equal(3, new SchemaCheck(document).Check("T", JsonNode.Parse("""{ "b": "y", "c": 1 }""")).Count);
        Assert.Single(new SchemaCheck(document).Check("T", JsonNode.Parse("""{ "a": 0 }""")));
        Assert.Single(new SchemaCheck(document).Check("T", JsonNode.Parse("""{ "a": null }""")));
    }

    private static async Task<JsonNode> ReadAsync(AdminServer server)
    {
        var answer = await server.SendAsync("GET", "/openapi/v1.json");
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        return await answer.JsonAsync();
    }

    private static JsonNode[] Parameters(JsonNode document, JsonNode operation)
        => [.. (operation["parameters"]?.AsArray() ?? []).Select(parameter => Resolve(document, (string)parameter!["$ref"]!)!)];

    private static object? Parse(string schema, JsonNode json)
        => schema == "Domain" ? DomainDocument.Parse(Utf8(json), DocumentLimits.Widest).Value : TenantDocument.Parse(Utf8(json), DocumentLimits.Widest).Value;

    private static IReadOnlyList<ConfigError> Faults(string schema, JsonNode json)
        => schema == "Domain" ? DomainDocument.Parse(Utf8(json), DocumentLimits.Widest).Errors : TenantDocument.Parse(Utf8(json), DocumentLimits.Widest).Errors;

    private static byte[] Utf8(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => member.Key == "$ref" ? [(string)member.Value!] : References(member.Value)),
        JsonArray items => items.SelectMany(References),
        _ => [],
    };

    private static JsonNode? Resolve(JsonNode document, string reference)
        => reference.Split('/').Skip(1).Aggregate((JsonNode?)document, (node, step) => node?[step]);
}
