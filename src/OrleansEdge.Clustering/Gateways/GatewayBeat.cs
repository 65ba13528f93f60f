using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Clustering.Hosting;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Gateways;

/// <summary>Lets the cluster know that the gateway lives, and takes its commands.</summary>
internal sealed class GatewayBeat(
    IGrainFactory grains,
    IGatewayOperations gateway,
    ClusterDomainSource source,
    TimeProvider time,
    ILogger<GatewayBeat> logger,
    IGatewayNaming? naming = null,
    ClusterConnection? connection = null) : BackgroundService, IGatewayCommands
{
    private readonly Guid _process = Guid.NewGuid();
    private IGatewayCommands? _commands;

    /// <inheritdoc/>
    public Task<GatewayWire> DrainAsync()
    {
        gateway.BeginDrain();
        return Task.FromResult(Describe());
    }

    /// <inheritdoc/>
    public Task<SessionWire[]> ListSessionsAsync(string? domain, string? tenant, string? after, int limit)
        => Task.FromResult(gateway.ListSessions(new(domain, tenant))
            .Where(session => after is null || string.CompareOrdinal(session.Id, after) > 0)
            .OrderBy(static session => session.Id, StringComparer.Ordinal)
            .Take(limit)
            .Select(SessionWire.Of)
            .ToArray());

    /// <inheritdoc/>
    public Task<bool> EndSessionAsync(string id) => Task.FromResult(gateway.TryEndSession(id));

    /// <inheritdoc/>
    public Task<long> VersionOfAsync(string domain) => Task.FromResult(source.Domains.VersionOf(domain));

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_commands is not null)
        {
            await TryAsync(async () => await Grain.LeaveAsync(_process));
        }
    }

    /// <summary>One beat; the sessions and the state of the moment.</summary>
    internal async Task BeatAsync()
    {
        _commands ??= grains.CreateObjectReference<IGatewayCommands>(this);
        var description = Describe();
        if (!await Grain.BeatAsync(_process, description, _commands) && naming is not null)
        {
            var other = $"{description.Name}-{RandomNumberGenerator.GetHexString(4, lowercase: true)}";
            logger.NameTaken(description.Name, other);
            naming.Rename(other);
            await Grain.BeatAsync(_process, Describe(), _commands);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await (connection?.WaitAsync(stoppingToken) ?? Task.CompletedTask);
        using var timer = new PeriodicTimer(GatewayBeats.Interval, time);
        do
        {
            await TryAsync(BeatAsync);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private IGatewayGrain Grain => grains.GetGrain<IGatewayGrain>(gateway.Describe().Name);

    private GatewayWire Describe() => GatewayWire.Of(gateway.Describe() with { Orphaned = source.Domains.OrphanedCount });

    private async Task TryAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception failure)
        {
            logger.BeatLost(failure.Message);
        }
    }
}

/// <summary>Gives the gateway of this process another name, where a living process of the cluster has its own.</summary>
public interface IGatewayNaming
{
    /// <summary>Takes the name from now on.</summary>
    void Rename(string name);
}
