using System.Buffers;

namespace OrleansEdge.Model.Tests.Usage;

public class UsageReplyFormatTests
{
    private static readonly UsageHour Hour = new(500_000);

    private static readonly UsageReply[] Replies =
    [
        UsageReply.Stored,
        new(UsageReplyKind.Sealed, [Entry("a.example", 0, 7), Entry("b.example", 11, 9)]),
        UsageReply.Resend,
        UsageReply.Forgotten,
        UsageReply.Unavailable,
        new(UsageReplyKind.Sealed, []),
    ];

    [Fact]
    public void WhatWasWritten_IsRead()
    {
        var read = UsageReplyFormat.Read(Hour, Write());

        Assert.Equal(Replies.Select(static reply => reply.Kind), read.Select(static reply => reply.Kind));
        Assert.Equal(Replies.SelectMany(static reply => reply.Folded), read.SelectMany(static reply => reply.Folded));
    }

    [Fact]
    public void BytesThatAreCutOrOfAnotherVersion_AreRefused()
    {
        var bytes = Write();
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<FormatException>(() => UsageReplyFormat.Read(Hour, bytes.AsSpan(0, length)));
        }

        Assert.Throws<FormatException>(() => UsageReplyFormat.Read(Hour, [.. bytes, 0]));
        Assert.Throws<FormatException>(() => UsageReplyFormat.Read(Hour, [2, .. bytes.AsSpan(1)]));
        Assert.Throws<FormatException>(() => UsageReplyFormat.Read(Hour, [1, 1, 5]));
    }

    private static byte[] Write()
    {
        var output = new ArrayBufferWriter<byte>();
        UsageReplyFormat.Write(output, Hour, Replies);
        return output.WrittenSpan.ToArray();
    }

    private static UsageEntry Entry(string domain, int bucket, long bytes)
        => new(new(domain, UsageKind.Http, new(Hour.FirstBucket.Number + bucket)), new() { BytesDown = bytes });
}
