using System.Text;
using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Admin;
using OrleansEdge.Grains.Storage;
using OrleansEdge.Model;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Documents;

/// <inheritdoc cref="ITenantGrain"/>
internal sealed class TenantGrain(
    [PersistentState("tenant", SiloSetup.Storage)] IPersistentState<DocumentRecord> state,
    RedisStore redis,
    DocumentLimits limits,
    RedisFence fence,
    EdgeClock clock,
    AuditLog audit,
    ILogger<TenantGrain> logger) : DocumentGrain(state, fence, clock, audit, logger), ITenantGrain
{
    private const TenantFlags Exhaustion = TenantFlags.WebsocketExhausted | TenantFlags.HttpExhausted;

    // Who has entered may not have written its document yet; what came to nothing is cleared away later.
    private static readonly TimeSpan EnteringTime = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    protected override string Word => AuditWords.Tenant;

    /// <inheritdoc/>
    protected override string FeedName => ConfigFeed.Tenant + Name;

    private RedisKey Domains => redis.Key($"tenant/{Name}/domains");

    /// <inheritdoc/>
    public async Task<bool> ExistsAsync() => (await GetAsync()).Failure is null;

    /// <inheritdoc/>
    public async Task<bool> TryEnterAsync(string domain)
    {
        if (!await ExistsAsync())
        {
            return false;
        }

        await redis.Database.SortedSetAddAsync(Domains, domain, Clock.Now.ToUnixTimeMilliseconds());
        return true;
    }

    /// <inheritdoc/>
    public Task LeaveAsync(string domain) => redis.Database.SortedSetRemoveAsync(Domains, domain);

    /// <inheritdoc/>
    public async Task SetExhaustedAsync(ExhaustedQuota exhausted)
    {
        var reply = await DecidingAsync<bool>(async () =>
        {
            await PutExhaustedAsync(exhausted);
            return true;
        });
        if (reply.Failure is { } failure)
        {
            throw new TimeoutException(failure.Detail);
        }
    }

    /// <inheritdoc/>
    protected override async Task FollowUpAsync()
    {
        var versions = Record.Versions.Select(static version => new TenantVersionWire
        {
            Version = version.Version,
            At = version.At,
            Document = version.Json is null ? default : Encoding.UTF8.GetBytes(version.Json),
        });
        await PutExhaustedAsync(await GrainFactory.GetGrain<IAccountGrain>(Name).FollowAsync([.. versions]));
    }

    /// <inheritdoc/>
    protected override Task<(byte[]? Json, IReadOnlyList<ConfigError> Errors)> PrepareAsync(ReadOnlyMemory<byte> json)
    {
        var parsed = TenantDocument.Parse(json, limits, Name);
        return Task.FromResult(parsed.Value is { } config ? ((byte[]?)TenantDocument.Write(config), (IReadOnlyList<ConfigError>)[]) : (null, parsed.Errors));
    }

    /// <inheritdoc/>
    protected override DocumentRecord Revised(DocumentRecord record)
    {
        var isBlocked = record.Newest()?.Json is { } json && TenantDocument.Parse(Encoding.UTF8.GetBytes(json), DocumentLimits.Widest).Value is { Blocked: true };
        return record with { Flags = (record.Flags & Exhaustion) | (isBlocked ? TenantFlags.Blocked : TenantFlags.None) };
    }

    /// <inheritdoc/>
    protected override async Task<ControlFailure?> MayDeleteAsync()
    {
        foreach (var member in await redis.Database.SortedSetRangeByRankWithScoresAsync(Domains))
        {
            var domain = (string)member.Element!;
            var enteredFor = Clock.Now - DateTimeOffset.FromUnixTimeMilliseconds((long)member.Score);
            if (enteredFor < EnteringTime || await IsOwnAsync(domain))
            {
                return ControlFailures.TenantHasDomains(Name, domain);
            }

            await LeaveAsync(domain);
        }

        return null;
    }

    private async Task PutExhaustedAsync(ExhaustedQuota exhausted)
    {
        var flags = (Record.Flags & ~Exhaustion)
            | (exhausted.HasFlag(ExhaustedQuota.Websocket) ? TenantFlags.WebsocketExhausted : TenantFlags.None)
            | (exhausted.HasFlag(ExhaustedQuota.Http) ? TenantFlags.HttpExhausted : TenantFlags.None);
        if (flags != Record.Flags)
        {
            await WriteAsync(Record with { Flags = flags, Revision = Record.Revision + 1, RevisedAt = Clock.Now });
        }
    }

    private async Task<bool> IsOwnAsync(string domain)
    {
        var found = await GrainFactory.GetGrain<IDomainGrain>(domain).GetAsync();
        return found.Value is { } wire && DomainDocument.Parse(wire.Json, DocumentLimits.Widest).Value?.Tenant == Name;
    }
}
