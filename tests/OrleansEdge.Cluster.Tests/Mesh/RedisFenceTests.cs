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

    /// <summary>In a Redis that is written to all the time the buffer is hardly ever empty.</summary>
    [Fact]
    public void OthersWriteOn_WhatWasBufferedIsWaitedForAndNoMore()
    {
        var progress = new AppendOnlyProgress();
        Assert.False(progress.Note(File(size: 1000, buffered: 50)));
        Assert.False(progress.Note(File(size: 1049, buffered: 70)));
        Assert.True(progress.Note(File(size: 1050, buffered: 900)));
    }

    [Fact]
    public void FileIsWrittenAnewMeanwhile_ItIsWaitedForInTheNewOne()
    {
        var progress = new AppendOnlyProgress();
        Assert.False(progress.Note(File(size: 1000, buffered: 50)));
        Assert.False(progress.Note(File(size: 2000, buffered: 10, rewrites: 1)));
        Assert.False(progress.Note(File(size: 300, buffered: 10, rewrites: 2)));
        Assert.True(progress.Note(File(size: 310, buffered: 10, rewrites: 2)));
    }

    [Theory]
    [InlineData("# Persistence\r\nloading:0\r\naof_enabled:0\r\n")]
    [InlineData("aof_enabled:1\r\naof_rewrites:3\r\naof_current_size:1024\r\naof_buffer_length:0\r\n")]
    public void NothingIsBuffered_NothingIsWaitedFor(string info) => Assert.True(new AppendOnlyProgress().Note(AppendOnlyFile.Parse(info)));

    private static AppendOnlyFile File(long size, long buffered, long rewrites = 0)
        => AppendOnlyFile.Parse($"aof_current_size:{size}\r\naof_buffer_length:{buffered}\r\naof_rewrites:{rewrites}\r\n");
}
