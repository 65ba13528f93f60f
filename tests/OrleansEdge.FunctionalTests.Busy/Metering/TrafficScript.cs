using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>A frame to be sent.</summary>
/// <param name="Bytes">As they go over the wire.</param>
/// <param name="EndsMessage">Whether a data message is whole with it.</param>
public sealed record ScriptedFrame(byte[] Bytes, bool EndsMessage);

/// <summary>Random messages of one direction: 0 B to 1 MiB, text and binary, whole and fragmented, with pings and pongs before, between
/// and inside them.</summary>
/// <param name="random">Where chance comes from.</param>
/// <param name="mask">Key of a client's frames; <see langword="null"/>: an origin's.</param>
public sealed class TrafficScript(Random random, byte[]? mask)
{
    /// <summary>Largest message.</summary>
    public const int MaxMessage = 1024 * 1024;

    private static readonly byte[] Letters = MakeLetters();

    /// <summary>Whether messages may be marked as compressed (RSV1); permessage-deflate has to be negotiated.</summary>
    public bool Deflate { get; init; }

    /// <summary>Whether pings and unasked-for pongs are among them.</summary>
    public bool Controls { get; init; } = true;

    /// <summary>Most bytes of a message of random size.</summary>
    public int MostBytes { get; init; } = MaxMessage;

    /// <summary>Frames of some messages.</summary>
    /// <param name="count">How many messages.</param>
    /// <param name="sizes">Payload bytes of the first messages; the others have a random size.</param>
    public IEnumerable<ScriptedFrame> Messages(int count, params int[] sizes)
    {
        for (var i = 0; i < count; i++)
        {
            foreach (var frame in Message(i < sizes.Length ? sizes[i] : NextSize()))
            {
                yield return frame;
            }
        }
    }

    /// <summary>One message of a size.</summary>
    public IEnumerable<ScriptedFrame> Message(int size)
    {
        var opcode = random.Next(2) == 0 ? WsFrame.TextOpcode : WsFrame.BinaryOpcode;
        var rsv = Deflate && random.Next(2) == 0 ? 4 : 0;
        var fragments = random.Next(3) == 0 ? random.Next(2, 6) : 1;
        for (var i = 1; i <= fragments; i++)
        {
            if (Controls && random.Next(6) == 0)
            {
                yield return Control();
            }

            var length = i == fragments ? size : random.Next(size + 1);
            var first = i == 1;
            yield return new(
                WsFrame.Build(first ? opcode : WsFrame.Continuation, Payload(length), mask, fin: i == fragments, rsv: first ? rsv : 0), i == fragments);
            size -= length;
        }
    }

    private ScriptedFrame Control()
        => new(WsFrame.Build(random.Next(2) == 0 ? WsFrame.PingOpcode : WsFrame.PongOpcode, Payload(random.Next(126)), mask), false);

    private int NextSize() => Math.Min(MostBytes, random.Next(100) switch
    {
        < 10 => 0,
        < 45 => random.Next(1, 126),
        < 95 => random.Next(126, 1 << random.Next(8, 17)),
        _ => random.Next(65_536, MaxMessage + 1),
    });

    private ReadOnlySpan<byte> Payload(int length) => Letters.AsSpan(random.Next(Letters.Length - length), length);

    private static byte[] MakeLetters()
    {
        var letters = new byte[2 * MaxMessage];
        new Random(7).NextBytes(letters);
        for (var i = 0; i < letters.Length; i++)
        {
            letters[i] = (byte)('a' + (letters[i] % 26));
        }

        return letters;
    }
}
