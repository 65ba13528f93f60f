using System.Security.Cryptography;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>One end of a session. It receives whatever comes, and counts what it sends and what it gets by itself. One sender at a time
/// is let through.</summary>
public sealed class MeteredPeer : IAsyncDisposable
{
    private readonly byte[]? _mask;
    private readonly long _headBytes;
    private readonly Random _random;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly IncrementalHash _sentHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash _gotHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly TaskCompletionSource<WsFrame> _close = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _edgeBytes;

    /// <summary>A peer that begins to receive.</summary>
    /// <param name="wire">Its connection, upgraded.</param>
    /// <param name="mask">Key of a client's frames; <see langword="null"/>: an origin.</param>
    /// <param name="headBytes">Bytes of the handshake that <see cref="Wire.Received"/> holds.</param>
    /// <param name="random">Where chance comes from.</param>
    /// <param name="reads">False: nothing is read until <see cref="Read"/>.</param>
    public MeteredPeer(Wire wire, byte[]? mask, long headBytes, Random random, bool reads = true)
    {
        Wire = wire;
        _mask = mask;
        _headBytes = headBytes;
        _random = random;
        if (reads)
        {
            Read();
        }

        Receiving = Task.Run(ReceiveAsync);
    }

    public Wire Wire { get; }

    /// <summary>Completes at the end of what comes, of whatever kind that is.</summary>
    public Task Receiving { get; }

    /// <summary>Bytes that were handed to the connection, whether it took them all or not.</summary>
    public long Attempted { get; private set; }

    /// <summary>Whole messages among them.</summary>
    public long AttemptedMessages { get; private set; }

    /// <summary>Bytes that came from the other peer, those of a frame that is not whole too.</summary>
    public long Got => Wire.Received - _headBytes - _edgeBytes;

    /// <summary>Whole messages that came.</summary>
    public long GotMessages { get; private set; }

    /// <summary>Whether a Close that comes is one that the edge made.</summary>
    public bool CloseIsTheEdges { get; set; }

    /// <summary>Whether pings that come are the edge's, and are answered. The other peer must not send any then.</summary>
    public bool PingsAreTheEdges { get; init; }

    /// <summary>Pings of the edge that came.</summary>
    public int EdgePings { get; private set; }

    /// <summary>Lets a peer that did not read begin.</summary>
    public void Read() => _mayRead.TrySetResult();

    /// <summary>Sends frames, several in one piece and in pieces that end anywhere.</summary>
    public async Task PlayAsync(IEnumerable<ScriptedFrame> frames)
    {
        ArgumentNullException.ThrowIfNull(frames);
        var together = new List<ScriptedFrame>();
        foreach (var frame in frames)
        {
            together.Add(frame);
            if (_random.Next(3) > 0 || frame.Bytes.Length > 10_000)
            {
                await SendAsync(together);
                together.Clear();
            }
        }

        await SendAsync(together);
    }

    /// <summary>Sends messages until the connection does not take them any more.</summary>
    /// <param name="script">The messages.</param>
    /// <param name="pause">Time between them, so that many peers leave the machine some air.</param>
    public async Task FloodAsync(TrafficScript script, TimeSpan pause = default)
    {
        ArgumentNullException.ThrowIfNull(script);
        try
        {
            while (true)
            {
                await PlayAsync(script.Messages(1));
                if (pause > TimeSpan.Zero)
                {
                    await Task.Delay(pause);
                }
            }
        }
        catch (Exception end) when (end is WireCutException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is gone, which is how a flood ends.
            _ = end;
        }
    }

    /// <summary>Sends a Close that the edge relays.</summary>
    public Task CloseAsync(int code) => SendAsync([new(WsFrame.Close(code, "bye", _mask), false)]);

    /// <summary>Sends what is not to be billed.</summary>
    public async Task SendUnbilledAsync(params byte[][] frames)
    {
        await _turn.WaitAsync();
        try
        {
            await Wire.SendAsync(frames);
        }
        catch (WireCutException)
        {
            // The edge need not listen any more.
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Answers a Close of the edge, and sends something after it that nobody wants.</summary>
    public async Task AnswerEdgeAsync()
    {
        var close = await ClosedAsync();
        await SendUnbilledAsync(WsFrame.Close(close.CloseCode, "", _mask), WsFrame.Text("too late", _mask));
    }

    /// <summary>The Close that comes.</summary>
    public async Task<WsFrame> ClosedAsync(TimeSpan? within = null)
    {
        try
        {
            return await _close.Task.WaitAsync(within ?? Wire.Patience);
        }
        catch (TimeoutException)
        {
            throw Wire.Failure($"no Close came within {(within ?? Wire.Patience).TotalSeconds} s; {this}");
        }
    }

    /// <summary>Waits until a number of bytes has come from the other peer.</summary>
    public async Task GotAsync(long bytes, TimeSpan? within = null)
    {
        var deadline = new Deadline(within ?? Wire.Patience);
        while (Got < bytes)
        {
            if (deadline.Left <= TimeSpan.Zero || Receiving.IsCompleted)
            {
                throw Wire.Failure($"expected {bytes} B{deadline}; {this}");
            }

            await Task.Delay(5);
        }
    }

    /// <summary>Waits for the end of what comes.</summary>
    public async Task EndedAsync(TimeSpan? within = null)
    {
        try
        {
            await Receiving.WaitAsync(within ?? Wire.Patience);
        }
        catch (TimeoutException)
        {
            throw Wire.Failure($"no end came within {(within ?? Wire.Patience).TotalSeconds} s; {this}");
        }
    }

    /// <summary>The other peer got exactly what this one sent. To be asked once, at the end.</summary>
    public void AssertAllCameTo(MeteredPeer other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Assert.True(Attempted == other.Got, $"sent {this}, got {other}");
        Assert.Equal(_sentHash.GetHashAndReset(), other._gotHash.GetHashAndReset());
        Assert.Equal(AttemptedMessages, other.GotMessages);
    }

    public async ValueTask DisposeAsync()
    {
        await Wire.DisposeAsync();
        Read();
        await Receiving;
        _sentHash.Dispose();
        _gotHash.Dispose();
    }

    public override string ToString()
        => $"{Wire.Name} sent {Attempted} B and {AttemptedMessages} messages, got {Got} B and {GotMessages} messages{(Wire.Ended is { } end ? $", then {end}" : "")}";

    private async Task SendAsync(List<ScriptedFrame> frames)
    {
        byte[] bytes = frames.Count == 1 ? frames[0].Bytes : [.. frames.SelectMany(frame => frame.Bytes)];
        var cut = bytes.Length > 1 && _random.Next(3) == 0 ? _random.Next(1, bytes.Length) : bytes.Length;
        await _turn.WaitAsync();
        try
        {
            Attempted += bytes.Length;
            AttemptedMessages += frames.Count(frame => frame.EndsMessage);
            _sentHash.AppendData(bytes);
            await Wire.SendAsync(bytes.AsMemory(0, cut));
            await Wire.SendAsync(bytes.AsMemory(cut));
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ReceiveAsync()
    {
        await _mayRead.Task;
        try
        {
            while (true)
            {
                await NoteAsync(await Wire.ReadFrameAsync("a frame", Timeout.InfiniteTimeSpan));
            }
        }
        catch (Exception end) when (end is WireException or ObjectDisposedException or InvalidOperationException)
        {
            // The end: Wire.Ended says of which kind.
            _close.TrySetException(Wire.Failure($"the end came without a Close; {this}"));
            _ = _close.Task.Exception;
        }
    }

    private async Task NoteAsync(WsFrame frame)
    {
        if (frame.Opcode == WsFrame.PingOpcode && PingsAreTheEdges)
        {
            _edgeBytes += frame.Raw.Length;
            EdgePings++;
            await SendUnbilledAsync(WsFrame.Build(WsFrame.PongOpcode, frame.Payload, _mask));
            return;
        }

        if (frame.Opcode == WsFrame.CloseOpcode && CloseIsTheEdges)
        {
            _edgeBytes += frame.Raw.Length;
        }
        else
        {
            _gotHash.AppendData(frame.Raw);
            GotMessages += frame.Fin && frame.Opcode <= WsFrame.BinaryOpcode ? 1 : 0;
        }

        if (frame.Opcode == WsFrame.CloseOpcode)
        {
            _close.TrySetResult(frame);
        }
    }
}
