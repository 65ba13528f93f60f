using System.Threading.Channels;
using OrleansEdge.Relay.Sessions;

namespace OrleansEdge.Relay.Tests.Sessions;

/// <summary>A side of a session in memory: the test is the peer.</summary>
internal sealed class MemoryLeg() : RelayLeg(default)
{
    private readonly Channel<byte[]> _arriving = Channel.CreateUnbounded<byte[]>();
    private readonly List<byte> _sent = [];
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _current = [];
    private TaskCompletionSource? _stall;

    /// <summary>Completes at the FIN, the cut or the give-back.</summary>
    public Task Finished => _finished.Task;

    public bool IsAborted { get; private set; }

    public bool IsDisposed { get; private set; }

    public byte[] Sent
    {
        get
        {
            lock (_sent)
            {
                return [.. _sent];
            }
        }
    }

    /// <summary>The peer sends.</summary>
    public void Arrive(params byte[] bytes) => _arriving.Writer.TryWrite(bytes);

    /// <summary>The peer ends its sending.</summary>
    public void ArriveEnd() => _arriving.Writer.TryComplete();

    /// <summary>The peer is gone: receives fail.</summary>
    public void Break() => _arriving.Writer.TryComplete(new IOException("reset"));

    /// <summary>The peer goes away when it has taken so many bytes.</summary>
    public int? TakesAtMost { get; set; }

    /// <summary>Receives fail in a way that no transport fails.</summary>
    public void Fault() => _arriving.Writer.TryComplete(new FormatException("a defect"));

    /// <summary>The peer reads nothing more until <see cref="Resume"/>.</summary>
    public void Stall() => _stall = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Resume() => Interlocked.Exchange(ref _stall, null)?.TrySetResult();

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (_stall is { } stall)
        {
            await stall.Task;
        }

        ObjectDisposedException.ThrowIf(IsAborted || IsDisposed, this);
        var taken = Math.Min(bytes.Length, TakesAtMost - (int)BytesTaken ?? bytes.Length);
        lock (_sent)
        {
            _sent.AddRange(bytes.Span[..taken]);
        }

        BytesTaken += taken;
        if (taken < bytes.Length)
        {
            throw new IOException("reset");
        }
    }

    public override ValueTask FinishSendingAsync()
    {
        _finished.TrySetResult();
        return ValueTask.CompletedTask;
    }

    public override void Abort()
    {
        IsAborted = true;
        Dispose();
    }

    public override void Dispose()
    {
        IsDisposed = true;
        Break();
        Resume();
        _finished.TrySetResult();
    }

    protected override async ValueTask WaitCoreAsync()
    {
        if (_current.Length == 0)
        {
            await _arriving.Reader.WaitToReadAsync();
        }
    }

    protected override ValueTask<int> ReceiveCoreAsync(Memory<byte> buffer)
    {
        if (_current.Length == 0 && !_arriving.Reader.TryRead(out _current!))
        {
            _current = [];
            return new(0);
        }

        var count = Math.Min(buffer.Length, _current.Length);
        _current.AsMemory(0, count).CopyTo(buffer);
        _current = _current[count..];
        return new(count);
    }
}
