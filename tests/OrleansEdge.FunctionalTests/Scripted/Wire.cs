using System.Diagnostics;
using System.Text;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>How the other end finished: <see cref="Fin"/> (TCP FIN, HTTP/2 END_STREAM) or <see cref="Cut"/> (RST, RST_STREAM).</summary>
public enum WireEnd
{
    Fin,
    Cut,
}

/// <summary>One byte stream between a test and the edge. A test sends exact bytes and says what has to come; every wait has a deadline
/// and a failure tells what did not come and what came instead. Not thread safe, but sending and receiving may overlap.</summary>
public abstract class Wire(string name, bool edgeFramesAreMasked) : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly byte[] _block = new byte[64 * 1024];
    private byte[] _buffer = new byte[1024];
    private int _start;
    private int _count;
    private Task<int>? _pending;

    /// <summary>Who the test plays, for failures.</summary>
    public string Name { get; } = name;

    /// <summary>How the edge finished, once that has been read.</summary>
    public WireEnd? Ended { get; private set; }

    /// <summary>When the last bytes were received (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public long LastReceived { get; private set; }

    /// <summary>Bytes received so far.</summary>
    public long Received { get; private set; }

    public abstract Task SendAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Says that nothing more will be sent (FIN, END_STREAM) and goes on receiving.</summary>
    public abstract Task FinishAsync();

    /// <summary>Vanishes (RST, RST_STREAM).</summary>
    public abstract void Cut();

    public abstract ValueTask DisposeAsync();

    /// <summary>Receives what is there, at least one byte; 0: the other end finished.</summary>
    /// <exception cref="WireCutException">The other end cut.</exception>
    protected abstract Task<int> ReceiveAsync(Memory<byte> destination);

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(params byte[][] parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        foreach (var part in parts)
        {
            await SendAsync(part.AsMemory());
        }
    }

    /// <summary>Sends each byte by itself.</summary>
    public async Task SendSlowlyAsync(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        for (var i = 0; i < bytes.Length; i++)
        {
            await SendAsync(bytes.AsMemory(i, 1));
            await Task.Yield();
        }
    }

    /// <summary>Exactly these bytes come next.</summary>
    public async Task ExpectAsync(byte[] expected, TimeSpan? within = null)
    {
        ArgumentNullException.ThrowIfNull(expected);
        var got = await ReadAsync(expected.Length, $"{expected.Length} B {Hex(expected)}", within);
        var difference = got.AsSpan().CommonPrefixLength(expected);
        if (difference < expected.Length)
        {
            var from = Math.Max(0, difference - 8);
            throw Failure($"byte {difference} of {expected.Length} differs: expected (from {from}) {Hex(expected.AsSpan(from))}, got {Hex(got.AsSpan(from))}");
        }
    }

    public Task ExpectAsync(string expected) => ExpectAsync(Encoding.Latin1.GetBytes(expected));

    /// <summary>The next frame, whatever it is.</summary>
    public async Task<WsFrame> ReadFrameAsync(string what = "a frame", TimeSpan? within = null)
    {
        await NeedAsync(2, what, within);
        var length = Peek(1) & 0x7f;
        var masked = (Peek(1) & 0x80) != 0;
        var extended = length switch { 126 => 2, 127 => 8, _ => 0 };
        var header = 2 + extended + (masked ? 4 : 0);
        await NeedAsync(header, what, within);
        var size = (ulong)length;
        if (extended > 0)
        {
            size = 0;
            for (var i = 0; i < extended; i++)
            {
                size = (size << 8) | Peek(2 + i);
            }
        }

        if (size > 64 * 1024 * 1024)
        {
            throw Failure($"expected {what}, got a frame header of {size} B: {Hex(Snapshot())}");
        }

        var raw = await ReadAsync(header + (int)size, what, within);
        var mask = masked ? raw[(header - 4)..header] : null;
        var payload = raw[header..];
        for (var i = 0; mask is not null && i < payload.Length; i++)
        {
            payload[i] ^= mask[i & 3];
        }

        return new WsFrame((raw[0] & 0x80) != 0, (raw[0] >> 4) & 7, raw[0] & 15, mask, payload, raw);
    }

    /// <summary>The next frame is a Close that the edge made, whole, masked as the side demands.</summary>
    public async Task<WsFrame> ExpectCloseAsync(int code, string reason, TimeSpan? within = null)
    {
        var what = $"Close {code} `{reason}`";
        var frame = await ReadFrameAsync(what, within);
        var right = frame is { Fin: true, Rsv: 0, Opcode: WsFrame.CloseOpcode } && frame.CloseCode == code && frame.CloseReason == reason
            && (frame.Mask is not null) == edgeFramesAreMasked;
        return right ? frame : throw Failure($"expected {what} {(edgeFramesAreMasked ? "masked" : "unmasked")}, got {frame}");
    }

    /// <summary>The next frame is a ping that the edge made.</summary>
    public async Task<WsFrame> ExpectPingAsync(TimeSpan? within = null)
    {
        var frame = await ReadFrameAsync("the edge's ping", within);
        var right = frame is { Fin: true, Rsv: 0, Opcode: WsFrame.PingOpcode } && (frame.Mask is not null) == edgeFramesAreMasked;
        return right ? frame : throw Failure($"expected a ping of the edge, got {frame}");
    }

    /// <summary>Nothing more comes, and the other end finishes in order.</summary>
    public Task ExpectEofAsync(TimeSpan? within = null) => ExpectEndAsync(WireEnd.Fin, within);

    /// <summary>Nothing more comes, and the other end cuts.</summary>
    public Task ExpectCutAsync(TimeSpan? within = null) => ExpectEndAsync(WireEnd.Cut, within);

    /// <summary>Nothing more comes, and the other end finishes one way or the other.</summary>
    public Task ExpectEndAsync(TimeSpan? within = null) => ExpectEndAsync(null, within);

    /// <summary>No byte and no end within a time. Use it only where silence itself is the promise.</summary>
    public async Task ExpectSilenceAsync(TimeSpan duration)
    {
        var before = _count;
        if (before > 0 || await FillAsync(duration) != Filled.Nothing)
        {
            throw Failure($"expected silence for {duration.TotalSeconds} s, got {Hex(Snapshot())}{EndText}");
        }
    }

    /// <summary>Everything up to the end, which may be of any kind.</summary>
    public async Task<byte[]> ReadToEndAsync(TimeSpan? within = null)
    {
        var deadline = new Deadline(within ?? Patience);
        while (await FillAsync(deadline.Left) is var filled && filled != Filled.End)
        {
            if (filled == Filled.Nothing)
            {
                throw Failure($"expected the end{deadline}, got {Hex(Snapshot())}");
            }
        }

        return Take(_count);
    }

    public Task<byte[]> ReadAsync(int count, TimeSpan? within = null) => ReadAsync(count, $"{count} B", within);

    /// <summary>Everything up to and with an empty line, as Latin-1.</summary>
    public async Task<string> ReadHeadAsync(string what = "a message head", TimeSpan? within = null)
    {
        var deadline = new Deadline(within ?? Patience);
        int end;
        while ((end = _buffer.AsSpan(_start, _count).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var filled = await FillAsync(deadline.Left);
            if (filled != Filled.Bytes)
            {
                throw Failure($"expected {what}{deadline}, got {Quote(Snapshot())}{EndText}");
            }
        }

        return Encoding.Latin1.GetString(Take(end + 4));
    }

    /// <summary>Discards what comes until a number of bytes has been read or the end.</summary>
    public async Task DiscardAsync(long bytes, TimeSpan? within = null)
    {
        var deadline = new Deadline(within ?? Patience);
        while (bytes > 0)
        {
            if (_count == 0 && await FillAsync(deadline.Left) != Filled.Bytes)
            {
                throw Failure($"expected {bytes} B more{deadline}{EndText}");
            }

            var taken = (int)Math.Min(bytes, _count);
            Skip(taken);
            bytes -= taken;
        }
    }

    /// <summary>Whether something came or ended; does not wait longer than told.</summary>
    public async Task<bool> AnythingAsync(TimeSpan within) => _count > 0 || await FillAsync(within) != Filled.Nothing;

    public WireException Failure(string message) => new($"{Name}: {message}");

    internal static string Hex(ReadOnlySpan<byte> bytes)
    {
        const int Shown = 48;
        var hex = Convert.ToHexString(bytes.Length > Shown ? bytes[..Shown] : bytes);
        return bytes.IsEmpty ? "nothing" : bytes.Length > Shown ? $"{hex}… ({bytes.Length} B)" : hex;
    }

    private static string Quote(ReadOnlySpan<byte> bytes)
        => bytes.IsEmpty ? "nothing" : $"\"{Encoding.Latin1.GetString(bytes.Length > 2000 ? bytes[..2000] : bytes)}\"";

    private async Task<byte[]> ReadAsync(int count, string what, TimeSpan? within)
    {
        await NeedAsync(count, what, within);
        return Take(count);
    }

    private async Task NeedAsync(int count, string what, TimeSpan? within)
    {
        var deadline = new Deadline(within ?? Patience);
        while (_count < count)
        {
            if (await FillAsync(deadline.Left) != Filled.Bytes)
            {
                throw Failure($"expected {what}{deadline}, got {Hex(Snapshot())}{EndText}");
            }
        }
    }

    private async Task ExpectEndAsync(WireEnd? end, TimeSpan? within)
    {
        var what = end switch { WireEnd.Fin => "FIN", WireEnd.Cut => "a cut", _ => "the end" };
        var deadline = new Deadline(within ?? Patience);
        var filled = _count > 0 ? Filled.Bytes : await FillAsync(deadline.Left);
        if (filled != Filled.End || (end is not null && Ended != end))
        {
            throw Failure($"expected {what}{deadline}, got {Hex(Snapshot())}{EndText}");
        }
    }

    private string EndText => Ended is null ? "" : $", then {(Ended == WireEnd.Fin ? "FIN" : "a cut")}";

    private async Task<Filled> FillAsync(TimeSpan within)
    {
        if (Ended is not null)
        {
            return Filled.End;
        }

        _pending ??= ReceiveAsync(_block);
        try
        {
            var received = await _pending.WaitAsync(within > TimeSpan.Zero || within == Timeout.InfiniteTimeSpan ? within : TimeSpan.Zero);
            _pending = null;
            LastReceived = Stopwatch.GetTimestamp();
            if (received == 0)
            {
                Ended = WireEnd.Fin;
                return Filled.End;
            }

            Append(_block.AsSpan(0, received));
            return Filled.Bytes;
        }
        catch (TimeoutException)
        {
            return Filled.Nothing;
        }
        catch (WireCutException)
        {
            _pending = null;
            LastReceived = Stopwatch.GetTimestamp();
            Ended = WireEnd.Cut;
            return Filled.End;
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        Received += bytes.Length;
        if (_start + _count + bytes.Length > _buffer.Length)
        {
            var larger = new byte[Math.Max(_buffer.Length, (_count + bytes.Length) * 2)];
            _buffer.AsSpan(_start, _count).CopyTo(larger);
            (_buffer, _start) = (larger, 0);
        }

        bytes.CopyTo(_buffer.AsSpan(_start + _count));
        _count += bytes.Length;
    }

    private byte Peek(int index) => _buffer[_start + index];

    private byte[] Snapshot() => _buffer.AsSpan(_start, _count).ToArray();

    private byte[] Take(int count)
    {
        var taken = _buffer.AsSpan(_start, count).ToArray();
        Skip(count);
        return taken;
    }

    private void Skip(int count)
    {
        _start = _count == count ? 0 : _start + count;
        _count -= count;
    }

    private enum Filled
    {
        Bytes,
        End,
        Nothing,
    }
}

/// <summary>The other end cut the connection or the stream.</summary>
public sealed class WireCutException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What was expected did not come.</summary>
public sealed class WireException(string message) : Exception(message);

/// <summary>The time that a wait may take.</summary>
public sealed class Deadline(TimeSpan length)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public TimeSpan Left => length == Timeout.InfiniteTimeSpan ? length : length - Stopwatch.GetElapsedTime(_start);

    public override string ToString() => Left > TimeSpan.Zero || length == Timeout.InfiniteTimeSpan ? "" : $" within {length.TotalSeconds:0.#} s";
}
