using OrleansEdge.Contracts;
using OrleansEdge.Grains.Feed;

namespace OrleansEdge.Cluster.Tests.Feed;

public class FeedShardTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;

    private readonly FeedShard _shard = new(Guid.NewGuid());
    private long _mark;

    [Fact]
    public void WhoKnowsNothing_GetsTheNewestOfEachNameInOrder()
    {
        Change("d/a", 1);
        Change("d/b", 1);
        Change("d/a", 2);

        var delta = _shard.Since(FeedCursorWire.None, 100);

        Assert.Equal(new FeedCursorWire(_shard.Epoch, 0, 0), delta.After);
        Assert.Equal([("d/b", 1), ("d/a", 2)], delta.Changes.Select(static change => (change.Name, change.Revision)));
        Assert.Equal((_shard.Cursor, false), (delta.Next, delta.HasMore));
    }

    [Fact]
    public void WhoKnowsAPart_GetsTheRest()
    {
        Change("d/a", 1);
        var cursor = _shard.Cursor;
        Change("d/b", 1);
        Change("d/c", 1);

        var delta = _shard.Since(cursor, 100);

        Assert.Equal(cursor, delta.After);
        Assert.Equal(["d/b", "d/c"], delta.Changes.Select(static change => change.Name));
        Assert.Empty(_shard.Since(_shard.Cursor, 100).Changes);
    }

    [Fact]
    public void WholeSet_ComesInPartsThatChangesMeanwhileDoNotBreak()
    {
        for (var i = 0; i < 25; i++)
        {
            Change($"d/{i}", 1);
        }

        var names = new Dictionary<string, long>(StringComparer.Ordinal);
        var cursor = FeedCursorWire.None;
        FeedDeltaWire delta;
        do
        {
            delta = _shard.Since(cursor, 10);
            Array.ForEach(delta.Changes, change => names[change.Name] = change.Revision);
            cursor = delta.Next;
            Change("d/3", names["d/0"] + cursor.Sequence);
        }
        while (delta.HasMore);

        names["d/3"] = _shard.Since(cursor, 10).Changes.Single().Revision;
        Assert.Equal(25, names.Count);
        Assert.Equal(_shard.Find("d/3")!.Revision, names["d/3"]);
    }

    [Fact]
    public void WholeSetOfManyNames_ComesToAnEnd()
    {
        const int Names = 3 * FeedShard.KnownMarks;
        for (var i = 0; i < Names; i++)
        {
            Change($"d/{i}", 1);
        }

        var cursor = FeedCursorWire.None;
        for (var part = 0; part < 3; part++)
        {
            var delta = _shard.Since(cursor, FeedShard.KnownMarks);
            Assert.Equal(cursor.Sequence, delta.After.Sequence);
            Assert.Equal(part < 2, delta.HasMore);
            cursor = delta.Next;
        }
    }

    [Fact]
    public void ShardThatWentBack_IsFoundOut_AlsoWhenItHasGoneOnSince()
    {
        Change("d/a", 1);
        var stored = _shard.ToRecord();
        Change("d/a", 2);
        Change("d/b", 1);
        var ahead = _shard.Cursor;
        var restored = new FeedShard(stored);

        Assert.True(restored.WentBackFor(ahead));
        Change(restored, "d/c", 1);
        Change(restored, "d/c", 2);
        Assert.Equal(ahead.Sequence, restored.Cursor.Sequence);
        Assert.True(restored.WentBackFor(ahead));
        Assert.False(restored.Knows(ahead));
        Assert.False(restored.WentBackFor(restored.Cursor));

        restored.Renew(Guid.NewGuid());
        Assert.False(restored.WentBackFor(ahead));
        Assert.Equal(["d/a", "d/c"], restored.Since(ahead, 100).Changes.Select(static change => change.Name));
    }

    [Fact]
    public void CursorOfLongAgo_GetsTheWholeSetWithoutANewEpoch()
    {
        Change("d/a", 1);
        var old = _shard.Cursor;
        for (var i = 0; i <= FeedShard.KnownMarks; i++)
        {
            Change("d/b", i + 1);
        }

        Assert.True(_shard.Knows(old));
        Assert.False(_shard.WentBackFor(old));
        Change("d/a", 2);

        Assert.False(_shard.Knows(old));
        Assert.False(_shard.WentBackFor(old));
        Assert.Equal(2, _shard.Since(old, 100).Changes.Length);
    }

    [Fact]
    public void Announcement_StandsUntilItsRevisionIsConfirmed()
    {
        Change("d/a", 1);
        Announce("d/a", 2);
        Assert.Equal(2, Assert.Single(new FeedShard(_shard.ToRecord()).Announced).Revision);

        Assert.True(_shard.IsNews(new("d/a", 1, At, 2, 1)));
        Change("d/a", 1);
        Assert.Single(_shard.Announced);
        Change("d/a", 2);
        Assert.Empty(_shard.Announced);
        Assert.False(_shard.IsNews(new("d/a", 2, At)));
        Assert.False(_shard.IsNews(new("d/a", 2, At, 9, 1)));
        Assert.False(_shard.IsNews(new("d/a", 1, At, 9, 1)));
    }

    [Fact]
    public void DeletedName_StaysAsATombstoneAndIsNotListed()
    {
        Change("d/a", 1);
        Change("d/a", 2, deleted: true);

        Assert.Empty(_shard.Names);
        Assert.True(Assert.Single(_shard.Since(FeedCursorWire.None, 10).Changes).Deleted);
    }

    private void Announce(string name, long revision) => _shard.Apply(new(name, revision, At));

    private void Change(string name, long revision, bool deleted = false) => Change(_shard, name, revision, deleted);

    private void Change(FeedShard shard, string name, long revision, bool deleted = false)
        => shard.Apply(new(name, revision, At, shard.Sequence + 1, ++_mark, deleted));
}
