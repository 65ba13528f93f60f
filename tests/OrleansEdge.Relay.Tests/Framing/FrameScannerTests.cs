using OrleansEdge.Model;
using OrleansEdge.Relay.Framing;
using Xunit;

namespace OrleansEdge.Relay.Tests.Framing;

public sealed class FrameScannerTests
{
    private static readonly FrameRules FromClient = new(true, ProtocolPolicing.Strict, FrameExtensions.None, 0);
    private static readonly FrameRules FromOrigin = FromClient with { FromClient = false };
    private static readonly FrameRules Deflate = FromClient with { Extensions = FrameExtensions.PerMessageDeflate };

    public static TheoryData<string, FrameRules, byte[]> LegalStreams => new()
    {
        { "empty text", FromClient, Frame(0x81, 0) },
        { "one byte", FromClient, Frame(0x82, 1) },
        { "125 bytes", FromClient, Frame(0x82, 125) },
        { "126 bytes", FromClient, Frame(0x82, 126) },
        { "65535 bytes", FromClient, Frame(0x82, 65535) },
        { "65536 bytes", FromClient, Frame(0x82, 65536) },
        { "from the origin", FromOrigin, [.. Frame(0x81, 5, masked: false), .. Frame(0x8A, 3, masked: false)] },
        { "fragments", FromClient, [.. Frame(0x01, 3), .. Frame(0x00, 0), .. Frame(0x80, 200)] },
        { "ping among fragments", FromClient, [.. Frame(0x01, 3), .. Frame(0x89, 125), .. Frame(0x80, 2), .. Frame(0x8A, 0)] },
        { "compressed, then not", Deflate, [.. Frame(0xC1, 9), .. Frame(0x81, 9), .. Frame(0x42, 1), .. Frame(0x80, 1)] },
        { "empty close", FromClient, [.. Frame(0x81, 1), .. Frame(0x88, 0)] },
        { "close with code", FromClient, Close(1000, 20) },
        { "own close code", FromClient, Close(4999, 123) },
        { "several messages", FromClient, [.. Frame(0x81, 4), .. Frame(0x82, 300), .. Frame(0x89, 4), .. Frame(0x81, 0), .. Frame(0x82, 7)] },
    };

    public static TheoryData<string, FrameRules, byte[]> IllegalFrames => new()
    {
        { "unmasked from the client", FromClient, Frame(0x81, 1, masked: false) },
        { "masked from the origin", FromOrigin, Frame(0x81, 1) },
        { "reserved data opcode 3", FromClient, Frame(0x83, 1) },
        { "reserved data opcode 7", FromClient, Frame(0x87, 1) },
        { "reserved control opcode 11", FromClient, Frame(0x8B, 1) },
        { "reserved control opcode 15", FromClient, Frame(0x8F, 1) },
        { "RSV1 without deflate", FromClient, Frame(0xC1, 1) },
        { "RSV2", Deflate, Frame(0xA1, 1) },
        { "RSV3", Deflate, Frame(0x91, 1) },
        { "RSV1 on a ping", Deflate, Frame(0xC9, 1) },
        { "RSV1 on a continuation", Deflate, [.. Frame(0x41, 1), .. Frame(0xC0, 1)] },
        { "fragmented ping", FromClient, Frame(0x09, 1) },
        { "ping of 126 bytes", FromClient, Frame(0x89, 126) },
        { "close of one byte", FromClient, Frame(0x88, 1) },
        { "close code 999", FromClient, Close(999) },
        { "close code 1004", FromClient, Close(1004) },
        { "close code 1005", FromClient, Close(1005) },
        { "close code 1006", FromClient, Close(1006) },
        { "close code 1015", FromClient, Close(1015) },
        { "close code 2999", FromClient, Close(2999) },
        { "close code 5000", FromClient, Close(5000) },
        { "continuation of nothing", FromClient, Frame(0x80, 1) },
        { "text inside a message", FromClient, [.. Frame(0x01, 1), .. Frame(0x81, 1)] },
        { "16-bit length of 125", FromClient, [0x82, 0xFE, 0, 125, 1, 2, 3, 4] },
        { "64-bit length of 65535", FromClient, [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4] },
        { "64-bit length with its top bit", FromClient, [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4] },
    };

    [Theory]
    [MemberData(nameof(LegalStreams))]
    public void LegalStream_AtEverySplitPoint_PassesWholeWithTheSameCounts(string name, FrameRules rules, byte[] stream)
    {
        var whole = Run(rules, [stream]);
        Assert.Equal((name, stream.Length, ScanStop.NeedMore), (name, whole.Passed, whole.Stop));
        foreach (var chunks in Splits(stream))
        {
            Assert.Equal(whole, Run(rules, chunks));
        }
    }

    [Theory]
    [MemberData(nameof(IllegalFrames))]
    public void IllegalFrame_AtEverySplitPoint_StopsBeforeItsFirstByte(string name, FrameRules rules, byte[] illegal)
    {
        byte[] stream = [.. Frame(0x81, 2, rules.FromClient), .. illegal, .. Frame(0x81, 2, rules.FromClient)];
        var legal = Frame(0x81, 2, rules.FromClient).Length + LegalPrefixOf(illegal, rules);
        foreach (var chunks in Splits(stream))
        {
            var run = Run(rules, chunks);
            Assert.Equal((name, ScanStop.ProtocolError, legal), (name, run.Stop, run.Passed));
        }
    }

    [Theory]
    [MemberData(nameof(IllegalFrames))]
    public void IllegalFrame_WhenTransparent_Passes(string name, FrameRules rules, byte[] illegal)
    {
        var run = Run(rules with { Policing = ProtocolPolicing.Transparent }, [illegal]);
        Assert.Equal((name, ScanStop.NeedMore, illegal.Length), (name, run.Stop, run.Passed));
    }

    [Theory]
    [InlineData(0xB3)]
    [InlineData(0xF1)]
    [InlineData(0x8B)]
    public void ReservedBitsAndOpcodes_WithAnUnknownExtension_Pass(byte first)
        => Assert.Equal(ScanStop.NeedMore, Run(FromClient with { Extensions = FrameExtensions.Unknown }, [Frame(first, 200)]).Stop);

    public static TheoryData<string, byte[]> IllegalWithAnyExtension => new()
    {
        { "no mask", Frame(0x81, 2, masked: false) },
        { "continuation of nothing", Frame(0x80, 1) },
        { "text inside a message", [.. Frame(0x01, 1), .. Frame(0x81, 1)] },
        { "fragmented ping", Frame(0x09, 1) },
        { "ping of 126 bytes", Frame(0x89, 126) },
        { "close code 1005", Close(1005) },
    };

    [Theory]
    [MemberData(nameof(IllegalWithAnyExtension))]
    public void OtherBreaches_WithAnUnknownExtension_AreStillRefused(string name, byte[] illegal)
        => Assert.Equal((name, ScanStop.ProtocolError), (name, Run(FromClient with { Extensions = FrameExtensions.Unknown }, [illegal]).Stop));

    [Theory]
    [InlineData(100, 1)]
    [InlineData(60, 2)]
    [InlineData(34, 3)]
    public void MessageOverItsLimit_AtEverySplitPoint_StopsBeforeTheFrameThatExceedsIt(int fragment, int fragments)
    {
        var rules = FromClient with { MaxMessageBytes = 99 };
        var stream = new List<byte>([.. Frame(0x82, 99), .. Frame(0x89, 120)]);
        for (var i = 0; i < fragments; i++)
        {
            stream.AddRange(Frame((byte)((i == 0 ? 2 : 0) | (i == fragments - 1 ? 0x80 : 0)), fragment));
        }

        foreach (var chunks in Splits([.. stream]))
        {
            var run = Run(rules, chunks);
            Assert.Equal(ScanStop.MessageTooBig, run.Stop);
            Assert.Equal(stream.Count - Frame(0x82, fragment).Length, run.Passed);
        }
    }

    [Fact]
    public void LimitOfAnEarlierMessage_DoesNotCountForTheNext()
        => Assert.Equal(ScanStop.NeedMore, Run(FromClient with { MaxMessageBytes = 10 }, [[.. Frame(0x82, 10), .. Frame(0x02, 5), .. Frame(0x80, 5), .. Frame(0x81, 10)]]).Stop);

    [Fact]
    public void FrameOfAlmost2To63Bytes_IsFollowedWithoutOverflow()
    {
        var scanner = new FrameScanner(FromClient);
        byte[] header = [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
        Assert.Equal(ScanStop.NeedMore, scanner.Scan([.. header, .. new byte[1000]], false, out var passed, out _));
        Assert.Equal(header.Length + 1000, passed);
        Assert.False(scanner.AtBoundary);
    }

    [Fact]
    public void FrameOf2To63Bytes_UnderALimit_IsTooBigEvenWhenTransparent()
    {
        byte[] header = [0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
        Assert.Equal(ScanStop.MessageTooBig, Run(FromClient with { Policing = ProtocolPolicing.Transparent, MaxMessageBytes = long.MaxValue }, [header]).Stop);
    }

    [Theory]
    [MemberData(nameof(LegalStreams))]
    public void StopAtBoundary_StopsBehindTheFrameUnderWay(string name, FrameRules rules, byte[] stream)
    {
        var ends = FrameEnds(stream, rules);
        for (var split = 0; split < Math.Min(stream.Length, 2000); split++)
        {
            var scanner = new FrameScanner(rules);
            var undecided = Feed(ref scanner, stream.AsSpan(0, split));
            var inside = !scanner.AtBoundary;
            var stop = scanner.Scan(stream.AsSpan(split - undecided), true, out var passed, out _);
            Assert.Equal((name, split, ScanStop.Boundary), (name, split, stop));
            Assert.Equal(inside ? ends.First(e => e > split) - (split - undecided) : 0, passed);
        }
    }

    [Fact]
    public void RandomStreams_CutAtRandom_AgreeWithTheWholeStream()
    {
        var random = new Random(6455);
        for (var round = 0; round < 2000; round++)
        {
            var stream = RandomStream(random);
            var whole = Run(Deflate, [stream]);
            Assert.Equal(ScanStop.NeedMore, whole.Stop);
            Assert.Equal(stream.Length, whole.Passed);
            Assert.Equal(whole, Run(Deflate, RandomCuts(stream, random)));
        }
    }

    [Fact]
    public void Scan_AllocatesNothing()
    {
        byte[] stream = [.. Frame(0x01, 3), .. Frame(0x89, 125), .. Frame(0x80, 70000), .. Frame(0x82, 10)];
        var scanner = new FrameScanner(FromClient);
        Feed(ref scanner, stream);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Feed(ref scanner, stream);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2002, scanner.Messages);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MadeClose_IsALegalFrameWithItsCodeAndReason(bool masked)
    {
        var frame = ControlFrames.MakeClose(new CloseFrame(1001, "idle timeout"), masked);
        var scanner = new FrameScanner(FromClient with { FromClient = masked });
        Assert.Equal(ScanStop.ControlFrame, scanner.Scan(frame, false, out var passed, out var control));
        Assert.Equal((0, frame.Length, 1001), (passed, control.Length, ControlFrames.ReadCloseCode(control, frame)));
        var payload = new byte[control.PayloadLength];
        control.CopyPayload(frame, payload);
        Assert.Equal("idle timeout", System.Text.Encoding.UTF8.GetString(payload, 2, payload.Length - 2));
    }

    [Fact]
    public void MaskedFrames_UseAFreshKeyEachTime()
    {
        var keys = Enumerable.Range(0, 50).Select(_ => BitConverter.ToUInt32(ControlFrames.Make(ControlFrames.Ping, [1], true), 2)).ToHashSet();
        Assert.True(keys.Count > 45);
    }

    private sealed record Outcome(int Passed, ScanStop Stop, long Messages, long DataBytes, string Controls);

    // Feeds chunks as a pump does: what a scan leaves undecided goes in front of the next chunk.
    private static Outcome Run(FrameRules rules, IEnumerable<byte[]> chunks)
    {
        var scanner = new FrameScanner(rules);
        byte[] undecided = [];
        var total = 0;
        var controls = "";
        var stop = ScanStop.NeedMore;
        foreach (var chunk in chunks)
        {
            byte[] input = [.. undecided, .. chunk];
            var position = 0;
            do
            {
                stop = scanner.Scan(input.AsSpan(position), false, out var passed, out var control);
                position += passed + control.Length;
                controls += stop == ScanStop.ControlFrame ? $"{control.Opcode}:{control.PayloadLength}@{total + position} " : "";
            }
            while (stop == ScanStop.ControlFrame);

            total += position;
            undecided = input[position..];
            if (stop != ScanStop.NeedMore)
            {
                break;
            }

            Assert.InRange(undecided.Length, 0, FrameScanner.MaxUndecided);
        }

        return new Outcome(total, stop, scanner.Messages, scanner.DataBytes, controls);
    }

    // Returns how many bytes at the end are undecided.
    private static int Feed(ref FrameScanner scanner, ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var stop = scanner.Scan(bytes, false, out var passed, out var control);
            bytes = bytes[(passed + control.Length)..];
            if (stop != ScanStop.ControlFrame)
            {
                return bytes.Length;
            }
        }
    }

    private static int[] FrameEnds(byte[] stream, FrameRules rules)
    {
        var ends = new List<int>();
        for (var position = 0; position < stream.Length;)
        {
            var code = stream[position + 1] & 0x7F;
            var length = code switch
            {
                126 => 2 + (stream[position + 2] << 8) + stream[position + 3],
                127 => 8 + (stream[position + 6] << 24) + (stream[position + 7] << 16) + (stream[position + 8] << 8) + stream[position + 9],
                _ => code,
            };
            position += 2 + (rules.FromClient ? 4 : 0) + length;
            ends.Add(position);
        }

        return [.. ends];
    }

    // Some rows need a legal frame before the illegal one.
    private static int LegalPrefixOf(byte[] illegal, FrameRules rules)
    {
        var startsMessage = (illegal[0] & 0x8F) is 0x01;
        return startsMessage ? FrameEnds(illegal, rules)[0] : 0;
    }

    private static byte[] RandomStream(Random random)
    {
        var stream = new List<byte>();
        for (var message = random.Next(1, 6); message > 0; message--)
        {
            var first = (byte)(random.Next(1, 3) | (random.Next(2) * 0x40));
            for (var fragments = random.Next(0, 4); fragments > 0; fragments--)
            {
                stream.AddRange(Frame(first, random.Next(0, 400)));
                first = 0;
                if (random.Next(3) == 0)
                {
                    stream.AddRange(Frame((byte)random.Next(0x89, 0x8B), random.Next(0, 126)));
                }
            }

            stream.AddRange(Frame((byte)(first | 0x80), random.Next(0, 70_000 >> random.Next(0, 12))));
        }

        return [.. stream];
    }

    private static List<byte[]> RandomCuts(byte[] stream, Random random)
    {
        var chunks = new List<byte[]>();
        for (var position = 0; position < stream.Length;)
        {
            var end = Math.Min(stream.Length, position + random.Next(1, 1 << random.Next(1, 16)));
            chunks.Add(stream[position..end]);
            position = end;
        }

        return chunks;
    }

    private static IEnumerable<byte[][]> Splits(byte[] stream)
    {
        var points = stream.Length <= 600
            ? Enumerable.Range(1, stream.Length - 1)
            : Enumerable.Range(1, 300).Concat(Enumerable.Range(stream.Length - 300, 300));
        foreach (var at in points)
        {
            yield return [stream[..at], stream[at..]];
        }

        yield return [.. stream.Select(static b => new[] { b })];
    }

    private static byte[] Frame(byte first, int length, bool masked = true)
    {
        var header = new List<byte> { first };
        var mask = masked ? 0x80 : 0;
        header.AddRange(length switch
        {
            < 126 => [(byte)(mask | length)],
            <= ushort.MaxValue => [(byte)(mask | 126), (byte)(length >> 8), (byte)length],
            _ => [(byte)(mask | 127), 0, 0, 0, 0, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length],
        });
        if (masked)
        {
            header.AddRange([0x11, 0x22, 0x33, 0x44]);
        }

        return [.. header, .. Enumerable.Range(0, length).Select(static i => (byte)i)];
    }

    private static byte[] Close(int code, int reasonLength = 0)
    {
        var frame = Frame(0x88, 2 + reasonLength);
        frame[6] = (byte)((code >> 8) ^ frame[2]);
        frame[7] = (byte)(code ^ frame[3]);
        return frame;
    }
}
