using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OrleansEdge.Relay.Transport;

/// <summary>The output of a connection: a flush completes when the kernel has taken the bytes, and there is no loop that sends
/// later. A send that fails does not throw; it makes the result's <c>IsCompleted</c> true, as a pipe does whose reader is gone.
/// For one writer at a time; <see cref="CancelPendingFlush"/> may be called from anywhere.</summary>
internal sealed class SocketOutput(Socket socket, MemoryPool<byte> pool, Action abort) : PipeWriter
{
    private const int BlockSize = 4096;
    private const int MaxGatheredBlocks = 64;

    private readonly Lock _sync = new();
    private List<Block>? _full;
    private Block _current;
    private long _unflushed;
    private Task _sending = Task.CompletedTask;
    private TaskCompletionSource? _waiting;
    private bool _cancelNext;
    private bool _completed;
    private volatile bool _broken;

    /// <summary>Whether a send has failed.</summary>
    public bool IsBroken => _broken;

    /// <summary>Completes when everything that was flushed is with the kernel or the connection is broken. Never fails.</summary>
    public Task Sending => _sending;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushed;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_completed)
        {
            throw new InvalidOperationException("Nothing can be written after the output was completed.");
        }

        if (_current.Owner is { } owner)
        {
            var free = owner.Memory[_current.Length..];
            if (free.Length >= Math.Max(sizeHint, 1))
            {
                return free;
            }

            Retire();
        }

        var size = Math.Max(sizeHint, BlockSize);
        _current = new Block((size <= pool.MaxBufferSize ? pool : MemoryPool<byte>.Shared).Rent(size), 0);
        return _current.Owner!.Memory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes == 0)
        {
            return;
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (_current.Owner?.Memory.Length ?? 0) - _current.Length);
        _current.Length += bytes;
        _unflushed += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        var send = SendBuffered();
        if (TakeCancellation())
        {
            Remember(send);
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: true, isCompleted: _broken));
        }

        if (send.IsCompletedSuccessfully)
        {
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: _broken));
        }

        Remember(send);
        return WaitAsync(cancellationToken);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (_unflushed > 0 || !_sending.IsCompleted || _completed || cancellationToken.IsCancellationRequested)
        {
            return base.WriteAsync(source, cancellationToken);
        }

        var send = SendAsync(source);
        return send.IsCompletedSuccessfully
            ? new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: _broken))
            : WaitDirectAsync(send, cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        lock (_sync)
        {
            _cancelNext = _waiting is null;
            _waiting?.TrySetResult();
        }
    }

    /// <summary>Sends what is still unflushed (<see cref="Sending"/> tells when that is done), or drops it where an exception is
    /// given.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (_completed)
        {
            return;
        }

        _completed = true;
        _broken |= exception is not null;
        Remember(SendBuffered());
    }

    private void Retire()
    {
        if (_current.Length == 0)
        {
            _current.Owner?.Dispose();
        }
        else
        {
            (_full ??= []).Add(_current);
        }

        _current = default;
    }

    private void Remember(ValueTask send)
    {
        if (!send.IsCompletedSuccessfully)
        {
            _sending = send.AsTask();
        }
    }

    private bool TakeCancellation()
    {
        lock (_sync)
        {
            var requested = _cancelNext;
            _cancelNext = false;
            return requested;
        }
    }

    private async ValueTask<FlushResult> WaitAsync(CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_sync)
        {
            _waiting = cancelled;
            if (_cancelNext)
            {
                _cancelNext = false;
                cancelled.SetResult();
            }
        }

        try
        {
            // Where this ends early only the waiting ends: the bytes are on their way, and the next flush waits for them first.
            await Task.WhenAny(_sending, cancelled.Task).WaitAsync(cancellationToken);
            return new FlushResult(isCanceled: cancelled.Task.IsCompleted, isCompleted: _broken);
        }
        finally
        {
            lock (_sync)
            {
                _waiting = null;
            }
        }
    }

    // The memory is the caller's again as soon as this ends, so a cancelled wait has to end the send too: by ending the connection.
    private async ValueTask<FlushResult> WaitDirectAsync(ValueTask send, CancellationToken cancellationToken)
    {
        await using (cancellationToken.UnsafeRegister(static state => ((Action)state!)(), abort))
        {
            await send;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return new FlushResult(isCanceled: false, isCompleted: _broken);
    }

    private ValueTask SendBuffered()
    {
        if (_full is null && _current.Length == 0)
        {
            _current.Owner?.Dispose();
            _current = default;
            return _sending.IsCompleted ? ValueTask.CompletedTask : new ValueTask(_sending);
        }

        _unflushed = 0;
        if (_full is null)
        {
            var block = _current;
            _current = default;
            return SendBlockAsync(block);
        }

        Retire();
        var blocks = _full;
        _full = null;
        return SendBlocksAsync(blocks);
    }

    private async ValueTask SendBlockAsync(Block block)
    {
        using (block.Owner)
        {
            await _sending;
            await SendAsync(block.Memory);
        }
    }

    private async ValueTask SendBlocksAsync(List<Block> blocks)
    {
        await _sending;
        for (var first = 0; first < blocks.Count; first += MaxGatheredBlocks)
        {
            await SendGatheredAsync(blocks.GetRange(first, Math.Min(MaxGatheredBlocks, blocks.Count - first)));
        }

        foreach (var block in blocks)
        {
            block.Owner!.Dispose();
        }
    }

    private async ValueTask SendGatheredAsync(List<Block> blocks)
    {
        var parts = new List<ArraySegment<byte>>(blocks.Count);
        foreach (var block in blocks)
        {
            if (!MemoryMarshal.TryGetArray<byte>(block.Memory, out var part))
            {
                await SendEachAsync(blocks);
                return;
            }

            parts.Add(part);
        }

        await SendAsync(parts);
    }

    private async ValueTask SendEachAsync(List<Block> blocks)
    {
        foreach (var block in blocks)
        {
            await SendAsync(block.Memory);
        }
    }

    private async ValueTask SendAsync(List<ArraySegment<byte>> parts)
    {
        try
        {
            while (parts.Count > 0 && !_broken)
            {
                Skip(parts, await socket.SendAsync(parts, SocketFlags.None));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _broken = true;
        }
    }

    private static void Skip(List<ArraySegment<byte>> parts, int sent)
    {
        var whole = 0;
        while (whole < parts.Count && sent >= parts[whole].Count)
        {
            sent -= parts[whole++].Count;
        }

        parts.RemoveRange(0, whole);
        if (parts.Count > 0)
        {
            parts[0] = parts[0][sent..];
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty && !_broken)
            {
                bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None)..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _broken = true;
        }
    }

    private struct Block(IMemoryOwner<byte> owner, int length)
    {
        public readonly IMemoryOwner<byte>? Owner = owner;
        public int Length = length;

        public readonly ReadOnlyMemory<byte> Memory => Owner!.Memory[..Length];
    }
}
