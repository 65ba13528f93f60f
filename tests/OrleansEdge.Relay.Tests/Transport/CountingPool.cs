using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>A pool that counts what is out.</summary>
internal sealed class CountingPool : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private int _rented;
    private int _everRented;

    public int Rented => Volatile.Read(ref _rented);

    public int EverRented => Volatile.Read(ref _everRented);

    public override int MaxBufferSize => 4096;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        Interlocked.Increment(ref _rented);
        Interlocked.Increment(ref _everRented);
        return new Owner(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Owner(CountingPool pool) : IMemoryOwner<byte>
    {
        private int _disposed;

        public Memory<byte> Memory { get; } = new byte[4096];

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref pool._rented);
            }
        }
    }
}
