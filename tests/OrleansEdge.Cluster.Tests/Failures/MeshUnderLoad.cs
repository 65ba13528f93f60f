using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using OrleansEdge.Cluster.Tests.Processes;
using Xunit.Abstractions;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>Clients with open sessions on every gateway, others that come and go all the time, and what they saw.</summary>
public sealed class MeshUnderLoad : IAsyncDisposable
{
    private const int ClientsPerGateway = 4;
    private const int MinThreads = 32;

    // Reports every 2 s; back-off of gateways and grains that have to be placed again come on top.
    private static readonly TimeSpan UsagePatience = TimeSpan.FromSeconds(60);

    private readonly MeshProcesses _mesh;
    private readonly EchoOrigin _origin;
    private readonly ITestOutputHelper _output;
    private readonly string _tenant = $"t-{Guid.NewGuid():N}"[..12];
    private readonly CancellationTokenSource _over = new();
    private readonly ConcurrentBag<string> _refused = [];
    private readonly ConcurrentBag<TimeSpan> _opened = [];
    private readonly HashSet<int> _awayGateways = [];
    private int _emptySessions;
    private List<LoadClient> _clients = [];

    // As many go to the origin itself: what keeps them waiting is the machine, which others use too, and this process.
    private List<LoadClient> _controls = [];
    private Task _coming = Task.CompletedTask;

    private MeshUnderLoad(MeshProcesses mesh, EchoOrigin origin, ITestOutputHelper output) => (_mesh, _origin, _output) = (mesh, origin, output);

    /// <summary>Name of the domain that the clients use.</summary>
    public string Domain => $"{_tenant}.example.com";

    /// <summary>Port of the origin.</summary>
    public int OriginPort => _origin.Port;

    /// <summary>Clients with open sessions.</summary>
    public IReadOnlyList<LoadClient> Clients => _clients;

    /// <summary>Makes a tenant and a domain of its own, and lets clients talk.</summary>
    public static async Task<MeshUnderLoad> StartAsync(MeshProcesses mesh, EchoOrigin origin, ITestOutputHelper output)
    {
        // Starting, killing and connecting block threads, and clients and origin must not wait for one of two.
        ThreadPool.SetMinThreads(MinThreads, MinThreads);
        var load = new MeshUnderLoad(mesh, origin, output);
        var admin = mesh.Silos[0].Admin;
        await admin.PutTenantAsync(load._tenant);
        await admin.PutDomainAsync(load.Domain, origin.Port, load._tenant, originAddress: origin.Address);
        await load.UntilServedAsync(load.Domain);
        var gateways = mesh.Gateways.Select(static gateway => gateway.Edge.Authority).ToList();
        load._clients = [.. Enumerable.Range(0, ClientsPerGateway * mesh.Gateways.Count).Select(i => new LoadClient(load.Domain, gateways, i))];
        load._controls = [.. load._clients.Select(_ => new LoadClient(load.Domain, [$"{origin.Address}:{origin.Port}"], 0))];
        await Task.WhenAll(load._clients.Concat(load._controls).Select(static client => client.WaitUntilRunningAsync()));
        load._coming = load.ComeAndGoAsync();
        return load;
    }

    /// <summary>Says that a gateway is taken away on purpose: no new session is tried there.</summary>
    public void TakeAway(int gateway)
    {
        lock (_awayGateways)
        {
            _awayGateways.Add(gateway);
        }
    }

    /// <summary>Says that it is back.</summary>
    public void BringBack(int gateway)
    {
        lock (_awayGateways)
        {
            _awayGateways.Remove(gateway);
        }
    }

    /// <summary>Waits until an admin call that changes something succeeds at every given silo.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> UntilAdministeredAsync(IEnumerable<SiloProcess> silos)
    {
        var waited = Stopwatch.StartNew();
        await Task.WhenAll(silos.Select(async silo =>
        {
            while (!await TryPutAsync(silo))
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(40), $"no admin call was made at {silo.Name} within 40 s\n{silo.Process.Transcript()}");
                await Task.Delay(100);
            }
        }));
        return waited.Elapsed;
    }

    /// <summary>Ends the load; no session may have ended by itself, none may have waited for a second, whatever came of its gateway later,
    /// and every new one was let in.</summary>
    /// <param name="sessionsMayEnd">Whether gateways were taken away, whose sessions ended.</param>
    public async Task StopAsync(bool sessionsMayEnd = false)
    {
        await _over.CancelAsync();
        await _coming;
        await Task.WhenAll(_clients.Concat(_controls).Select(static client => client.StopAsync()));
        var (longest, without) = (_clients.Max(static client => client.LongestEcho), _controls.Max(static client => client.LongestEcho));
        _output.WriteLine($"{_clients.Sum(static client => client.Up) / (LoadClient.MessageBytes + 6)} messages, longest echo {longest.TotalMilliseconds:0} ms ({without.TotalMilliseconds:0} ms without a gateway), {_opened.Count} new sessions, slowest {_opened.DefaultIfEmpty().Max().TotalMilliseconds:0} ms");
        Assert.Empty(_refused);
        Assert.NotEmpty(_opened);
        Assert.InRange(longest, TimeSpan.Zero, TimeSpan.FromSeconds(1) + without);
        if (!sessionsMayEnd)
        {
            Assert.Empty(_clients.SelectMany(static client => client.Ends));
        }
    }

    /// <summary>Waits until the ledger has what the clients counted.</summary>
    /// <param name="unanswered">Whether messages without an echo may have been counted or not.</param>
    public async Task UntilBilledAsync(bool unanswered = false)
    {
        var (up, down) = (_clients.Sum(static client => client.Up) + ComingBytes(6), _clients.Sum(static client => client.Down) + ComingBytes(2));
        var doubt = unanswered ? _clients.Sum(static client => client.Unanswered) * (LoadClient.MessageBytes + 8L) + (_clients.Sum(static client => client.Ends.Count) * 8L) : 0;
        var waited = Stopwatch.StartNew();
        (long Up, long Down) billed;
        do
        {
            billed = await BilledAsync();
            Assert.True(waited.Elapsed < UsagePatience, $"{up} bytes up and {down} down (within {doubt}) are not on the bill within {UsagePatience.TotalSeconds} s, but {billed}\n{_mesh.Transcript()}");
            await Task.Delay(200);
        }
        while (billed.Up < up || billed.Up > up + doubt || billed.Down < down || billed.Down > down + doubt);

        _output.WriteLine($"usage: counted {up} up, {down} down; billed {billed.Up} up, {billed.Down} down, after {waited.Elapsed.TotalSeconds:0.0} s");
        // A message and a close, or a close alone.
        long ComingBytes(int header) => (_opened.Count * (LoadClient.MessageBytes + header + header + 2L)) + (_emptySessions * (header + 2L));
    }

    /// <summary>Waits until every gateway that is there serves a domain.</summary>
    public async Task<TimeSpan> UntilServedAsync(string domain)
    {
        var waited = Stopwatch.StartNew();
        for (var gateway = 0; gateway < _mesh.Gateways.Count; gateway++)
        {
            while (!IsAway(gateway) && await TryOpenAsync(gateway, domain) is { } why)
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"{domain} is not served by {_mesh.Gateways[gateway].Name} within 30 s: {why}\n{_mesh.Transcript()}");
                await Task.Delay(20);
            }
        }

        return waited.Elapsed;
    }

    /// <summary>Adds a domain of the tenant's.</summary>
    /// <returns>Its name.</returns>
    public async Task<string> AddDomainAsync(string label, SiloProcess silo)
    {
        var name = $"{label}.{Domain}";
        await silo.Admin.PutDomainAsync(name, _origin.Port, _tenant, originAddress: _origin.Address);
        return name;
    }

    /// <summary>Whether a gateway serves a domain now.</summary>
    public async Task<bool> IsServedAsync(int gateway, string domain) => await TryOpenAsync(gateway, domain) is null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _coming;
        await Task.WhenAll(_clients.Concat(_controls).Select(static client => client.StopAsync()));
        _over.Dispose();
    }

    private bool IsAway(int gateway)
    {
        lock (_awayGateways)
        {
            return _awayGateways.Contains(gateway);
        }
    }

    private async Task ComeAndGoAsync()
    {
        for (var i = 0; !_over.IsCancellationRequested; i++)
        {
            var gateway = i % _mesh.Gateways.Count;
            var began = Stopwatch.GetTimestamp();
            if (!IsAway(gateway) && await TryOpenAsync(gateway, Domain) is { } why)
            {
                if (!IsAway(gateway))
                {
                    _refused.Add($"{_mesh.Gateways[gateway].Name}: {why}");
                }
            }
            else if (!IsAway(gateway))
            {
                _opened.Add(Stopwatch.GetElapsedTime(began));
            }

            await Task.Delay(50);
        }
    }

    /// <summary>One session with one message; null: it went well.</summary>
    private async Task<string?> TryOpenAsync(int gateway, string domain)
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Host", domain);
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await socket.ConnectAsync(new($"ws://{_mesh.Gateways[gateway].Edge.Authority}/"), late.Token);
            if (domain == Domain && _clients.Count > 0)
            {
                await socket.SendAsync(new byte[LoadClient.MessageBytes], WebSocketMessageType.Binary, true, late.Token);
                await socket.ReceiveAsync(new byte[LoadClient.MessageBytes].AsMemory(), late.Token);
            }

            else if (domain == Domain)
            {
                _emptySessions++;
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, late.Token);
            return null;
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            return failure.Message;
        }
    }

    private async Task<bool> TryPutAsync(SiloProcess silo)
    {
        try
        {
            await silo.Admin.PutDomainAsync($"probe-{silo.Name}.{Domain}", _origin.Port, _tenant);
            return true;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<(long Up, long Down)> BilledAsync()
    {
        var now = DateTimeOffset.UtcNow;
        foreach (var silo in _mesh.Silos)
        {
            try
            {
                var usage = await silo.Admin.Http.GetFromJsonAsync<JsonElement>(
                    $"tenants/{_tenant}/usage?from={now.AddHours(-2):yyyy-MM-ddTHH:00:00Z}&to={now.AddHours(2):yyyy-MM-ddTHH:00:00Z}&interval=3600&domain={Domain}");
                var total = usage.GetProperty("total");
                return (total.GetProperty("bytesUp").GetInt64(), total.GetProperty("bytesDown").GetInt64());
            }
            catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
            {
                // Another silo may answer.
            }
        }

        return default;
    }
}
