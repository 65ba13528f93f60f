using OrleansEdge.Contracts;
using OrleansEdge.Grains.Storage;
using StackExchange.Redis;

namespace OrleansEdge.Grains.Gateways;

/// <inheritdoc cref="IGatewayListGrain"/>
internal sealed class GatewayListGrain(RedisStore redis, EdgeClock clock) : Grain, IGatewayListGrain
{
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(1);

    private RedisKey Names => redis.Key("gateways");

    /// <inheritdoc/>
    public Task NoteAsync(string name) => redis.Database.SortedSetAddAsync(Names, name, clock.Now.ToUnixTimeMilliseconds());

    /// <inheritdoc/>
    public async Task<string[]> ListAsync()
    {
        var since = (clock.Now - Remembered).ToUnixTimeMilliseconds();
        await redis.Database.SortedSetRemoveRangeByScoreAsync(Names, double.NegativeInfinity, since);
        return [.. (await redis.Database.SortedSetRangeByRankAsync(Names)).Select(static name => (string)name!).Order(StringComparer.Ordinal)];
    }
}
