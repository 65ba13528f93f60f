using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>The admin API, as far as these tests need it.</summary>
public sealed class AdminClient(Uri address) : IDisposable
{
    /// <summary>Tenant that owns the domains of these tests where nothing else is said.</summary>
    public const string Tenant = "acme";

    private readonly HttpClient _http = new() { BaseAddress = address, Timeout = Wire.Patience };

    /// <summary>The plain HTTP client, for what has no method here.</summary>
    public HttpClient Http => _http;

    public async Task PutTenantAsync(string tenant, bool blocked = false)
        => await PutAsync($"/api/v1/tenants/{tenant}", new JsonObject { ["tenant"] = tenant, ["name"] = tenant, ["blocked"] = blocked });

    public Task PutDomainAsync(DomainDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        return PutAsync($"/api/v1/domains/{Uri.EscapeDataString(document.Name)}", document.Json);
    }

    public async Task DeleteDomainAsync(string domain)
    {
        using var answer = await _http.DeleteAsync(new Uri($"/api/v1/domains/{Uri.EscapeDataString(domain)}", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    /// <summary>Open sessions of a domain.</summary>
    public async Task<IReadOnlyList<JsonElement>> SessionsAsync(string domain)
    {
        var text = await _http.GetStringAsync(new Uri($"/api/v1/sessions?domain={Uri.EscapeDataString(domain)}", UriKind.Relative));
        return [.. JsonDocument.Parse(text).RootElement.GetProperty("items").EnumerateArray()];
    }

    /// <summary>Waits for a number of open sessions; the list is asked again until it shows them.</summary>
    public async Task<IReadOnlyList<JsonElement>> WaitForSessionsAsync(string domain, int count, TimeSpan? within = null)
    {
        var deadline = new Deadline(within ?? Wire.Patience);
        while (true)
        {
            var sessions = await SessionsAsync(domain);
            if (sessions.Count == count)
            {
                return sessions;
            }

            if (deadline.Left <= TimeSpan.Zero)
            {
                throw new WireException($"{domain} has {sessions.Count} open sessions, expected {count}{deadline}: {string.Join(' ', sessions)}");
            }

            await Task.Delay(20);
        }
    }

    public async Task<HttpStatusCode> EndSessionAsync(string id)
    {
        using var answer = await _http.DeleteAsync(new Uri($"/api/v1/sessions/{Uri.EscapeDataString(id)}", UriKind.Relative));
        return answer.StatusCode;
    }

    /// <summary>Ends the only session of a domain.</summary>
    public async Task EndOnlySessionAsync(string domain)
    {
        var session = Assert.Single(await WaitForSessionsAsync(domain, 1));
        Assert.Equal(HttpStatusCode.NoContent, await EndSessionAsync(session.GetProperty("id").GetString()!));
    }

    public async Task<JsonElement> GatewayAsync()
    {
        var text = await _http.GetStringAsync(new Uri("/api/v1/gateways", UriKind.Relative));
        return Assert.Single(JsonDocument.Parse(text).RootElement.GetProperty("items").EnumerateArray());
    }

    public async Task DrainAsync()
    {
        var name = (await GatewayAsync()).GetProperty("name").GetString()!;
        using var answer = await _http.PostAsync(new Uri($"/api/v1/gateways/{Uri.EscapeDataString(name)}/drain", UriKind.Relative), null);
        Assert.True(answer.IsSuccessStatusCode, $"drain answered {answer.StatusCode}");
    }

    public async Task<HttpStatusCode> GetStatusAsync(string path)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative));
        return answer.StatusCode;
    }

    public void Dispose() => _http.Dispose();

    private async Task PutAsync(string path, JsonObject document)
    {
        using var content = new StringContent(document.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await _http.PutAsync(new Uri(path, UriKind.Relative), content);
        Assert.True(answer.IsSuccessStatusCode, $"PUT {path} answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }
}

/// <summary>A domain's document in the making.</summary>
public sealed class DomainDocument
{
    public DomainDocument(string name, params int[] ports)
    {
        Name = name;
        Json = new JsonObject
        {
            ["domain"] = name,
            ["tenant"] = AdminClient.Tenant,
            ["webSocket"] = new JsonObject(),
            ["origins"] = new JsonArray([.. ports.Select(port => Origin("127.0.0.1", port))]),
            ["originTls"] = new JsonObject { ["verify"] = false },
            ["access"] = new JsonObject(),
        };
    }

    public string Name { get; }

    public JsonObject Json { get; }

    /// <summary>Sets a member of <c>webSocket</c>.</summary>
    public DomainDocument Set(string member, JsonNode? value)
    {
        Json["webSocket"]![member] = value;
        return this;
    }

    /// <summary>Sets a member by its path, such as <c>access.allowedOrigins</c>.</summary>
    public DomainDocument At(string path, JsonNode? value)
    {
        ArgumentNullException.ThrowIfNull(path);
        var names = path.Split('.');
        var parent = names[..^1].Aggregate((JsonNode)Json, (node, name) => node[name]!);
        parent[names[^1]] = value;
        return this;
    }

    public DomainDocument WithOrigin(string address, int port)
    {
        Json["origins"]!.AsArray().Add(Origin(address, port));
        return this;
    }

    private static JsonObject Origin(string address, int port)
        => new() { ["address"] = address, ["httpPort"] = port, ["httpsPort"] = port };
}
