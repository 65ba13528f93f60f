using System.Net;
using System.Net.Sockets;
using OrleansEdge.Relay.Sessions;
using Xunit;

namespace OrleansEdge.Relay.Tests.Sessions;

/// <summary>What a send that fails leaves behind, on real sockets.</summary>
public class SocketLegTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task SendThatIsCut_TookExactlyWhatThePeerGets(int readBefore)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var peer = new TcpClient();
        await peer.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var socket = await listener.AcceptSocketAsync();
        using var leg = new SocketLeg(socket, default);
        var sending = leg.SendAsync(new byte[64 * 1024 * 1024]).AsTask();
        var buffer = new byte[readBefore];
        await peer.GetStream().ReadExactlyAsync(buffer);
        Assert.False(sending.IsCompleted);

        // Ends the send in order: what the kernel has taken still arrives.
        socket.Shutdown(SocketShutdown.Send);
        await Assert.ThrowsAnyAsync<SocketException>(() => sending);

        using var rest = new MemoryStream();
        await peer.GetStream().CopyToAsync(rest);
        Assert.Equal(readBefore + rest.Length, leg.BytesTaken);
        Assert.InRange(leg.BytesTaken, 1, 64 * 1024 * 1024 - 1);
    }

    [Fact]
    public async Task SendThatWaitsForThePeer_TakesAllInTheEnd()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var peer = new TcpClient();
        await peer.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var socket = await listener.AcceptSocketAsync();
        using var leg = new SocketLeg(socket, default);
        var bytes = new byte[16 * 1024 * 1024];
        new Random(1).NextBytes(bytes);
        var sending = leg.SendAsync(bytes).AsTask();
        var got = new byte[bytes.Length];

        await peer.GetStream().ReadExactlyAsync(got);
        await sending;

        Assert.Equal(bytes.Length, leg.BytesTaken);
        Assert.True(bytes.AsSpan().SequenceEqual(got));
    }
}
