using OrleansEdge.Grains.Storage;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Mesh;

public sealed class RedisFenceTests
{
    /// <summary>Without the fence some are lost: Redis answers before it writes, up to two seconds before while it flushes.</summary>
    [Fact]
    public async Task WhatWasWrittenBeforeTheFence_OutlivesAKill()
    {
        await using var redis = await RedisServer.StartAsync();
        for (var turn = 1; turn <= 12; turn++)
        {
            await using (var connection = await ConnectionMultiplexer.ConnectAsync($"{redis.Address},abortConnect=false"))
            {
                var database = connection.GetDatabase();
                for (var filler = 0; filler < 40 * turn; filler++)
                {
                    await database.StringSetAsync("filler", new byte[20_000]);
                }

                await database.StringSetAsync("kept", turn);
                await new RedisFence(connection).WaitAsync();
                await redis.KillAsync();
            }

            await redis.RunAsync();
            await using var again = await ConnectionMultiplexer.ConnectAsync(redis.Address);
            Assert.Equal(turn, (int)await again.GetDatabase().StringGetAsync("kept"));
        }
    }
}
