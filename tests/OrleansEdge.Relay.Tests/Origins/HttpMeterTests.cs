using System.Net;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Model;
using OrleansEdge.Relay.Origins;
using OrleansEdge.Relay.Tests.Metering;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

/// <summary>What of an answer is billed when its client goes.</summary>
public sealed class HttpMeterTests : IDisposable
{
    private readonly TestSpool _spool = new();
    private readonly Connection _connection = new();
    private readonly CancellationTokenSource _aborted = new();
    private readonly DefaultHttpContext _context = new();
    private readonly HttpMeter _meter;

    public HttpMeterTests()
    {
        _context.Features.Set<IEdgeConnection>(_connection);
        _context.RequestAborted = _aborted.Token;
        _context.Request.Protocol = HttpProtocol.Http11;
        _meter = new HttpMeter(_context, _spool.Spool.MeterOf("acme", "chat.example.com", UsageKind.Http));
    }

    private UsageCounts Counted => Assert.Single(TestSpool.SumFiles(_spool.Folder)).Value;

    public void Dispose()
    {
        _spool.Dispose();
        _aborted.Dispose();
    }

    [Fact]
    public void ClientTakesAll_AllIsBilled()
    {
        Pass(1000);
        Pass(500);
        Assert.Equal((1500L, 1500L), (Counted.OriginBytesDown, Counted.BytesDown));
    }

    [Theory]
    [InlineData("HTTP/1.1")]
    [InlineData("HTTP/2")]
    public void ClientIsGoneBeforeTheWrite_ItIsNotBilled(string protocol)
    {
        _context.Request.Protocol = protocol;
        Pass(1000);
        _connection.IsGone = true;
        Pass(500);
        Assert.Equal((1500L, 1000L), (Counted.OriginBytesDown, Counted.BytesDown));
    }

    [Fact]
    public void ClientLeavesWithTheLastByte_ItIsBilled()
    {
        Pass(1000, meanwhile: () =>
        {
            _connection.IsGone = true;
            _aborted.Cancel();
        });
        Assert.Equal(1000, Counted.BytesDown);
    }

    [Fact]
    public void WriteFails_ItIsNotBilled()
    {
        Pass(1000, meanwhile: () => _connection.IsBroken = true);
        Assert.Equal((1000L, 0L), (Counted.OriginBytesDown, Counted.BytesDown));
    }

    [Fact]
    public void StreamIsResetDuringTheWrite_ItIsNotBilled()
    {
        _context.Request.Protocol = HttpProtocol.Http2;
        Pass(1000, meanwhile: _aborted.Cancel);
        Assert.Equal((1000L, 0L), (Counted.OriginBytesDown, Counted.BytesDown));
    }

    private void Pass(int bytes, Action? meanwhile = null)
    {
        _meter.Read(bytes);
        meanwhile?.Invoke();
        _meter.Down(bytes);
    }

    private sealed class Connection : IEdgeConnection
    {
        public string Endpoint => EdgeEndpoints.Edge;

        public System.Net.Sockets.Socket Socket => throw new NotSupportedException();

        public IPEndPoint Peer { get; } = new(IPAddress.Loopback, 1);

        public IPEndPoint Client => Peer;

        public bool IsBroken { get; set; }

        public bool IsGone { get; set; }

        public ValueTask StopReceivingAsync() => throw new NotSupportedException();

        public void HoldOpen() => throw new NotSupportedException();
    }
}
