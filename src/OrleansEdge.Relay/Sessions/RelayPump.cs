using System.Buffers;
using OrleansEdge.Relay.Framing;

namespace OrleansEdge.Relay.Sessions;

/// <summary>What a pump tells of its source and target. Called from the pump's own loop.</summary>
internal interface IPumpEvents
{
    /// <summary>A Close came from the source; all before it has been sent.</summary>
    /// <returns>Whether it is relayed.</returns>
    bool RelaysClose(SessionSide source);

    /// <summary>That Close has been relayed or dropped; nothing more of the source will be relayed.</summary>
    void CloseSeen(SessionSide source);

    /// <summary>The next frame of the source may not pass; all before it has been sent, nothing more will be relayed.</summary>
    void FrameRefused(SessionSide source, ScanStop why);

    /// <summary>Bytes passed.</summary>
    /// <param name="source">Where they came from.</param>
    /// <param name="read">Bytes that were read and handed to the target's transport.</param>
    /// <param name="taken">Bytes of these that the transport took; fewer where it failed.</param>
    /// <param name="messages">Data messages whose last byte was among them.</param>
    void Passed(SessionSide source, int read, int taken, int messages);

    /// <summary>A frame came that answers one of the edge; it was swallowed.</summary>
    void AnswerSwallowed(SessionSide source, int length);

    /// <summary>The target's transport failed while it was sent to.</summary>
    void SendFailed(SessionSide target);

    /// <summary>The source ended or failed; the pump is done.</summary>
    void SourceGone(SessionSide source);

    /// <summary>A fault of the edge itself stopped the pump.</summary>
    void Faulted(SessionSide source, Exception fault);
}

/// <summary>Moves the bytes of one direction, unaltered, and follows its frames. Bytes in, events out; policy is the session's.
/// While it waits for bytes it holds no buffer, but for the first bytes of a frame that cannot be decided yet (at most
/// <see cref="FrameScanner.MaxUndecided"/>). It reads on only when the target took what was read. Once the target's sender is
/// closed, what comes is still followed up to the source's Close, and discarded.</summary>
internal sealed class RelayPump(SessionSide source, SessionSide target, FrameRules rules, IPumpEvents events, TimeProvider time)
{
    private const int BufferSize = 32 * 1024;

    // A flood that never makes the pump wait would keep its thread for itself.
    private const int RoundsPerTurn = 64;

    private FrameScanner _scanner = new(rules);
    private long _dataBytesNoted;
    private long _messagesNoted;
    private long _receivedAt = source.LastByteAt;
    private byte[]? _held;
    private int _heldLength;
    private bool _discarding;
    private bool _done;

    /// <summary>When the last bytes of a frame came, but for pongs that answer a ping of the edge.</summary>
    public long LastFrameAt { get; private set; } = source.LastByteAt;

    /// <summary>When the last bytes of a data frame came.</summary>
    public long LastDataAt { get; private set; } = source.LastByteAt;

    /// <summary>Runs until the source ends.</summary>
    public async Task RunAsync()
    {
        try
        {
            for (var round = 1; await ReceiveAndPassAsync(); round++)
            {
                if (round % RoundsPerTurn == 0)
                {
                    await Task.Yield();
                }
            }
        }
        catch (Exception e) when (FrameSender.IsTransportFailure(e))
        {
            // That is how the transport says that the source is gone; the session decides what it means.
        }
        catch (Exception e)
        {
            events.Faulted(source, e);
        }

        DropHeld();
        await target.Sender.EndFeedAsync();
        events.SourceGone(source);
    }

    private async ValueTask<bool> ReceiveAndPassAsync()
    {
        await source.Leg.WaitReadableAsync();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var held = MoveHeldTo(buffer);
            var count = await source.Leg.ReceiveAsync(buffer.AsMemory(held));
            if (count <= 0)
            {
                KeepHeld(buffer.AsSpan(0, held));
                return count == RelayLeg.Nothing;
            }

            _receivedAt = time.GetTimestamp();
            source.LastByteAt = _receivedAt;
            source.IsRead = false;
            await PassAsync(buffer.AsMemory(0, held + count));
            source.IsRead = true;
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Frames that pass lie side by side and go out in one send; only a frame that does not pass splits them.
    private async ValueTask PassAsync(Memory<byte> bytes)
    {
        var first = 0;
        var end = 0;
        while (!_done)
        {
            var stopAtBoundary = !_discarding && target.Sender.ClosePending;
            var stop = _scanner.Scan(bytes.Span[end..], stopAtBoundary, out var passed, out var control);
            end += passed;
            NoteData();
            if (stop == ScanStop.NeedMore)
            {
                Hold(bytes.Span[end..]);
                break;
            }

            if (stop == ScanStop.ControlFrame && Passes(control, bytes.Span.Slice(end, control.Length)))
            {
                end += control.Length;
                continue;
            }

            await SendAsync(bytes[first..end]);
            await StopAtAsync(stop, control, bytes.Slice(end, control.Length));
            end += control.Length;
            first = end;
        }

        await SendAsync(bytes[first..end]);
    }

    // Whether a control frame is relayed like data.
    private bool Passes(ControlFrame control, ReadOnlySpan<byte> frame)
    {
        if (control.Opcode == ControlFrames.Pong && source.TrySettlePing(control, frame))
        {
            events.AnswerSwallowed(source, frame.Length);
            return false;
        }

        LastFrameAt = _receivedAt;
        switch (control.Opcode)
        {
            case ControlFrames.Close:
                return false;
            case ControlFrames.Pong:
                source.OwesPeerPong = false;
                break;
            default:
                target.OwesPeerPong = true;
                break;
        }

        return true;
    }

    private async ValueTask StopAtAsync(ScanStop stop, ControlFrame control, ReadOnlyMemory<byte> frame)
    {
        switch (stop)
        {
            case ScanStop.ControlFrame when control.Opcode == ControlFrames.Close:
                _done = true;
                if (events.RelaysClose(source))
                {
                    await SendAsync(frame, ControlFrames.ReadCloseCode(control, frame.Span));
                }
                else
                {
                    events.AnswerSwallowed(source, frame.Length);
                }

                events.CloseSeen(source);
                break;
            case ScanStop.Boundary:
                _discarding = true;
                break;
            case ScanStop.ProtocolError or ScanStop.MessageTooBig:
                _done = true;
                events.FrameRefused(source, stop);
                break;
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, int closeCode = 0)
    {
        if (bytes.IsEmpty || _discarding)
        {
            return;
        }

        var sending = target.Sender.RelayAsync(bytes, endsInsideFrame: !_scanner.AtBoundary, closeCode);
        var waited = !sending.IsCompleted;
        var (result, taken) = await sending;
        if (waited)
        {
            source.LastByteAt = time.GetTimestamp();
        }

        if (result != SendResult.Closed)
        {
            var messages = (int)(_scanner.Messages - _messagesNoted);
            _messagesNoted = _scanner.Messages;
            events.Passed(source, bytes.Length, taken, messages);
        }

        if (result == SendResult.Failed)
        {
            events.SendFailed(target);
        }

        _discarding |= result != SendResult.Sent;
    }

    private void NoteData()
    {
        if (_scanner.DataBytes != _dataBytesNoted)
        {
            _dataBytesNoted = _scanner.DataBytes;
            LastDataAt = _receivedAt;
            LastFrameAt = _receivedAt;
        }
    }

    private void Hold(ReadOnlySpan<byte> undecided)
    {
        KeepHeld(undecided);
        if (undecided.IsEmpty)
        {
            return;
        }

        var opcode = undecided[0] & 0x0F;
        if (opcode < ControlFrames.Close)
        {
            LastDataAt = _receivedAt;
        }

        if (opcode != ControlFrames.Pong || source.PingSentAt == 0)
        {
            LastFrameAt = _receivedAt;
        }
    }

    private void KeepHeld(ReadOnlySpan<byte> undecided)
    {
        if (!undecided.IsEmpty)
        {
            _held = ArrayPool<byte>.Shared.Rent(FrameScanner.MaxUndecided);
            undecided.CopyTo(_held);
            _heldLength = undecided.Length;
        }
    }

    private int MoveHeldTo(byte[] buffer)
    {
        _held?.AsSpan(0, _heldLength).CopyTo(buffer);
        var length = _heldLength;
        DropHeld();
        return length;
    }

    private void DropHeld()
    {
        if (_held is { } held)
        {
            _held = null;
            _heldLength = 0;
            ArrayPool<byte>.Shared.Return(held);
        }
    }
}
