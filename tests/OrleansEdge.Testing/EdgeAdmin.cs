using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansEdge.Testing;

/// <summary>Client of the admin API as an outsider writes it: paths and JSON, no types of the product.</summary>
public sealed class EdgeAdmin(Uri address) : IDisposable
{
    /// <summary>The plain HTTP client, for what has no method here.</summary>
    public HttpClient Http { get; } = new() { BaseAddress = new(address, "/api/v1/") };

    /// <summary>Creates or replaces a tenant.</summary>
    public Task PutTenantAsync(string tenant)
        => PutAsync($"tenants/{tenant}", new JsonObject { ["tenant"] = tenant, ["name"] = tenant });

    /// <summary>Creates or replaces a domain; its tenant must exist.</summary>
    /// <param name="domain">Its name.</param>
    /// <param name="originPort">Port of the origin, for both protocols.</param>
    /// <param name="tenant">Its tenant.</param>
    /// <param name="webSocket">Members of <c>webSocket</c>; left out: the defaults.</param>
    /// <param name="originTls">Members of <c>originTls</c>; left out: the defaults.</param>
    /// <param name="originAddress">Address of the origin.</param>
    public Task PutDomainAsync(
        string domain,
        int originPort,
        string tenant,
        JsonObject? webSocket = null,
        JsonObject? originTls = null,
        string originAddress = "127.0.0.1")
    {
        var document = new JsonObject
        {
            ["domain"] = domain,
            ["tenant"] = tenant,
            ["origins"] = new JsonArray(new JsonObject { ["address"] = originAddress, ["httpPort"] = originPort, ["httpsPort"] = originPort }),
        };
        if (webSocket is not null)
        {
            document["webSocket"] = webSocket;
        }

        if (originTls is not null)
        {
            document["originTls"] = originTls;
        }

        return PutAsync($"domains/{domain}", document);
    }

    /// <summary>Reads a domain, changes it, and puts it back.</summary>
    public async Task ChangeDomainAsync(string domain, Action<JsonObject> change)
    {
        var document = (await Http.GetFromJsonAsync<JsonObject>($"domains/{domain}"))!;
        change(document);
        await PutAsync($"domains/{domain}", document);
    }

    /// <summary>Open sessions of a domain, at most 1,000.</summary>
    public async Task<IReadOnlyList<JsonElement>> ListSessionsAsync(string domain)
    {
        var page = await Http.GetFromJsonAsync<JsonElement>($"sessions?domain={domain}&limit=1000");
        return [.. page.GetProperty("items").EnumerateArray()];
    }

    /// <summary>Puts a document and fails with the answer's body where it is refused.</summary>
    public async Task PutAsync(string path, JsonObject document)
    {
        using var response = await Http.PutAsJsonAsync(path, document);
        if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.Created))
        {
            throw new HttpRequestException($"PUT {path} was answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Http.Dispose();
}
