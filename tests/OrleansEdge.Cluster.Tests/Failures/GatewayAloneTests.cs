using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Cluster.Tests.Processes;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>What a gateway serves while no silo answers.</summary>
[Collection(ProcessTests.Name)]
public sealed class GatewayAloneTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Domain = "never-used.example.com";

    // A call to a silo ends after four seconds at the latest.
    private static readonly TimeSpan RefusedWithin = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan ServedWithin = TimeSpan.FromSeconds(15);

    private readonly HttpClient _http = new();
    private RedisServer _redis = null!;
    private SiloProcess _silo = null!;
    private GatewayProcess _gateway = null!;
    private EchoOrigin _origin = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _origin = await EchoOrigin.StartAsync();
        _silo = SiloProcess.Start(_redis);
        _gateway = GatewayProcess.Start(_redis);
        await Task.WhenAll(_silo.WaitUntilReadyAsync(), _gateway.WaitUntilReadyAsync());
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _gateway.DisposeAsync();
        await _silo.DisposeAsync();
        await _origin.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task NoSiloHasTheDocument_RequestsAreRefusedUntilOneIsBack()
    {
        await _silo.Admin.PutTenantAsync("acme");
        await _silo.Admin.PutDomainAsync(Domain, _origin.Port, "acme");
        await UntilNameIsKnownAsync();
        _silo.Kill();
        await _silo.WaitForExitAsync();

        await AssertRefusedAsync("a handshake", static gateway => Handshakes.Request(gateway, Domain));
        await AssertRefusedAsync("a plain request", Plain);
        Assert.Equal("404 domain_unknown", await Handshakes.AnswerAsync(_http, _gateway, "unknown.example.com"));

        await _silo.StartAgainAsync();
        await _silo.WaitUntilReadyAsync();
        var took = await Handshakes.UntilAnsweredAsync(_http, _gateway, Domain, "101", ServedWithin);
        output.WriteLine($"served {took.TotalSeconds:0.0} s after the silo is ready");
        using var plain = Plain(_gateway);
        using var answer = await _http.SendAsync(plain);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task GatewayIsStartedAgainWithoutSilos_ItServesWhatItServed_AndAGatewayOfAnotherClusterDoesNot()
    {
        await _silo.Admin.PutTenantAsync("acme");
        await _silo.Admin.PutDomainAsync(Domain, _origin.Port, "acme");
        await Handshakes.UntilAnsweredAsync(_http, _gateway, Domain, "101", ServedWithin);
        _silo.Kill();
        await _silo.WaitForExitAsync();

        _gateway.Kill();
        await _gateway.StartAgainAsync();
        await _gateway.WaitUntilReadyAsync();
        Assert.Equal("101", await Handshakes.AnswerAsync(_http, _gateway, Domain));

        await using var other = GatewayProcess.Start(
            _redis, settings: new Dictionary<string, string> { ["Edge:DataDirectory"] = _gateway.DataDirectory, ["Orleans:ServiceId"] = "another" });
        await other.WaitForAnswerAsync("/healthz/ready", HttpStatusCode.ServiceUnavailable);
        Assert.Equal("404 domain_unknown", await Handshakes.AnswerAsync(_http, other, Domain));
    }

    private static HttpRequestMessage Plain(GatewayProcess gateway) => new(HttpMethod.Get, gateway.Edge) { Headers = { { "Host", Domain } } };

    // Not by asking the gateway for it: then it would have the document.
    private async Task UntilNameIsKnownAsync()
    {
        using var late = new CancellationTokenSource(ServedWithin);
        while (!await IsNameKnownAsync())
        {
            await Task.Delay(20, late.Token);
        }
    }

    private async Task<bool> IsNameKnownAsync()
    {
        var page = await _silo.Admin.Http.GetFromJsonAsync<JsonElement>($"domains/{Domain}/gateways");
        return page.GetProperty("items").EnumerateArray().Any(static item => item.GetProperty("version").GetInt64() == 1);
    }

    private async Task AssertRefusedAsync(string what, Func<GatewayProcess, HttpRequestMessage> make)
    {
        using var request = make(_gateway);
        var asked = Stopwatch.StartNew();
        using var answer = await _http.SendAsync(request);
        output.WriteLine($"{what} is refused after {asked.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("config_unavailable", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
        Assert.Equal(["OrleansEdge; error=proxy_internal_error"], answer.Headers.GetValues("Proxy-Status"));
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        Assert.InRange(asked.Elapsed, TimeSpan.Zero, RefusedWithin);
    }
}
