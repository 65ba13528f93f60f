using System.Text;
using OrleansEdge.Grains.Storage;
using StackExchange.Redis;

namespace OrleansEdge.Cluster.Tests.Mesh;

public sealed class RedisJournalTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private ConnectionMultiplexer _connection = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _connection = await ConnectionMultiplexer.ConnectAsync(_redis.Address);
    }

    public async Task DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task WhatWasWritten_IsRead()
    {
        var journal = New();
        Assert.Empty(await journal.LoadAsync());
        Assert.True(await journal.TryAppendAsync(Bytes("base")));
        Assert.True(await journal.TryAppendAsync(Bytes("one")));
        Assert.True(await journal.TryAppendAsync(Bytes("two")));

        Assert.Equal(["base", "one", "two"], await ReadAsync(New()));
        Assert.Equal(3, journal.Count);

        Assert.True(await journal.TryReplaceAsync(Bytes("all")));
        Assert.True(await journal.TryAppendAsync(Bytes("three")));
        Assert.Equal(["all", "three"], await ReadAsync(New()));
    }

    [Fact]
    public async Task SecondWriter_IsRefusedUntilItHasReadWhatTheFirstWrote()
    {
        var (first, second) = (New(), New());
        await first.LoadAsync();
        await second.LoadAsync();
        Assert.True(await first.TryAppendAsync(Bytes("a")));

        Assert.False(await second.TryAppendAsync(Bytes("b")));
        Assert.False(await second.TryReplaceAsync(Bytes("b")));
        Assert.Equal(["a"], await ReadAsync(second));
        Assert.True(await second.TryAppendAsync(Bytes("b")));
        Assert.False(await first.TryAppendAsync(Bytes("c")));
        Assert.Equal(["a", "b"], await ReadAsync(New()));
    }

    [Fact]
    public async Task StoreThatWentBack_RefusesTheWriterThatKnowsMore()
    {
        var journal = New();
        await journal.LoadAsync();
        await journal.TryAppendAsync(Bytes("a"));
        await journal.TryAppendAsync(Bytes("b"));
        await _connection.GetDatabase().ListRightPopAsync("j");

        Assert.False(await journal.TryAppendAsync(Bytes("c")));
        Assert.Equal(["a"], await ReadAsync(New()));

        await _connection.GetDatabase().KeyDeleteAsync("j");
        Assert.False(await journal.TryAppendAsync(Bytes("c")));
        Assert.Empty(await journal.LoadAsync());
        Assert.True(await journal.TryAppendAsync(Bytes("c")));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static async Task<List<string>> ReadAsync(RedisJournal journal)
        => [.. (await journal.LoadAsync()).Select(static element => Encoding.UTF8.GetString(element.Span))];

    private RedisJournal New() => new(_connection.GetDatabase(), "j");
}
