using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Gateways;

/// <inheritdoc cref="IGatewayGrain"/>
[Orleans.Concurrency.Reentrant]
internal sealed class GatewayGrain(EdgeClock clock, ILogger<GatewayGrain> logger) : Grain, IGatewayGrain
{
    private static readonly TimeSpan NoteInterval = TimeSpan.FromMinutes(1);

    private Guid _process;
    private GatewayWire? _gateway;
    private IGatewayCommands? _commands;
    private long _heardAt;
    private long? _notedAt;

    private bool IsHeard => _commands is not null && clock.Time.GetElapsedTime(_heardAt) < GatewayBeats.LostAfter;

    /// <inheritdoc/>
    public async Task<bool> BeatAsync(Guid process, GatewayWire gateway, IGatewayCommands commands)
    {
        if (process != _process && IsHeard)
        {
            return false;
        }

        (_process, _gateway, _commands, _heardAt) = (process, gateway, commands, clock.Time.GetTimestamp());
        if (_notedAt is null || clock.Time.GetElapsedTime(_notedAt.Value) >= NoteInterval)
        {
            _notedAt = clock.Time.GetTimestamp();
            await GrainFactory.GetGrain<IGatewayListGrain>(0).NoteAsync(this.GetPrimaryKeyString());
        }

        return true;
    }

    /// <inheritdoc/>
    public Task LeaveAsync(Guid process)
    {
        if (process == _process)
        {
            _commands = null;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<GatewayWire?> DescribeAsync()
        => Task.FromResult(IsHeard ? _gateway : _gateway is null ? null : _gateway with { State = GatewayState.Lost, Sessions = 0 });

    /// <inheritdoc/>
    public async Task<Reply<GatewayWire>> DrainAsync()
    {
        if (!IsHeard)
        {
            return ControlFailures.NotFound(AuditWords.Gateway, this.GetPrimaryKeyString());
        }

        return _gateway = await _commands!.DrainAsync();
    }

    /// <inheritdoc/>
    public Task<SessionWire[]> ListSessionsAsync(string? domain, string? tenant, string? after, int limit)
        => AskAsync(commands => commands.ListSessionsAsync(domain, tenant, after, limit), []);

    /// <inheritdoc/>
    public Task<bool> EndSessionAsync(string id) => AskAsync(commands => commands.EndSessionAsync(id), otherwise: false);

    /// <inheritdoc/>
    public Task<long> VersionOfAsync(string domain) => AskAsync(commands => commands.VersionOfAsync(domain), 0);

    private async Task<T> AskAsync<T>(Func<IGatewayCommands, Task<T>> ask, T otherwise)
    {
        if (!IsHeard)
        {
            return otherwise;
        }

        try
        {
            return await ask(_commands!);
        }
        catch (Exception failure) when (failure is TimeoutException or OrleansException)
        {
            logger.GatewaySilent(this.GetPrimaryKeyString(), failure.Message);
            return otherwise;
        }
    }
}
