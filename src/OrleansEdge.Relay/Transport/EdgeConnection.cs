using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace OrleansEdge.Relay.Transport;

/// <summary>What all connections of one listener share.</summary>
internal sealed record EdgeConnectionServices(MemoryPool<byte> Pool, LingeringClose Lingering, TimeProvider Time, ILogger Logger);

/// <summary>A TCP connection that the edge accepted, as the HTTP server sees it: input through a pipe that a background loop fills
/// (so that the peer's end is noticed while a request is served), output straight to the kernel.</summary>
internal sealed class EdgeConnection : ConnectionContext, IEdgeConnection, IDuplexPipe, IConnectionIdFeature, IConnectionItemsFeature,
    IConnectionTransportFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature, IMemoryPoolFeature
{
    private const int SmallRead = 4 * 1024;
    private const int LargeRead = 16 * 1024;
    private const long PauseReceiving = 64 * 1024;

    private static long _lastId = DateTime.UtcNow.Ticks;

    private readonly EdgeConnectionServices _services;
    private readonly Pipe _input;
    private readonly SocketOutput _output;
    private readonly CancellationTokenSource _stopReceiving = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _sync = new();
    private Task _receiving = Task.CompletedTask;
    private IDictionary<object, object?>? _items;
    private string? _id;
    private Exception? _abortReason;
    private volatile bool _aborted;
    private volatile bool _inputHasEnded;
    private volatile bool _peerHasEnded;
    private bool _takenOver;
    private bool _disposed;
    private int _closedFired;

    public EdgeConnection(Socket socket, string endpoint, EdgeConnectionServices services)
    {
        Socket = socket;
        Endpoint = endpoint;
        _services = services;
        Peer = Normalize((IPEndPoint)socket.RemoteEndPoint!);
        RemoteEndPoint = Peer;
        LocalEndPoint = Normalize((IPEndPoint)socket.LocalEndPoint!);
        _input = new Pipe(new PipeOptions(
            services.Pool,
            PipeScheduler.ThreadPool,
            PipeScheduler.Inline,
            PauseReceiving,
            PauseReceiving / 2,
            useSynchronizationContext: false));
        _output = new SocketOutput(socket, services.Pool, AbortSend);
        Transport = this;
        ConnectionClosed = _closed.Token;
        Features = NewFeatures();
    }

    public string Endpoint { get; }

    public Socket Socket { get; }

    public IPEndPoint Peer { get; }

    public IPEndPoint Client => (IPEndPoint)RemoteEndPoint!;

    public bool IsBroken => _output.IsBroken;

    public bool IsGone => _inputHasEnded || _aborted || _output.IsBroken;

    public MemoryPool<byte> MemoryPool => _services.Pool;

    public override string ConnectionId
    {
        get => _id ??= Interlocked.Increment(ref _lastId).ToString("x", null);
        set => _id = value;
    }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    PipeReader IDuplexPipe.Input => _input.Reader;

    PipeWriter IDuplexPipe.Output => _output;

    /// <summary>Begins to receive.</summary>
    public void Start() => _receiving = ReceiveAsync();

    public void HoldOpen()
    {
        lock (_sync)
        {
            _takenOver = true;
        }
    }

    public async ValueTask StopReceivingAsync()
    {
        HoldOpen();
        await EndReceivingAsync();
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (_sync)
        {
            if (_aborted || _disposed || _takenOver)
            {
                return;
            }

            _aborted = true;
            _abortReason = abortReason;
        }

        CloseNow(abortReason);
        _input.Writer.CancelPendingFlush();
        FireClosed();
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    public override async ValueTask DisposeAsync()
    {
        _input.Reader.Complete();
        _output.Complete();
        await EndReceivingAsync();
        await FinishSendingAsync();
        _input.Writer.Complete();
        CloseGently();
        FireClosed();
        _stopReceiving.Dispose();
        await base.DisposeAsync();
    }

    private FeatureCollection NewFeatures()
    {
        var features = new FeatureCollection(16);
        features.Set<IEdgeConnection>(this);
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        features.Set<IMemoryPoolFeature>(this);
        return features;
    }

    private static IPEndPoint Normalize(IPEndPoint endPoint) =>
        endPoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port) : endPoint;

    private async Task ReceiveAsync()
    {
        Exception? error = null;
        try
        {
            await FillInputAsync();
        }
        catch (SocketException e)
        {
            error = new ConnectionResetException(e.Message, e);
        }
        catch (ObjectDisposedException e)
        {
            error = new ConnectionAbortedException("The socket was closed.", e);
        }
        catch (OperationCanceledException)
        {
            // Stopped: the pipe stays open, for what was received belongs to whoever reads it next. Or nobody reads any more.
            return;
        }

        if (_stopReceiving.IsCancellationRequested)
        {
            return;
        }

        _peerHasEnded = error is null;
        _inputHasEnded = true;
        TransportLog.InputEnded(_services.Logger, ConnectionId, error?.Message ?? "the peer ended");
        _input.Writer.Complete(_abortReason ?? error);
        FireClosed();
    }

    // Returns at the peer's end, or when told to stop while the reader is too slow.
    private async Task FillInputAsync()
    {
        var size = SmallRead;
        while (true)
        {
            await Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, _stopReceiving.Token);
            var memory = _input.Writer.GetMemory(size);
            // The wait before may end without data (it ends at any event of the socket), so this may wait as well.
            var received = await Socket.ReceiveAsync(memory, SocketFlags.None, _stopReceiving.Token);
            if (received == 0)
            {
                return;
            }

            size = received == memory.Length ? LargeRead : SmallRead;
            _input.Writer.Advance(received);
            var flush = await _input.Writer.FlushAsync();
            if (flush.IsCompleted)
            {
                throw new OperationCanceledException("The reader has gone.");
            }
        }
    }

    private Task EndReceivingAsync()
    {
        lock (_sync)
        {
            if (!_disposed)
            {
                _stopReceiving.Cancel();
            }
        }

        _input.Writer.CancelPendingFlush();
        return _receiving;
    }

    private void AbortSend() => Abort(new ConnectionAbortedException("A write was cancelled."));

    // Without a reason the HTTP server means an orderly end: the peer has ended, and it ends too.
    private void CloseNow(ConnectionAbortedException? reason)
    {
        if (reason is null)
        {
            _services.Lingering.Close(Socket, _peerHasEnded, LingeringClose.Patience, closed: null);
        }
        else
        {
            TransportLog.Aborted(_services.Logger, ConnectionId, reason.Message);
            Socket.Close(0);
        }
    }

    private async Task FinishSendingAsync()
    {
        try
        {
            await _output.Sending.WaitAsync(LingeringClose.Patience, _services.Time);
        }
        catch (TimeoutException)
        {
            Abort(new ConnectionAbortedException("The peer did not take the last bytes in time."));
        }
    }

    private void CloseGently()
    {
        bool aborted, takenOver;
        lock (_sync)
        {
            (aborted, takenOver) = (_aborted, _takenOver);
            _disposed = true;
        }

        if (takenOver)
        {
            Socket.Dispose();
        }
        else if (!aborted)
        {
            _services.Lingering.Close(Socket, _peerHasEnded, LingeringClose.Patience, closed: null);
        }
    }

    // Callbacks of the token are the application's code, so they do not run on the receiving or aborting thread.
    private void FireClosed()
    {
        if (Interlocked.Exchange(ref _closedFired, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.CancelClosed(), this, preferLocal: false);
        }
    }

    private void CancelClosed()
    {
        try
        {
            _closed.Cancel();
        }
        catch (AggregateException e)
        {
            TransportLog.CloseCallbackFailed(_services.Logger, e, ConnectionId);
        }
    }
}
