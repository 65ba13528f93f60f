using System.Net.Sockets;
using System.Security.Authentication;
using OrleansEdge.Model;
using OrleansEdge.Relay.Framing;

namespace OrleansEdge.Relay.Sessions;

/// <summary>What became of bytes that were to be sent.</summary>
internal enum SendResult
{
    /// <summary>The transport took them.</summary>
    Sent,

    /// <summary>A Close went out before; nothing more is sent that way.</summary>
    Closed,

    /// <summary>The transport failed.</summary>
    Failed,
}

/// <summary>What became of them, and how many the transport took: all of them where sent, part of them where failed.</summary>
internal readonly record struct SendOutcome(SendResult Result, int Taken);

/// <summary>The sending half of a side. It knows whether the direction stands at a frame boundary, lets frames of the edge in
/// only there, and sends at most one Close, after which it sends nothing. Thread safe; one relaying caller at a time.</summary>
/// <param name="leg">The transport.</param>
/// <param name="masks">Whether the edge's own frames are masked, as towards an origin.</param>
/// <param name="ownFrameSent">Told the length of each frame of the edge that went out; <see langword="null"/>: nobody asks.</param>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asked for holds nothing to dispose.")]
internal sealed class FrameSender(RelayLeg leg, bool masks, Action<int>? ownFrameSent = null)
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private PendingClose? _pending;
    private bool _insideFrame;
    private bool _feedEnded;
    private volatile bool _closed;

    /// <summary>Code of the Close that went out, <see cref="ControlFrames.NoCode"/> for one without; 0: none yet.</summary>
    public int CloseCode { get; private set; }

    /// <summary>Whether the edge wants to send its Close as soon as the frame under way ends.</summary>
    public bool ClosePending => Volatile.Read(ref _pending) is not null;

    /// <summary>Whether nothing more will be sent.</summary>
    public bool IsClosed => _closed;

    /// <summary>Sends bytes of the other peer.</summary>
    /// <param name="bytes">Frames or parts of one.</param>
    /// <param name="endsInsideFrame">Whether the last frame among them is not whole.</param>
    /// <param name="closeCode">Not 0: the bytes end with the other peer's Close of that code.</param>
    public async ValueTask<SendOutcome> RelayAsync(ReadOnlyMemory<byte> bytes, bool endsInsideFrame, int closeCode = 0)
    {
        await _turn.WaitAsync();
        var before = leg.BytesTaken;
        try
        {
            if (_closed)
            {
                return new(SendResult.Closed, 0);
            }

            await leg.SendAsync(bytes);
            _insideFrame = endsInsideFrame;
            if (closeCode != 0)
            {
                CloseCode = closeCode;
                _closed = true;
            }

            return new(SendResult.Sent, bytes.Length);
        }
        catch (Exception e) when (IsTransportFailure(e))
        {
            _closed = true;
            return new(SendResult.Failed, (int)(leg.BytesTaken - before));
        }
        finally
        {
            await ReleaseAsync();
        }
    }

    /// <summary>Sends the edge's Close at the next frame boundary.</summary>
    /// <returns>Whether a Close went out, this one or one before. False: the boundary did not come within
    /// <paramref name="limit"/>, or cannot come, or the transport failed.</returns>
    public async ValueTask<bool> CloseAsync(CloseFrame close, TimeSpan limit, TimeProvider time)
    {
        var pending = new PendingClose(close);
        if (Interlocked.CompareExchange(ref _pending, pending, null) is { } other)
        {
            pending = other;
        }

        await ServePendingAsync();
        if (await pending.Done.Task.WithinAsync(limit, time))
        {
            return await pending.Done.Task;
        }

        _closed = true;
        return CloseCode != 0;
    }

    /// <summary>Sends a ping of the edge if the way is free right now.</summary>
    public bool TryPing(ReadOnlyMemory<byte> payload)
    {
        if (!_turn.Wait(0))
        {
            return false;
        }

        var free = !_closed && !_insideFrame && !ClosePending;
        _ = free ? SendPingAsync(payload) : ReleaseAsync().AsTask();
        return free;
    }

    /// <summary>No more bytes of the other peer will come; a frame that is half way stays so.</summary>
    public ValueTask EndFeedAsync()
    {
        Volatile.Write(ref _feedEnded, true);
        return ClosePending ? ServePendingAsync() : ValueTask.CompletedTask;
    }

    internal static bool IsTransportFailure(Exception e)
        => e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException or AuthenticationException;

    private async Task SendPingAsync(ReadOnlyMemory<byte> payload)
    {
        try
        {
            await SendOwnAsync(ControlFrames.Make(ControlFrames.Ping, payload.Span, masks));
        }
        catch (Exception e) when (IsTransportFailure(e))
        {
            _closed = true;
        }
        finally
        {
            await ReleaseAsync();
        }
    }

    private async ValueTask SendOwnAsync(byte[] frame)
    {
        await leg.SendAsync(frame);
        ownFrameSent?.Invoke(frame.Length);
    }

    // Whoever holds the turn serves a Close that came meanwhile; asking again after the release leaves no gap in which
    // neither side sees the other.
    private async ValueTask ReleaseAsync()
    {
        if (ClosePending)
        {
            await SendPendingAsync();
        }

        _turn.Release();
        if (ClosePending)
        {
            await ServePendingAsync();
        }
    }

    private async ValueTask ServePendingAsync()
    {
        if (Volatile.Read(ref _pending) is { Done.Task.IsCompleted: false } && _turn.Wait(0))
        {
            await SendPendingAsync();
            _turn.Release();
        }
    }

    private async ValueTask SendPendingAsync()
    {
        var pending = _pending!;
        if (pending.Done.Task.IsCompleted)
        {
            return;
        }

        if (_closed)
        {
            pending.Done.TrySetResult(CloseCode != 0);
        }
        else if (!_insideFrame)
        {
            pending.Done.TrySetResult(await TrySendCloseAsync(pending.Close));
        }
        else if (Volatile.Read(ref _feedEnded))
        {
            _closed = true;
            pending.Done.TrySetResult(false);
        }
    }

    private async ValueTask<bool> TrySendCloseAsync(CloseFrame close)
    {
        try
        {
            await SendOwnAsync(ControlFrames.MakeClose(close, masks));
            CloseCode = close.Code;
            return true;
        }
        catch (Exception e) when (IsTransportFailure(e))
        {
            return false;
        }
        finally
        {
            _closed = true;
        }
    }

    private sealed class PendingClose(CloseFrame close)
    {
        public CloseFrame Close { get; } = close;

        public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
