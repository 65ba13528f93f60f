using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansEdge.Cluster.Tests.Processes;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>Prepaid traffic that is used up through several gateways at once, and bought again.</summary>
[Collection(ProcessTests.Name)]
public sealed class QuotaTests(ITestOutputHelper output)
{
    private const string Tenant = "prepaid";
    private const string Domain = "prepaid.example.com";
    private const long PlanBytes = 300_000;

    // More than what passes before the first is known to be used up.
    private const long SecondPlanBytes = 100_000_000;
    private const int SessionsPerGateway = 2;
    private const int MessageBytes = 1000;

    private static readonly TimeSpan MessagePause = TimeSpan.FromMilliseconds(50);

    // Two for the report interval, one for the cluster.
    private static readonly TimeSpan StoppedWithin = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan BoughtWithin = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task PlanIsUsedUpThroughThreeGateways_AllStopAndABoughtOneLetsAllInAgain()
    {
        await using var origin = await EchoOrigin.StartAsync();
        await using var mesh = await MeshProcesses.StartAsync(new() { Silos = 2 });
        var admin = mesh.Silos[0].Admin.Http;
        await PrepareAsync(mesh, origin);
        var sessions = await Task.WhenAll(mesh.Gateways.SelectMany(
            static gateway => Enumerable.Repeat(gateway, SessionsPerGateway).Select(static gateway => ObservedSession.OpenAsync(gateway, Domain))));
        var talking = Task.WhenAll(sessions.Select(static session => session.TalkAsync(MessageBytes, MessagePause)));

        var usedUp = await UntilUsedUpAsync(admin);
        var refused = await EverywhereAsync(mesh, HttpStatusCode.TooManyRequests);
        var ends = await Task.WhenAll(sessions.Select(static session => session.Ended.WaitAsync(TimeSpan.FromSeconds(30))));
        await talking;
        var ended = ends.Select(static end => end.At).ToList();
        output.WriteLine($"after the ledger shows it used up, sessions end after {Times(usedUp, ended)}, gateways refuse after {Times(usedUp, refused)}; {await UsedAsync(admin)} of {PlanBytes} bytes used");
        Assert.All(ends, static end => Assert.Equal((1008, "quota exhausted"), (end.Code, end.Reason)));
        Assert.All(ended.Concat(refused), at => Assert.InRange(Stopwatch.GetElapsedTime(usedUp, at), -StoppedWithin, StoppedWithin));

        await BuyAsync(admin, "second", SecondPlanBytes);
        var bought = Stopwatch.GetTimestamp();
        var let = await EverywhereAsync(mesh, HttpStatusCode.SwitchingProtocols);
        output.WriteLine($"after the answer to another purchase, gateways let in after {Times(bought, let)}");
        Assert.All(let, at => Assert.InRange(Stopwatch.GetElapsedTime(bought, at), TimeSpan.Zero, BoughtWithin));
    }

    private static async Task PrepareAsync(MeshProcesses mesh, EchoOrigin origin)
    {
        var admin = mesh.Silos[0].Admin;
        await admin.PutAsync($"tenants/{Tenant}", new() { ["tenant"] = Tenant, ["name"] = Tenant, ["payAsYouGo"] = new JsonObject { ["enabled"] = false } });
        await admin.PutDomainAsync(Domain, origin.Port, Tenant);
        await EverywhereAsync(mesh, HttpStatusCode.TooManyRequests);
        await BuyAsync(admin.Http, "first", PlanBytes);
        await EverywhereAsync(mesh, HttpStatusCode.SwitchingProtocols);
    }

    private static async Task BuyAsync(HttpClient admin, string order, long bytes)
    {
        var today = DateTime.UtcNow.Date;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"tenants/{Tenant}/plans")
        {
            Headers = { { "Idempotency-Key", order } },
            Content = JsonContent.Create(new JsonObject
            {
                ["kind"] = "websocket",
                ["bytes"] = bytes,
                ["validFrom"] = $"{today:yyyy-MM-dd}T00:00:00Z",
                ["validTo"] = $"{today.AddDays(30):yyyy-MM-dd}T00:00:00Z",
            }),
        };
        using var answer = await admin.SendAsync(request);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Waits until the ledger has as much as the plan.</summary>
    /// <returns>When it was asked, as <see cref="Stopwatch.GetTimestamp"/> counts.</returns>
    private static async Task<long> UntilUsedUpAsync(HttpClient admin)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var asked = Stopwatch.GetTimestamp();
            if (await UsedAsync(admin) >= PlanBytes)
            {
                return asked;
            }

            await Task.Delay(20, late.Token);
        }
    }

    private static async Task<long> UsedAsync(HttpClient admin)
    {
        var total = (await admin.GetFromJsonAsync<JsonElement>($"tenants/{Tenant}/usage")).GetProperty("total");
        return total.GetProperty("bytesUp").GetInt64() + total.GetProperty("bytesDown").GetInt64();
    }

    private static Task<long[]> EverywhereAsync(MeshProcesses mesh, HttpStatusCode answer)
        => Task.WhenAll(mesh.Gateways.Select(gateway => ObservedSession.UntilAnsweredAsync(gateway, Domain, answer)));

    private static string Times(long since, IEnumerable<long> all)
        => string.Join(", ", all.Select(at => $"{Stopwatch.GetElapsedTime(since, at).TotalMilliseconds:0} ms"));
}
