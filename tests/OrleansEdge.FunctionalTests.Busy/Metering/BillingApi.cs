using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>Usage, plans and statements, as an outsider asks the admin API for them.</summary>
public static class BillingApi
{
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddHours(-1);

    /// <summary>A tenant's document with everything that matters to bills.</summary>
    public static Task PutTenantAsync(
        this AdminClient admin, string tenant, bool payAsYouGo, string price = "0", int[]? thresholds = null, string? webhook = null)
        => admin.SendAsync(HttpMethod.Put, $"/api/v1/tenants/{tenant}", new JsonObject
        {
            ["tenant"] = tenant,
            ["name"] = tenant,
            ["payAsYouGo"] = new JsonObject
            {
                ["enabled"] = payAsYouGo,
                ["currency"] = "USD",
                ["pricePerGB"] = new JsonObject { ["websocket"] = price, ["http"] = price },
            },
            ["alerts"] = new JsonObject { ["thresholds"] = new JsonArray([.. (thresholds ?? []).Select(threshold => (JsonNode)threshold)]), ["webhook"] = webhook },
        });

    /// <summary>Buys a plan that is valid from the current 5-minute bound for a day.</summary>
    /// <returns>The plan.</returns>
    public static async Task<JsonElement> BuyPlanAsync(this AdminClient admin, string tenant, string kind, long bytes)
    {
        var (status, text) = await admin.OrderPlanAsync(tenant, Plan(kind, bytes), Guid.NewGuid().ToString());
        Assert.True(status == HttpStatusCode.Created, $"the plan was answered {status}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public static JsonObject Plan(string kind, long bytes)
    {
        var now = DateTimeOffset.UtcNow;
        var from = new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.FromMinutes(5).Ticks), TimeSpan.Zero);
        return new() { ["kind"] = kind, ["bytes"] = bytes, ["validFrom"] = Text(from), ["validTo"] = Text(from.AddDays(1)) };
    }

    /// <summary>Orders a plan, with any key or none.</summary>
    public static async Task<(HttpStatusCode Status, string Text)> OrderPlanAsync(this AdminClient admin, string tenant, JsonObject plan, string? key)
    {
        ArgumentNullException.ThrowIfNull(admin);
        ArgumentNullException.ThrowIfNull(plan);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/tenants/{tenant}/plans") { Content = Json(plan) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var answer = await admin.Http.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public static async Task<JsonElement> GetAsync(this AdminClient admin, string path)
        => JsonDocument.Parse(await admin.GetBytesAsync(path)).RootElement;

    public static async Task<byte[]> GetBytesAsync(this AdminClient admin, string path, string? accept = null)
    {
        ArgumentNullException.ThrowIfNull(admin);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accept is not null)
        {
            request.Headers.Add("Accept", accept);
        }

        using var answer = await admin.Http.SendAsync(request);
        var body = await answer.Content.ReadAsByteArrayAsync();
        Assert.True(answer.IsSuccessStatusCode, $"GET {path} answered {answer.StatusCode}: {Encoding.UTF8.GetString(body)}");
        return body;
    }

    /// <summary>All usage of a tenant, by domain and kind.</summary>
    public static async Task<IReadOnlyDictionary<(string Domain, string Kind), Tally>> UsageAsync(this AdminClient admin, string tenant)
    {
        var path = $"/api/v1/tenants/{tenant}/usage?from={Text(From)}&to={Text(DateTimeOffset.UtcNow.AddMinutes(10))}&interval=300";
        var answer = await admin.GetAsync(path);
        var usage = new Dictionary<(string, string), Tally>();
        var sum = default(Tally);
        foreach (var point in answer.GetProperty("points").EnumerateArray())
        {
            var key = (point.GetProperty("domain").GetString()!, point.GetProperty("kind").GetString()!);
            usage[key] = usage.GetValueOrDefault(key) + Read(point);
            sum += Read(point);
        }

        Assert.Equal(sum, Read(answer.GetProperty("total")));
        return usage;
    }

    /// <summary>Usage of one domain so far.</summary>
    public static async Task<Tally> UsageAsync(this AdminClient admin, string tenant, string domain, string kind = "websocket")
        => (await admin.UsageAsync(tenant)).GetValueOrDefault((domain, kind));

    /// <summary>Waits until the usage of a domain is as wished.</summary>
    /// <param name="admin">Whom to ask.</param>
    /// <param name="tenant">Who is billed.</param>
    /// <param name="domain">For what.</param>
    /// <param name="what">What is waited for, for the failure.</param>
    /// <param name="fits">Whether that is it.</param>
    /// <param name="within">How long that may take.</param>
    /// <param name="kind">Kind of traffic.</param>
    public static async Task<Tally> WaitForUsageAsync(
        this AdminClient admin, string tenant, string domain, string what, Func<Tally, bool> fits, TimeSpan within, string kind = "websocket")
    {
        ArgumentNullException.ThrowIfNull(fits);
        var deadline = new Deadline(within);
        while (true)
        {
            var last = deadline.Left <= TimeSpan.Zero;
            var usage = await admin.UsageAsync(tenant, domain, kind);
            if (fits(usage))
            {
                return usage;
            }

            if (last)
            {
                throw new WireException($"{domain} ({kind}) of {tenant}: expected {what}{deadline}, billed is {usage}");
            }

            await Task.Delay(25);
        }
    }

    /// <summary>Waits until exactly this is billed; more is never right, not even for a moment.</summary>
    public static Task<Tally> WaitForExactUsageAsync(
        this AdminClient admin, string tenant, string domain, Tally expected, TimeSpan within, string kind = "websocket")
        => admin.WaitForUsageAsync(
            tenant,
            domain,
            $"{expected}",
            usage => usage.IsWithin(expected) ? usage == expected : throw new WireException($"{domain} ({kind}) of {tenant}: expected {expected}, billed is {usage}"),
            within,
            kind);

    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static async Task SendAsync(this AdminClient admin, HttpMethod method, string path, JsonObject body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = Json(body) };
        using var answer = await admin.Http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path} answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    private static StringContent Json(JsonObject body) => new(body.ToJsonString(), Encoding.UTF8, "application/json");

    private static Tally Read(JsonElement counts) => new(
        counts.GetProperty("bytesUp").GetInt64(),
        counts.GetProperty("bytesDown").GetInt64(),
        counts.GetProperty("messagesUp").GetInt64(),
        counts.GetProperty("messagesDown").GetInt64(),
        counts.GetProperty("sessions").GetInt64(),
        counts.GetProperty("sessionMilliseconds").GetInt64());
}
