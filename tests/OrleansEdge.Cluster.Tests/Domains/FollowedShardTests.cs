using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Clustering.Domains;
using OrleansEdge.Contracts;
using OrleansEdge.Grains.Feed;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Domains;

/// <summary>Hints and answers to syncs take different ways, so either may come first.</summary>
public sealed class FollowedShardTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;

    private readonly FeedShard _feed = new(Guid.NewGuid());
    private readonly ClusterDomains _domains = new(static (_, _) => Task.FromResult<DocumentWire?>(null), static (_, _) => { }, static _ => { }, TimeProvider.System, NullLogger.Instance);
    private readonly FollowedShard _shard;
    private long _mark;

    public FollowedShardTests() => _shard = new(0, _domains, []);

    [Fact]
    public async Task HintOvertakesTheAnswer_NothingIsMissed()
    {
        Change("a", 1);
        Change("b", 1);
        Sync();
        var asked = _shard.BeginSync();
        var answer = Answer(asked);

        await _shard.ChangedAsync(Change("c", 1));

        Assert.False(_shard.Take(asked, answer));
        Assert.Equal([1, 1, 1], Versions("a", "b", "c"));
        Assert.Equal(_feed.Cursor, _shard.Cursor);
    }

    [Fact]
    public async Task DeletionOvertakesTheAnswerThatHasTheName_ItStaysDeleted()
    {
        Sync();
        var asked = _shard.BeginSync();
        var created = Change("a", 1);
        var answer = Answer(asked);
        await _shard.ChangedAsync(created);
        await _shard.ChangedAsync(Change("a", 2, deleted: true));

        Assert.False(_shard.Take(asked, answer));
        Assert.Equal([0], Versions("a"));
    }

    [Fact]
    public async Task AnswerIsFurtherThanTheHintThatOvertookIt_TheRestIsAskedFor()
    {
        Sync();
        var asked = _shard.BeginSync();
        var hint = Change("a", 1);
        Change("b", 1);
        var answer = Answer(asked);
        await _shard.ChangedAsync(hint);

        Assert.True(_shard.Take(asked, answer));
        Sync();
        Assert.Equal([1, 1], Versions("a", "b"));
    }

    [Fact]
    public void WholeSetOfANewCourse_LacksAName_ItIsMissed()
    {
        Change("a", 1);
        Change("b", 1);
        Sync();
        var restored = new FeedShard(Guid.NewGuid());
        restored.Apply(new("d/a", 1, At, 1, 7));
        var asked = _shard.BeginSync();

        Assert.False(_shard.Take(asked, restored.Since(asked, 100)));
        Assert.Equal([1, 0], Versions("a", "b"));
    }

    [Fact]
    public async Task HintIsMissedDuringASync_TheNextIsMadeAtOnce()
    {
        Sync();
        var asked = _shard.BeginSync();
        var answer = Answer(asked);
        Change("a", 1);
        await _shard.ChangedAsync(Change("b", 1));
        _shard.Take(asked, answer);

        await _shard.WaitAsync(TimeSpan.FromHours(1), new ManualTimeProvider(), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
    }

    private long[] Versions(params string[] names) => [.. names.Select(_domains.VersionOf)];

    private void Sync()
    {
        FeedCursorWire asked;
        do
        {
            asked = _shard.BeginSync();
        }
        while (_shard.Take(asked, Answer(asked)));
    }

    private FeedDeltaWire Answer(FeedCursorWire asked) => _feed.Since(asked, 100);

    /// <summary>Makes a change.</summary>
    /// <returns>Its hint.</returns>
    private FeedDeltaWire Change(string name, long revision, bool deleted = false)
    {
        var before = _feed.Cursor;
        var step = new FeedStepRecord($"d/{name}", revision, At, _feed.Sequence + 1, ++_mark, deleted);
        _feed.Apply(step);
        return new(before, [step.ToWire()], _feed.Cursor, HasMore: false);
    }
}
