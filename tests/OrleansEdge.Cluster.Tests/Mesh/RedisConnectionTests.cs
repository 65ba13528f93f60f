using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;

namespace OrleansEdge.Cluster.Tests.Mesh;

public sealed class RedisConnectionTests
{
    [Fact]
    public async Task SiloStartsWhileRedisIsAway_ItTakesCallsWhenRedisIsThereAndNoneHasFailed()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        using var log = new RecordedLog();
        var starting = TestMesh.StartAsync(redis: redis, services: services => services.AddSingleton<ILoggerProvider>(log));
        await log.Lines.TakeAsync(static line => line.Contains("the silo takes calls when it does", StringComparison.Ordinal) ? line : null, "the wait for Redis");
        Assert.False(starting.IsCompleted, "the silo has not waited");

        await redis.RunAsync();
        await using var mesh = await starting;

        // The silo itself has called these at its start: what is answered now comes after.
        await mesh.Grains.GetGrain<IUsageUpkeepGrain>(0).WakeAsync();
        await Task.WhenAll(Enumerable.Range(0, IBillingUpkeepGrain.Count).Select(part => mesh.Grains.GetGrain<IBillingUpkeepGrain>(part).WakeAsync()));
        Assert.DoesNotContain(log.Lines.Snapshot(), static line => line.StartsWith(nameof(LogLevel.Error), StringComparison.Ordinal));
    }
}
