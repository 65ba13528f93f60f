using Microsoft.Win32.SafeHandles;

namespace OrleansEdge.Relay.Transport;

/// <summary>A few descriptors that are kept open for nothing, so that when the process has run out of them a connection can still
/// be accepted, told so and closed. Thread safe.</summary>
internal sealed class DescriptorReserve : IDisposable
{
    /// <summary>Number of descriptors that are kept when none is lent.</summary>
    public const int Size = 8;

    private readonly Lock _sync = new();
    private readonly Stack<SafeFileHandle> _kept = new(Size);
    private int _lent;
    private bool _disposed;

    public DescriptorReserve() => Refill();

    /// <summary>Number of descriptors that are kept now.</summary>
    public int Kept
    {
        get
        {
            lock (_sync)
            {
                return _kept.Count;
            }
        }
    }

    /// <summary>Closes one, so that the next thing opened can have it.</summary>
    /// <returns>What takes it back when disposed (after that thing was closed), or null where none is left.</returns>
    public IDisposable? TryLend()
    {
        lock (_sync)
        {
            if (!_kept.TryPop(out var handle))
            {
                return null;
            }

            handle.Dispose();
            _lent++;
            return new Loan(this);
        }
    }

    /// <summary>Opens what is missing and not lent, as far as the system gives descriptors.</summary>
    public void Refill()
    {
        lock (_sync)
        {
            while (!_disposed && _kept.Count + _lent < Size && TryOpen() is { } handle)
            {
                _kept.Push(handle);
            }
        }
    }

    public void Dispose()
    {
        lock (_sync)
        {
            _disposed = true;
            while (_kept.TryPop(out var handle))
            {
                handle.Dispose();
            }
        }
    }

    private static SafeFileHandle? TryOpen()
    {
        try
        {
            return File.OpenHandle(OperatingSystem.IsWindows() ? "NUL" : "/dev/null");
        }
        catch (IOException)
        {
            // Out of descriptors again: the next refill tries anew.
            return null;
        }
    }

    private void TakeBack()
    {
        lock (_sync)
        {
            _lent--;
        }

        Refill();
    }

    private sealed class Loan(DescriptorReserve reserve) : IDisposable
    {
        private DescriptorReserve? _reserve = reserve;

        public void Dispose() => Interlocked.Exchange(ref _reserve, null)?.TakeBack();
    }
}
