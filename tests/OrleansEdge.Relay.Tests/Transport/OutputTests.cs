using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>The output of a connection, on a real pair of sockets.</summary>
public sealed class OutputTests : IAsyncLifetime
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private Socket _socket = null!;
    private RawClient _peer = null!;
    private SocketOutput _output = null!;

    public async Task InitializeAsync()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _peer = await RawClient.ConnectAsync(_listener.LocalEndPoint!, socket => socket.ReceiveBufferSize = 16 * 1024);
        _socket = await _listener.AcceptAsync();
        _socket.SendBufferSize = 16 * 1024;
        _output = new SocketOutput(_socket, MemoryPool<byte>.Shared, () => _socket.Close(0));
    }

    public Task DisposeAsync()
    {
        _listener.Dispose();
        _socket.Dispose();
        _peer.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task PeerDoesNotRead_FlushWaitsUntilTheKernelHasTakenAll()
    {
        var sent = Fill(4 * 1024 * 1024);

        var flush = _output.FlushAsync().AsTask();
        Assert.NotSame(flush, await Task.WhenAny(flush, Task.Delay(300)));
        var received = await ReceiveAsync(sent.Length);

        Assert.False((await flush.WaitAsync(TimeSpan.FromSeconds(20))).IsCompleted);
        Assert.True(received.AsSpan().SequenceEqual(sent));
    }

    [Fact]
    public async Task CancelPendingFlush_EndsTheWaitAndLosesNothing()
    {
        var first = Fill(1024 * 1024);
        var flush = _output.FlushAsync().AsTask();
        _output.CancelPendingFlush();
        Assert.True((await flush.WaitAsync(TimeSpan.FromSeconds(20))).IsCanceled);

        var second = Fill(1024 * 1024);
        var next = _output.FlushAsync().AsTask();
        var received = await ReceiveAsync(first.Length + second.Length);

        Assert.False((await next.WaitAsync(TimeSpan.FromSeconds(20))).IsCanceled);
        Assert.True(received.AsSpan().SequenceEqual((byte[])[.. first, .. second]));
    }

    [Fact]
    public async Task CancelledToken_EndsTheWaitAndLosesNothing()
    {
        using var cancelled = new CancellationTokenSource();
        var first = Fill(1024 * 1024);
        var flush = _output.FlushAsync(cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.WaitAsync(TimeSpan.FromSeconds(20)));

        var second = Fill(100);
        var next = _output.FlushAsync().AsTask();

        Assert.True((await ReceiveAsync(first.Length + second.Length)).AsSpan().SequenceEqual((byte[])[.. first, .. second]));
        await next.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task CancelBeforeAFlush_MarksTheNextOneOnly()
    {
        _output.CancelPendingFlush();
        Fill(10);

        Assert.True((await _output.FlushAsync()).IsCanceled);
        Assert.False((await _output.FlushAsync()).IsCanceled);
        await ReceiveAsync(10);
    }

    [Fact]
    public async Task CancelledDirectWrite_AbortsTheConnection()
    {
        using var cancelled = new CancellationTokenSource();
        var write = _output.WriteAsync(new byte[4 * 1024 * 1024], cancelled.Token).AsTask();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(TimeSpan.FromSeconds(20)));
        await Assert.ThrowsAsync<SocketException>(() => _peer.ReadToEndAsync());
    }

    [Fact]
    public async Task MixOfFillingAndWriting_ArrivesInOrder()
    {
        var random = new Random(7);
        using var expected = new MemoryStream();
        var reading = Task.Run(_peer.ReadToEndAsync);
        for (var i = 0; i < 300; i++)
        {
            var bytes = Fill(random.Next(0, 40_000));
            expected.Write(bytes);
            if (i % 3 == 0)
            {
                await _output.FlushAsync();
            }

            var direct = RandomNumberGenerator.GetBytes(random.Next(0, 20_000));
            expected.Write(direct);
            await _output.WriteAsync(direct);
        }

        _output.Complete();
        await _output.Sending;
        _socket.Shutdown(SocketShutdown.Send);

        Assert.Equal(System.Text.Encoding.Latin1.GetString(expected.ToArray()), await reading);
    }

    [Fact]
    public async Task PeerResets_FlushSaysCompletedAndDoesNotThrow()
    {
        _peer.Reset();
        for (var i = 0; i < 100; i++)
        {
            Fill(100_000);
            if ((await _output.FlushAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20))).IsCompleted)
            {
                return;
            }
        }

        Assert.Fail("The flush never told of the reset.");
    }

    [Fact]
    public async Task CompleteWithUnflushedBytes_SendsThem()
    {
        var sent = Fill(50_000);
        _output.Complete();

        Assert.True((await ReceiveAsync(sent.Length)).AsSpan().SequenceEqual(sent));
        await _output.Sending.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void UnflushedBytes_CountsWhatWasAdvanced()
    {
        Fill(10_000);

        Assert.Equal(10_000, _output.UnflushedBytes);
    }

    // In spans of odd sizes, as the HTTP server fills it.
    private byte[] Fill(int length)
    {
        var bytes = RandomNumberGenerator.GetBytes(length);
        for (var at = 0; at < length;)
        {
            var size = Math.Min(length - at, 777 + at % 3000);
            bytes.AsSpan(at, size).CopyTo(_output.GetSpan(size));
            _output.Advance(size);
            at += size;
        }

        return bytes;
    }

    private async Task<byte[]> ReceiveAsync(int length)
    {
        var bytes = new byte[length];
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        for (var at = 0; at < length;)
        {
            at += await _peer.Socket.ReceiveAsync(bytes.AsMemory(at), late.Token);
        }

        return bytes;
    }
}
