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
        var later = new LaterStage();
        var starting = TestMesh.StartAsync(redis: redis, services: services =>
        {
            services.AddSingleton<ILoggerProvider>(log);
            services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(later);
        });
        await log.Lines.TakeAsync(static line => line.Contains("the silo takes calls when it does", StringComparison.Ordinal) ? line : null, "the wait for Redis");
        await Assert.ThrowsAsync<TimeoutException>(() => later.Reached.WaitAsync(TimeSpan.FromSeconds(1)));

        await redis.RunAsync();
        await using var mesh = await starting;

        // The silo itself has called these at its start: what is answered now comes after.
        await mesh.Grains.GetGrain<IUsageUpkeepGrain>(0).WakeAsync();
        await Task.WhenAll(Enumerable.Range(0, IBillingUpkeepGrain.Count).Select(part => mesh.Grains.GetGrain<IBillingUpkeepGrain>(part).WakeAsync()));
        Assert.DoesNotContain(log.Lines.Snapshot(), static line => line.StartsWith(nameof(LogLevel.Error), StringComparison.Ordinal));
    }

    /// <summary>What comes next in the start of a silo.</summary>
    private sealed class LaterStage : ILifecycleParticipant<ISiloLifecycle>
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public void Participate(ISiloLifecycle lifecycle)
            => lifecycle.Subscribe(nameof(LaterStage), ServiceLifecycleStage.RuntimeStorageServices + 1, _ =>
            {
                _reached.TrySetResult();
                return Task.CompletedTask;
            });
    }
}
