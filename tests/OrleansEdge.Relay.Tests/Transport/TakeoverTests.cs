using System.Buffers;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>The relay takes a connection over from the HTTP server.</summary>
public sealed class TakeoverTests
{
    private const string Upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task ClientFloodsMeanwhile_NoByteIsLostOrMoved(int seed)
    {
        var random = new Random(seed);
        var moments = new Random(seed);
        var got = new TaskCompletionSource<byte[]>();
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            await PassTimeAsync(moments.Next(300));
            got.SetResult(await TakeAllAsync(context));
        });
        for (var round = 0; round < 15; round++)
        {
            var sent = RandomNumberGenerator.GetBytes(random.Next(1, 3_000_000));
            using var client = await server.ConnectAsync();
            await client.SendAsync(Upgrade);
            var sending = SendInPiecesAsync(client, sent, random);
            await client.ReadToAsync("\r\n\r\n");
            await sending;
            client.Socket.Shutdown(SocketShutdown.Send);

            Assert.True((await got.Task.WaitAsync(TimeSpan.FromSeconds(30))).AsSpan().SequenceEqual(sent));
            got = new TaskCompletionSource<byte[]>();
        }
    }

    [Fact]
    public async Task PipeIsFullAndTheServerWaits_StopStillCompletes()
    {
        var got = new TaskCompletionSource<byte[]>();
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            await ConnectionEndTests.UntilAsync(() => Unread(context) >= 64 * 1024);
            got.SetResult(await TakeAllAsync(context));
        });
        var sent = RandomNumberGenerator.GetBytes(512 * 1024);
        using var client = await server.ConnectAsync();
        await client.SendAsync(Upgrade);
        var sending = SendInPiecesAsync(client, sent, new Random(1));
        await client.ReadToAsync("\r\n\r\n");
        await sending;
        client.Socket.Shutdown(SocketShutdown.Send);

        Assert.True((await got.Task.WaitAsync(TimeSpan.FromSeconds(30))).AsSpan().SequenceEqual(sent));
    }

    [Fact]
    public async Task AfterIt_TheRelaySendsAndEndsAndClosesItself()
    {
        var closed = new TaskCompletionSource();
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            var connection = await TakeAsync(context);
            context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().ConnectionClosed.Register(closed.SetResult);
            await connection.Socket.SendAsync("hello"u8.ToArray());
            connection.Socket.Shutdown(SocketShutdown.Send);
            Assert.Equal(3, await connection.Socket.ReceiveAsync(new byte[10]));
            Assert.Equal(0, await connection.Socket.ReceiveAsync(new byte[10]));
            connection.Socket.Dispose();
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Upgrade);
        await client.ReadToAsync("\r\n\r\n");

        Assert.Equal("hello", await client.ReadToEndAsync());
        Assert.False(closed.Task.IsCompleted);
        await client.SendAsync("bye");
        client.Socket.Shutdown(SocketShutdown.Send);

        await closed.Task.WaitAsync(TimeSpan.FromSeconds(20));
        using var other = await server.ConnectAsync();
        Assert.True(other.Socket.Connected);
    }

    [Fact]
    public async Task TwoCallsAtOnce_BothComplete()
    {
        var done = new TaskCompletionSource();
        await using var server = await EdgeServer.StartAsync(async context =>
        {
            var connection = context.Features.GetRequiredFeature<IEdgeConnection>();
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await connection.StopReceivingAsync())));
            done.SetResult();
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Upgrade);

        await done.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static async Task<IEdgeConnection> TakeAsync(HttpContext context)
    {
        var connection = context.Features.GetRequiredFeature<IEdgeConnection>();
        await connection.StopReceivingAsync();
        await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        return connection;
    }

    private static async Task<byte[]> TakeAllAsync(HttpContext context)
    {
        var connection = await TakeAsync(context);
        using var all = new MemoryStream();
        var input = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Input;
        while (input.TryRead(out var read))
        {
            all.Write(read.Buffer.ToArray());
            input.AdvanceTo(read.Buffer.End);
            if (read.Buffer.IsEmpty || read.IsCompleted)
            {
                break;
            }
        }

        var buffer = new byte[64 * 1024];
        while (await connection.Socket.ReceiveAsync(buffer) is var received and > 0)
        {
            all.Write(buffer, 0, received);
        }

        return all.ToArray();
    }

    private static long Unread(HttpContext context)
    {
        var input = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Input;
        if (!input.TryRead(out var read))
        {
            return 0;
        }

        input.AdvanceTo(read.Buffer.Start);
        return read.Buffer.Length;
    }

    private static async Task PassTimeAsync(int yields)
    {
        for (var i = 0; i < yields; i++)
        {
            await Task.Yield();
        }
    }

    private static async Task SendInPiecesAsync(RawClient client, byte[] bytes, Random random)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var size = Math.Min(bytes.Length - at, random.Next(1, 100_000));
            await client.SendAsync(bytes.AsMemory(at, size));
            at += size;
        }
    }
}
