using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansEdge.Cluster.Tests.Mesh;
using OrleansEdge.Cluster.Tests.Processes;
using OrleansEdge.Testing;
using StackExchange.Redis;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>The one silo is killed before and after each write to Redis that a change of a domain consists of.</summary>
[Collection(ProcessTests.Name)]
public sealed class WriteStepTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Tenant = "acme";
    private const int MostSteps = 8;
    private const int FewestSteps = 3;

    // The feed looks every five seconds for what was announced five seconds ago; gateways find the silo again first.
    private static readonly TimeSpan SettledWithin = TimeSpan.FromSeconds(20);

    private readonly HttpClient _http = new();
    private readonly Dictionary<string, string> _siloSettings = [];
    private RedisServer _redis = null!;
    private RedisSteps _steps = null!;
    private EchoOrigin _origin = null!;
    private SiloProcess _silo = null!;
    private GatewayProcess _gateway = null!;

    private EdgeAdmin Admin => _silo.Admin;

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _steps = RedisSteps.Start(_redis);
        _origin = await EchoOrigin.StartAsync();
        _siloSettings["ConnectionStrings:Redis"] = _steps.Address;
        _silo = SiloProcess.Start(_redis, settings: _siloSettings);
        _gateway = GatewayProcess.Start(_redis);
        await Task.WhenAll(_silo.WaitUntilReadyAsync(), _gateway.WaitUntilReadyAsync());
        await Admin.PutTenantAsync(Tenant);
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _gateway.DisposeAsync();
        await _silo.DisposeAsync();
        await _origin.DisposeAsync();
        await _steps.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task SiloIsKilledAtEachStepOfAWrite_TheWriteIsServedOrWasNeverMade()
    {
        var writes = new List<SteppedWrite>();
        var planned = Enum.GetValues<WriteKind>().ToDictionary(static kind => kind, static kind => EachStepOf(kind).ToList());
        await PrepareAsync(planned.Values.SelectMany(static all => all));
        foreach (var (kind, all) in planned)
        {
            writes.AddRange(await KillAtEachStepAsync(kind, all));
        }

        await using var connection = await ConnectionMultiplexer.ConnectAsync(_redis.Address);
        await AssertServedAsync(writes, connection.GetDatabase());
        foreach (var write in writes)
        {
            var stored = await write.ReadStoredAsync(connection.GetDatabase());
            await AssertToldAsync(write, stored);
            await AssertGoesOnAsync(write, stored.Versions.Count);
        }
    }

    private static IEnumerable<SteppedWrite> EachStepOf(WriteKind kind)
        => Enumerable.Range(1, MostSteps).SelectMany(step => new SteppedWrite[] { new(kind, step, IsMade: false), new(kind, step, IsMade: true) });

    // The gateway has what exists in use, so that it must hear of what becomes of it.
    private async Task PrepareAsync(IEnumerable<SteppedWrite> writes)
    {
        foreach (var write in writes)
        {
            await write.PrepareAsync(Admin, _origin.Port);
            await Handshakes.UntilAnsweredAsync(_http, _gateway, write.Domain, write.Before == 0 ? "404 domain_unknown" : "403 websocket_disabled", SettledWithin);
        }
    }

    /// <summary>Kills the silo in one write after the other.</summary>
    /// <returns>The writes that were begun; the last was not reached by its kill.</returns>
    private async Task<IReadOnlyList<SteppedWrite>> KillAtEachStepAsync(WriteKind kind, IReadOnlyList<SteppedWrite> planned)
    {
        var begun = new List<SteppedWrite>();
        foreach (var write in planned)
        {
            await KillWithinAsync(write);
            begun.Add(write);
            if (!write.IsKilled)
            {
                break;
            }
        }

        var steps = begun.Count(static write => write is { IsKilled: true, IsMade: false });
        output.WriteLine($"{kind}: {steps} steps ({string.Join(", ", _steps.Counted)}), {begun.Count(static write => write.IsKilled)} kills, {begun.Count(static write => write is { IsKilled: true, IsAcknowledged: true })} of them after the answer");
        Assert.InRange(steps, FewestSteps, MostSteps - 1);
        Assert.True(begun[^1].IsAcknowledged, $"{begun[^1]} was refused\n{_silo.Process.Transcript()}");
        return begun;
    }

    private async Task KillWithinAsync(SteppedWrite write)
    {
        var stopped = _steps.StopAtAsync(write.Domain, write.Step, write.IsMade);
        var sending = write.SendAsync(Admin, _origin.Port);
        await Task.WhenAny(stopped, sending);
        write.IsKilled = stopped.IsCompleted;
        if (!write.IsKilled)
        {
            _steps.StopNowhere();
            return;
        }

        if (write.IsMade)
        {
            // It hears that Redis is away, and may still answer.
            _steps.Cut();
            await sending;
        }

        _silo.Kill();
        await sending;
        _steps.Open();
        await _silo.StartAgainAsync();
        await _silo.WaitUntilReadyAsync();
    }

    private async Task AssertServedAsync(IReadOnlyList<SteppedWrite> writes, IDatabase redis)
    {
        var began = Stopwatch.StartNew();
        foreach (var write in writes)
        {
            var stored = await write.ReadStoredAsync(redis);
            var made = stored.Versions.Count - write.Before;
            Assert.True(made is 0 or 1, $"{write}: {made} versions were made");
            Assert.True(made == 1 || !write.IsAcknowledged, $"{write} was acknowledged and is not there");
            await Handshakes.UntilAnsweredAsync(_http, _gateway, write.Domain, stored.Answer, SettledWithin - began.Elapsed);
        }

        output.WriteLine($"all that was made is served {began.Elapsed.TotalSeconds:0.0} s after the last start");
        foreach (var write in writes)
        {
            Assert.Equal((write, (await write.ReadStoredAsync(redis)).Answer), (write, await Handshakes.AnswerAsync(_http, _gateway, write.Domain)));
        }
    }

    /// <summary>Document, versions and audit say what is stored.</summary>
    private async Task AssertToldAsync(SteppedWrite write, StoredDomain stored)
    {
        var numbers = stored.Versions;
        Assert.Equal(Enumerable.Range(1, numbers.Count).Select(static number => (long)number), numbers);
        using var answer = await Admin.Http.GetAsync($"domains/{write.Domain}");
        if (stored.Document is { } document)
        {
            Assert.Equal($"\"{numbers.Count}\"", answer.Headers.ETag?.Tag);
            Assert.True(JsonNode.DeepEquals(document, await answer.Content.ReadFromJsonAsync<JsonNode>()), $"{write} is served otherwise than it is stored");
        }
        else
        {
            Assert.Equal((write, HttpStatusCode.NotFound), (write, answer.StatusCode));
        }

        Assert.Equal(numbers, await ListAsync("audit?limit=1000", line => line.GetProperty("name").GetString() == write.Domain));
        Assert.Equal(numbers, numbers.Count == 0 ? [] : (await ListAsync($"domains/{write.Domain}/versions", static _ => true)).Reverse());
    }

    private async Task<IEnumerable<long>> ListAsync(string path, Func<JsonElement, bool> isMeant)
    {
        var page = await Admin.Http.GetFromJsonAsync<JsonElement>(path);
        Assert.Equal(JsonValueKind.Null, page.GetProperty("next").ValueKind);
        return [.. page.GetProperty("items").EnumerateArray().Where(isMeant).Select(static item => item.GetProperty("version").GetInt64())];
    }

    /// <summary>A further write has the next version, and is served.</summary>
    private async Task AssertGoesOnAsync(SteppedWrite write, int versions)
    {
        await write.PutAsync(Admin, _origin.Port, isEnabled: true);
        using var answer = await Admin.Http.GetAsync($"domains/{write.Domain}");
        Assert.Equal((write, (versions + 1).ToString(CultureInfo.InvariantCulture)), (write, answer.Headers.ETag?.Tag.Trim('"')));
        await Handshakes.UntilAnsweredAsync(_http, _gateway, write.Domain, "101", SettledWithin);
    }
}
